import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torchvision.transforms.functional import pil_to_tensor, to_pil_image

from datamodules.demo_images.generators import Autoencoder as DemoAutoencoder
from datamodules.demo_images.generators import weights_path
from detectors import Aeroblade, OptionError, UnknownNameError, WeightsError, WeightsNotFoundError, create_detector
from detectors.autoencoders import Autoencoder, autoencoder_names, load_autoencoder
from detectors.randomness import seeded_generator
from detectors.weights import read_weights


class Shift(Autoencoder):
    """Reconstructs everything a little too bright."""

    sampling = True

    def __init__(self, shift: float, deviation: float = 0.0) -> None:
        super().__init__()
        self.shift, self.deviation = shift, deviation

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        return images, torch.full_like(images, self.deviation)

    def decode(self, latents: Tensor) -> Tensor:
        return latents + self.shift


def with_autoencoders(detector: Aeroblade, *autoencoders: nn.Module) -> Aeroblade:
    detector.autoencoders = nn.ModuleList(autoencoders)
    return detector


@pytest.fixture
def image() -> Tensor:
    coarse = torch.rand(1, 3, 9, 11, generator=torch.Generator().manual_seed(0))
    return nn.functional.interpolate(coarse, size=(72, 88), mode="bicubic").clamp(0, 1)[0]


@pytest.fixture(scope="session")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as diffusers saves a pipeline, with small random autoencoders in it."""
    diffusers = pytest.importorskip("diffusers")
    folder = tmp_path_factory.mktemp("pipelines")
    torch.manual_seed(0)
    blocks = {"down_block_types": ("DownEncoderBlock2D",) * 4, "up_block_types": ("UpDecoderBlock2D",) * 4}
    kl = diffusers.AutoencoderKL(block_out_channels=(8,) * 4, norm_num_groups=4, latent_channels=4, **blocks)
    kl.save_pretrained(folder / "sd" / "vae")
    codes = {"latent_channels": 4, "vq_embed_dim": 4, "num_vq_embeddings": 16, "norm_type": "spatial"}
    vq = diffusers.VQModel(block_out_channels=(32,) * 4, **codes, **blocks)
    vq.save_pretrained(folder / "kandinsky" / "movq")
    return folder


def test_score_is_minus_the_smallest_distance_by_hand():
    detector = with_autoencoders(Aeroblade(distance="mse", eight_bit="none"), Shift(0.5), Shift(0.25))
    images = torch.full((2, 3, 40, 40), 0.25)
    images[1] = 0.875  # reconstructions are clamped to 1
    assert detector(images, torch.arange(2)).tolist() == [-(0.25**2), -(0.125**2)]


@pytest.mark.parametrize(("eight_bit", "level"), [("truncation", 200), ("rounding", 201), ("none", 200.9)])
def test_the_reconstruction_comes_to_8_bits_as_said(eight_bit, level):
    detector = with_autoencoders(Aeroblade(distance="mse", eight_bit=eight_bit), Shift(0.9 / 255))
    score = detector([torch.full((3, 40, 40), 200 / 255)], torch.zeros(1))
    torch.testing.assert_close(score, torch.tensor([-(((level - 200) / 255) ** 2)]).double(), rtol=1e-3, atol=1e-12)


def test_8_bits_are_those_of_the_published_way_into_a_file_by_default(image):
    detector = with_autoencoders(Aeroblade(), Shift(0.01))
    stored = pil_to_tensor(to_pil_image((image + 0.01).clamp(0, 1)))
    assert torch.equal(detector._reconstruct(detector.autoencoders[0], image[None], 0, 0)[0], stored / 255)


def test_the_autoencoders_own_image_scores_higher(image):
    detector = Aeroblade(autoencoder="embedded-a")
    generated = detector.autoencoders[0](image[None])[0]
    scores = detector([image, generated], torch.arange(2))
    assert scores[1] > scores[0]


def test_images_of_different_sizes_are_scored_one_by_one(image):
    detector = Aeroblade()
    keys = torch.arange(3)
    images = [image, image[:, :33, :47], image[:, :5, :70]]
    scores = detector(images, keys)
    assert scores.shape == (3,)
    for index in range(3):
        assert torch.equal(detector([images[index]], keys[index : index + 1])[0], scores[index])


def test_padding_is_cut_off_before_the_distance():
    detector = with_autoencoders(Aeroblade(distance="mse", eight_bit="none"), Shift(0.25))
    assert detector([torch.zeros(3, 37, 41)], torch.zeros(1)).item() == -(0.25**2)


def test_tiles_hardly_change_a_score(image):
    large = nn.functional.interpolate(image[None], size=(200, 330), mode="bilinear")[0]
    whole, tiled = (Aeroblade(tile=tile, eight_bit="none")([large], torch.zeros(1)) for tile in (512, 128))
    torch.testing.assert_close(tiled, whole, rtol=0.02, atol=0)
    assert Aeroblade(tile=512).fingerprint() != Aeroblade(tile=128).fingerprint()


MEASURED = """
import resource, sys, torch
from detectors import Aeroblade
torch.set_num_threads(1)
detector, images = Aeroblade(autoencoder="embedded-a", tile=512), [torch.rand(3, int(sys.argv[1]), int(sys.argv[2]))]
with torch.inference_mode():
    detector(images, torch.zeros(1))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_memory_stays_bounded_on_a_large_photograph():
    """Twelve million pixels cost the picture itself (144 MB) and little more than a few tiles (1.6 GB uncut)."""
    few, many = (
        int(subprocess.run([sys.executable, "-c", MEASURED, *size], check=True, capture_output=True).stdout)
        for size in (("1024", "1024"), ("3000", "4000"))
    )
    assert (many - few) / 1024 < 144 + 300


