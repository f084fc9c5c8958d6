import json
import math
import shutil
import sys

import pytest
import released_files
import torch
from tiny_diffusion import SIDE
from torch import Tensor

from datamodules.keys import image_key
from detectors import ManifoldBias, OptionError, WeightsNotFoundError, create_detector
from detectors.manifold_bias import criterion, read_captions, scaled_centre, spherical
from detectors.randomness import seeded_generator

pytest.importorskip("diffusers")


def create(**more: object) -> ManifoldBias:
    options = {"side": SIDE, "draws": 3, **released_files.small_diffusion(), **more}
    detector = create_detector("manifold-bias", **options)
    assert isinstance(detector, ManifoldBias)
    return detector


@pytest.fixture(scope="module")
def detector() -> ManifoldBias:
    return create()


def test_the_criterion_by_hand():
    """Cosines 0.6 and 0.8 to predictions of lengths 5 and 10, which lie at 0 and 1 to their noises."""
    image = torch.tensor([[2.0, 0.0]])
    predicted = torch.tensor([[3.0, 4.0], [8.0, 6.0]])
    noise = torch.tensor([[-4.0, 3.0], [4.0, 3.0]])
    expected = 1 + (math.sqrt(512) * 0.7 - 7.5 + 0.5) / (math.sqrt(512) + 2)
    assert criterion(image, predicted, noise).item() == pytest.approx(expected, rel=1e-6)


def test_noise_of_the_sphere_has_the_length_of_its_dimension():
    noise = spherical(torch.randn(3, 4, 8, 8, generator=torch.Generator().manual_seed(0)))
    torch.testing.assert_close(noise.flatten(1).norm(dim=1), torch.full((3,), 16.0))


@pytest.mark.parametrize(("size", "top", "left"), [((19, 40), 1, 12), ((41, 19), 12, 1), ((19, 19), 1, 1)])
def test_the_centre_is_the_one_of_the_code(size, top, left):
    """The short side has three pixels more than the square, and halves are rounded down."""
    image = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0))
    assert torch.equal(scaled_centre(image, 16), image[:, :, top : top + 16, left : left + 16])


def plain_score(image: Tensor, key: int, caption: str, folders: dict[str, str]) -> float:
    """Written from the facts, a noise at a time, on the models as their libraries load them."""
    from diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel
    from torchvision.transforms import Resize
    from transformers import AutoImageProcessor, CLIPModel, CLIPTextModel, CLIPTokenizer

    def part(kind, name):
        return kind.from_pretrained(f"{folders['model']}/{name}")

    vae, unet, scheduler = (
        part(AutoencoderKL, "vae"),
        part(UNet2DConditionModel, "unet"),
        part(DDPMScheduler, "scheduler"),
    )
    tokenizer, text_encoder = part(CLIPTokenizer, "tokenizer"), part(CLIPTextModel, "text_encoder")
    clip, processor = (kind.from_pretrained(folders["clip_model"]) for kind in (CLIPModel, AutoImageProcessor))

    def prepared(pictures):
        pictures = Resize(SIDE + 3)(pictures)
        height, width = pictures.shape[-2:]
        rows, columns = (height - SIDE) // 2, (width - SIDE) // 2
        return pictures[..., rows : rows + SIDE, columns : columns + SIDE]

    def seen(levels):
        return clip.get_image_features(**processor(images=levels, return_tensors="pt")).pooler_output[0]

    def shown(latents):
        picture = prepared(vae.decode(latents, return_dict=False)[0])
        return seen(((picture / 2 + 0.5).clamp(0, 1) * 255)[0].round().to(torch.uint8))

    def draw(purpose, shape):
        return torch.randn(shape, generator=seeded_generator("manifold-bias", 0, key, purpose))

    levels = (image * 255).round().to(torch.uint8)
    spread = vae.encode(2 * (prepared(levels.float()[None]) / 255) - 1).latent_dist
    latents = (spread.mean + spread.std * draw("latents", spread.mean.shape)) * vae.config.scaling_factor
    ids = tokenizer([caption], padding="max_length", max_length=77, truncation=True, return_tensors="pt").input_ids
    text = text_encoder(ids).last_hidden_state
    terms = []
    for number in range(3):
        noise = draw(number, latents.shape)
        noise = noise / noise.norm() * noise.numel() ** 0.5
        time = torch.tensor([10])
        share = scheduler.alphas_cumprod[10]
        predicted = unet(share.sqrt() * latents + (1 - share).sqrt() * noise, time, encoder_hidden_states=text)[0]
        first, second, third = seen(levels), shown(predicted / vae.config.scaling_factor), shown(noise)
        cosines = ((a @ b / (a.norm() * b.norm())).item() for a, b in ((first, second), (second, third)))
        terms.append((*cosines, second.norm().item()))
    bias, curvature, gradient = (sum(term) / 3 for term in zip(*terms, strict=True))
    return 1 + (512**0.5 * bias - gradient + curvature) / (512**0.5 + 2)


