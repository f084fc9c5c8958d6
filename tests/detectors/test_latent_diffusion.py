import shutil
from pathlib import Path

import pytest
import released_files
import torch
from safetensors.torch import load_file, save_file

from detectors import WeightsError, WeightsNotFoundError
from detectors.latent_diffusion import CLIP_FILES, ClipImages, LatentDiffusion, find_folder

pytest.importorskip("diffusers")


@pytest.fixture
def models(tmp_path: Path) -> dict[str, Path]:
    """A copy of the small models that a test may damage."""
    return {name: shutil.copytree(folder, tmp_path / name) for name, folder in released_files.small_diffusion().items()}


def test_features_are_those_of_clip(models):
    from transformers import AutoImageProcessor, CLIPModel

    levels = torch.randint(0, 256, (2, 3, 40, 23), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    processor, clip = (kind.from_pretrained(models["clip_model"]) for kind in (AutoImageProcessor, CLIPModel))
    with torch.inference_mode():
        features = ClipImages(str(models["clip_model"]))(levels)
        expected = clip.get_image_features(**processor(images=list(levels), return_tensors="pt")).pooler_output
    torch.testing.assert_close(features, expected)
    assert not torch.allclose(features[0], features[1])


@pytest.mark.parametrize("file", ["unet/config.json", "text_encoder/model.safetensors", "tokenizer/merges.txt"])
def test_a_missing_file_is_named(models, file):
    (models["model"] / file).unlink()
    with pytest.raises(WeightsNotFoundError, match=f"There is no {file} in .*model must be a folder as diffusers"):
        LatentDiffusion(str(models["model"]))


def test_another_network_in_its_place_is_an_error(models):
    shutil.copy(models["model"] / "vae" / "config.json", models["model"] / "unet" / "config.json")
    with pytest.raises(WeightsError, match="describes a AutoencoderKL; expected UNet2DConditionModel"):
        LatentDiffusion(str(models["model"]))


def test_weights_that_lack_a_tensor_are_an_error(models):
    file = models["clip_model"] / "model.safetensors"
    state = load_file(file)
    del state["visual_projection.weight"]
    save_file(state, file, {"format": "pt"})
    with pytest.raises(WeightsError, match=r"does not fit CLIPModel: 1 missing \(such as visual_projection\.weight\)"):
        ClipImages(str(models["clip_model"]))


def test_a_damaged_file_is_an_error_of_one_line(models):
    (models["model"] / "text_encoder" / "model.safetensors").write_bytes(b"no tensors")
    with pytest.raises(WeightsError, match="text_encoder cannot be loaded") as caught:
        LatentDiffusion(str(models["model"]))
    assert "\n" not in str(caught.value)


def test_what_is_neither_here_nor_on_the_hub_says_what_to_give(hub_cache):
    with pytest.raises(WeightsNotFoundError, match=r"clip_model=openai/none is no folder here.*clip_model=FOLDER"):
        find_folder("openai/none", "clip_model", CLIP_FILES)


def test_the_hubs_cache_is_looked_at_first(models, hub_cache):
    snapshot = hub_cache / "models--openai--clip" / "snapshots" / ("0" * 40)
    shutil.copytree(models["clip_model"], snapshot)
    (snapshot.parents[1] / "refs").mkdir()
    (snapshot.parents[1] / "refs" / "main").write_text("0" * 40)
    assert find_folder("openai/clip", "clip_model", CLIP_FILES) == snapshot