def test_embedded_network_is_the_demos_own(image):
    for half in "ab":
        demo = DemoAutoencoder()
        demo.load_state_dict(read_weights(weights_path("autoencoder", half)))
        with torch.inference_mode():
            ours = load_autoencoder(f"embedded-{half}")(image[None])
            assert torch.equal(ours, demo(image[None]).clamp(0, 1))


def test_embedded_is_named_as_the_demos_own_and_needs_no_download():
    assert Aeroblade().settled["autoencoder"] == "embedded-a, embedded-b (the demo's own)"
    assert Aeroblade().settled["distance"] == "gradient"
    assert Aeroblade().passes == 2


def test_names_are_a_list_with_groups():
    assert autoencoder_names("published, embedded-a,sd1") == ("sd1", "sd2", "kandinsky-2.1", "embedded-a")


def test_kl_autoencoder_is_the_one_of_diffusers(pipeline, image):
    from diffusers import AutoencoderKL

    oracle = AutoencoderKL.from_pretrained(pipeline / "sd" / "vae", low_cpu_mem_usage=False)
    ours = load_autoencoder(str(pipeline / "sd"))
    with torch.inference_mode():
        latents = oracle.encode(2 * image[None] - 1).latent_dist.mode()
        expected = (oracle.decode(latents).sample / 2 + 0.5).clamp(0, 1)
        assert torch.equal(ours(image[None]), expected)
        assert not torch.equal(ours(image[None], torch.Generator().manual_seed(0)), expected)


def test_codes_of_the_movq_are_not_quantised(pipeline, image):
    from diffusers import VQModel

    oracle = VQModel.from_pretrained(pipeline / "kandinsky" / "movq", low_cpu_mem_usage=False)
    with torch.inference_mode():
        latents = oracle.encode(2 * image[None] - 1).latents
        expected = (oracle.decode(latents, force_not_quantize=True).sample / 2 + 0.5).clamp(0, 1)
        assert torch.equal(load_autoencoder(str(pipeline / "kandinsky" / "movq"))(image[None]), expected)