def test_scores_are_those_of_a_plain_script(detector, photographs):
    images, keys = [photographs[0], photographs[1][:, :30], photographs[2][:, :, :41]], torch.tensor([5, 6, 7])
    with torch.inference_mode():
        scores = detector(images, keys)
        folders = released_files.small_diffusion()
        plain = [plain_score(image, key, "a photo", folders) for image, key in zip(images, [5, 6, 7], strict=True)]
    assert len(scores.unique()) == 3
    torch.testing.assert_close(scores, torch.tensor(plain), rtol=1e-5, atol=0)


def test_captions_of_a_file_are_those_of_the_images(tmp_path, photographs):
    first, second = "0f" * 32, "e1" * 32
    file = tmp_path / "captions.tsv"
    file.write_text(f"{first}\ta dog\n{second}\tno dog\n", encoding="utf-8")
    keys = torch.tensor([image_key(first), image_key(second)])
    captioned = create(captions=str(file))
    with torch.inference_mode():
        scores = captioned(photographs[:2], keys)
        for index, text in enumerate(("a dog", "no dog")):
            alone = create(prompt=text)(photographs[index : index + 1], keys[index : index + 1])
            assert alone[0] == scores[index]
            assert alone[0] != captioned(photographs[index : index + 1], keys[1 - index : 2 - index])[0]
        with pytest.raises(OptionError, match="no line for the image whose sha256 begins with aaaaaaaaaaaaaaa"):
            captioned(photographs[:1], torch.tensor([image_key("a" * 64)]))
    assert captioned.settled["prompt"] is None
    before = captioned.fingerprint()
    file.write_text(f"{first}\ta cat\n{second}\tno dog\n", encoding="utf-8")
    assert create(captions=str(file)).fingerprint() != before


@pytest.mark.parametrize("line", ["a dog", "0f" * 31 + "\ta dog", "0f" * 32 + " a dog"])
def test_a_line_that_is_no_caption_is_named(tmp_path, line):
    file = tmp_path / "captions.tsv"
    file.write_text("0f" * 32 + "\ta dog\n" + line, encoding="utf-8")
    with pytest.raises(OptionError, match=r"captions\.tsv, line 2: expected a sha256, a tab and a caption"):
        read_captions(str(file))


def test_a_file_of_captions_that_is_not_there_is_a_mistake(tmp_path):
    with pytest.raises(OptionError, match=r"none\.tsv cannot be read"):
        ManifoldBias(model="m", captions=str(tmp_path / "none.tsv"))


def test_strips_have_scores(detector):
    with torch.inference_mode():
        assert detector([torch.rand(3, 1, 300)], torch.zeros(1, dtype=torch.long)).isfinite().all()


def test_what_a_score_costs_and_follows_from(detector, tmp_path):
    assert (detector.passes, ManifoldBias.own_passes) == (17, 42)
    assert detector.sources == {"prompt": "ours"}
    other = shutil.copytree(released_files.small_diffusion()["model"], tmp_path / "elsewhere")
    assert create(model=str(other)).fingerprint() == detector.fingerprint()
    schedule = other / "scheduler" / "scheduler_config.json"
    schedule.write_text(json.dumps(json.loads(schedule.read_text()) | {"beta_end": 0.02}))
    assert create(model=str(other)).fingerprint() != detector.fingerprint()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"side": 20}, "side must be a multiple of 8, got 20"),
        ({"draws": 0}, "draws must be at least 1, got 0"),
        ({"timestep": 1000}, "timestep must lie within 0-999, got 1000"),
    ],
)
def test_impossible_option_says_what_is_wrong(options, message):
    with pytest.raises(OptionError, match=message):
        create(**options)


def test_without_weights_it_says_what_to_give():
    with pytest.raises(WeightsNotFoundError, match=r"give model=FOLDER, .*CompVis/stable-diffusion-v1-4") as caught:
        ManifoldBias()
    assert "\n" not in str(caught.value)


def test_missing_extra_prints_its_install_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "diffusers", None)
    with pytest.raises(OptionError, match=r"needs diffusers: pip install 'fauxbench\[aeroblade\]'"):
        create()