def test_sample_depends_on_key_and_seed_alone(pipeline, image):
    options = {"autoencoder": str(pipeline / "sd"), "distance": "mse", "posterior": "sample"}
    detector, other = (create_detector("aeroblade", seed=seed, **options) for seed in (0, 1))
    keys = torch.tensor([7, 8])
    with torch.inference_mode():
        scores = detector([image, image], keys)
        assert scores[0] != scores[1]
        assert torch.equal(detector([image, image], keys.flip(0)), scores.flip(0))
        assert not torch.equal(other([image, image], keys), scores)


def test_every_tile_gets_noise_of_its_own():
    detector = Aeroblade(distance="mse", eight_bit="none", tile=128, seed=3)
    detector.posterior = "sample"
    with_autoencoders(detector, Shift(0.0, deviation=0.01))
    distance = detector.distances(torch.full((3, 128, 256), 0.5), key=7)
    noise = [torch.randn(1, 3, 128, 192, generator=seeded_generator("aeroblade", 3, 7, tile)) for tile in (0, 1)]
    seen = torch.cat([noise[0][..., :128], noise[1][..., 64:]], dim=-1)  # either tile looks 64 px across the border
    assert distance.item() == pytest.approx(1e-4 * seen.square().mean().item(), rel=1e-4)


def test_sampling_needs_a_distribution():
    with pytest.raises(OptionError, match="posterior=sample has nothing to sample from"):
        Aeroblade(posterior="sample")


def test_fingerprint_covers_the_weights():
    detector = Aeroblade()
    before = detector.fingerprint()
    assert before == Aeroblade(seed=1).fingerprint()
    next(detector.autoencoders.parameters()).data += 1
    assert detector.fingerprint() != before


def test_missing_extra_prints_its_install_line(pipeline, monkeypatch):
    monkeypatch.setitem(sys.modules, "diffusers", None)
    with pytest.raises(OptionError, match=r"pip install 'fauxbench\[aeroblade\]'"):
        Aeroblade(autoencoder=str(pipeline / "sd"), distance="mse")


def test_missing_autoencoder_says_what_where_from_and_what_instead(monkeypatch):
    monkeypatch.setattr("detectors.autoencoders.hf_hub_download", _offline)
    with pytest.raises(WeightsNotFoundError) as caught:
        load_autoencoder("sd1")
    for words in ("sd1", "CompVis/stable-diffusion-v1-1/vae", "autoencoder=FOLDER", "autoencoder=embedded"):
        assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def _offline(*arguments: object, **options: object) -> str:
    raise FileNotFoundError("no network")


def test_folder_without_safetensors_is_an_error(tmp_path):
    pytest.importorskip("diffusers")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(WeightsNotFoundError, match=r"There is no diffusion_pytorch_model\.safetensors in"):
        load_autoencoder(str(tmp_path))


def test_other_kinds_of_model_are_an_error(pipeline, tmp_path):
    for file in (pipeline / "sd" / "vae").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"_class_name": "UNet2DModel"}))
    with pytest.raises(WeightsError, match=r"describes a UNet2DModel; expected AutoencoderKL or VQModel"):
        load_autoencoder(str(tmp_path))


def test_unknown_autoencoder_gets_a_suggestion():
    with pytest.raises(UnknownNameError, match=r"Unknown autoencoder 'embeded'\. Did you mean 'embedded'"):
        Aeroblade(autoencoder="embeded")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tile": 100}, "tile must be a multiple of 32 and at least 128, got 100"),
        ({"autoencoder": " , "}, "autoencoder names none"),
    ],
)
def test_impossible_option_says_what_is_wrong(options, message):
    with pytest.raises(OptionError, match=message):
        Aeroblade(**options)


def test_unknown_choices_are_an_error():
    with pytest.raises(UnknownNameError, match=r"Unknown posterior 'samples'\. Did you mean 'sample'"):
        Aeroblade(posterior="samples")
    with pytest.raises(UnknownNameError, match=r"Unknown eight_bit 'round'.* Available: .*rounding"):
        Aeroblade(eight_bit="round")
    with pytest.raises(UnknownNameError, match="Unknown eight_bit 'true'"):
        Aeroblade(eight_bit="true")
