"""Scores of ``detectzoo`` 0.1.4 that need a latent diffusion model, on the same small random ones.

As in ``test_detectzoo.py`` each difference stands here with what the published code does.
"""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from detectzoo_classes import detectzoo_module
from diffusers import DDPMScheduler
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from PIL import Image
from released_files import small_diffusion
from tiny_diffusion import SIDE
from torchvision.models.vgg import cfgs, make_layers
from torchvision.transforms.functional import pil_to_tensor

from detectors import create_detector

pytestmark = pytest.mark.oracle


@pytest.fixture
def vgg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Has the package ``lpips``, which detectzoo uses, build on a random VGG-16, and writes that one into a file."""
    detectzoo_module("aeroblade")
    from lpips import pretrained_networks

    torch.manual_seed(3)
    features = make_layers(cfgs["D"], batch_norm=False)
    torch.save({f"features.{name}": value for name, value in features.state_dict().items()}, tmp_path / "vgg16.pth")
    built = SimpleNamespace(vgg16=lambda pretrained: SimpleNamespace(features=features))
    monkeypatch.setattr(pretrained_networks, "tv", built)
    return str(tmp_path / "vgg16.pth")


@pytest.fixture
def compare(vgg: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[float, float]]:
    """Scores an image by both, by ours with the options given."""
    folder = small_diffusion()["model"]

    def scores(image: Image.Image, *, mean: bool = False, **options: str) -> tuple[float, float]:
        their = detectzoo_module("aeroblade").AerobladeDetector([folder])
        our = create_detector("aeroblade", autoencoder=folder, distance_weights=vgg, **options)
        with monkeypatch.context() as patch, torch.inference_mode():
            if mean:
                patch.setattr(DiagonalGaussianDistribution, "sample", lambda self, generator=None: self.mode())
            theirs = their.predict(image).score
            ours = our([as_tensor(image)], torch.arange(1)).item()
        print(f"difference {abs(ours - theirs):.2g} of {ours:.3g}")
        return ours, theirs

    return scores


def as_tensor(image: Image.Image) -> torch.Tensor:
    return pil_to_tensor(image) / 255


def test_aeroblade_is_the_same_of_the_latents_mean_without_8_bits(compare, photographs):
    for image in photographs[1:]:
        whole = image.crop((0, 0, image.width // 8 * 8, image.height // 8 * 8))
        ours, theirs = compare(whole, mean=True, eight_bit="none")
        assert ours == pytest.approx(theirs, rel=1e-5)
        assert ours < -1e-3


def test_aeroblade_brings_no_reconstruction_to_8_bits(compare, photographs):
    """Ours is right: jonasricker/aeroblade@c6d575d, src/aeroblade/image.py, compares with PNG files.

    Its way into them, torchvision's ``to_pil_image`` of floats, cuts off, as ours does by default.
    """
    ours, theirs = compare(photographs[2].crop((0, 0, 128, 96)), mean=True)
    assert 1e-6 < abs(ours - theirs) < 1e-2 * abs(ours)


def test_aeroblade_samples_latents_where_ours_takes_their_mean(compare, photographs):
    """detectzoo is nearer: jonasricker/aeroblade@c6d575d samples, with one generator that runs on over all images.

    detectzoo starts it anew for each image, so that neither has the published draws; ours has ``posterior=sample``.
    """
    ours, theirs = compare(photographs[2].crop((0, 0, 128, 96)), eight_bit="none")
    assert abs(ours - theirs) > 1e-3 * abs(ours)


def test_aeroblade_scales_images_of_odd_sizes_where_ours_extends_them(compare, photographs):
    """Neither is published: jonasricker/aeroblade@c6d575d compares images of two sizes there, and fails.

    Ours keeps every pixel; detectzoo's scaling by Lanczos to multiples of 8 is a resampling that the image never had.
    """
    module = detectzoo_module("aeroblade")
    ours, theirs = compare(photographs[2], mean=True, eight_bit="none")
    assert abs(ours - theirs) > 1e-3 * abs(ours)
    scaled = module._resize_to_multiple_of_8(photographs[2])
    ours, theirs_again = compare(scaled, mean=True, eight_bit="none")
    assert ours == pytest.approx(theirs_again, rel=1e-5)
    assert theirs_again == theirs


def test_manifold_bias_differs_in_three_places(photographs, monkeypatch):
    """Ours is right in each: manifold_bias_criteria.py of the authors' repository at 1e42a51.

    It decodes the spherical noise as it is (detectzoo divides it by the autoencoder's factor, too); it shows CLIP the
    whole image (detectzoo its centre); and it rounds to 8 bits (detectzoo cuts off). detectzoo takes 2 noises by
    default, the published code 8, and captions from BLIP, the published code from LLaVA. It does not run with
    transformers 5, whose ``get_image_features`` returns no tensor.
    """
    module, options = detectzoo_module("manifold_bias"), small_diffusion()
    our = create_detector("manifold-bias", **options, side=SIDE, draws=2)
    their = module.ManifoldBiasDetector(threshold=0.0, num_noise=2, image_size=SIDE, clip_repo=options["clip_model"])
    diffusion = our.diffusion
    their._unet, their._vae = diffusion.unet, diffusion.vae
    their._tokenizer, their._text_encoder = diffusion.tokenizer, diffusion.text_encoder
    their._scheduler = DDPMScheduler.from_pretrained(options["model"], subfolder="scheduler")
    with pytest.raises(AttributeError, match="detach"):
        their.predict(photographs[0], prompt=our.prompt)
    clip = their.clip
    their._clip = SimpleNamespace(get_image_features=lambda **given: clip.get_image_features(**given).pooler_output)

    def drawn(latents: torch.Tensor) -> torch.Tensor:
        return torch.cat([our._noise(latents[:1], 0, draw) for draw in range(len(latents))])

    monkeypatch.setattr(torch, "randn_like", drawn)
    monkeypatch.setattr(
        DiagonalGaussianDistribution, "sample", lambda self: self.mean + self.std * our._noise(self.mean, 0, "latents")
    )
    with torch.inference_mode():
        expected = [our([as_tensor(image)], torch.zeros(1, dtype=torch.long)).item() for image in photographs]

    def differences() -> float:
        scores = [their.predict(image, prompt=our.prompt).score for image in photographs]
        print("differences", [first - second for first, second in zip(expected, scores, strict=True)])
        return max(abs(first - second) for first, second in zip(expected, scores, strict=True))

    assert differences() > 1e-3
    decode = module._decode_in_subbatches
    factor = diffusion.vae.config.scaling_factor
    monkeypatch.setattr(module, "_decode_in_subbatches", lambda vae, first, noise: decode(vae, first, noise * factor))
    assert differences() > 1e-3

    features, shown = their._clip_features, []

    def of_the_whole(images: torch.Tensor) -> torch.Tensor:
        shown.append(images)
        first = len(shown) % 3 == 1  # the image, the predictions, the noises
        image = as_tensor(photographs[(len(shown) - 1) // 3]) * 255
        return features(image[None].expand(len(images), -1, -1, -1) if first else images.round())

    their._clip_features = of_the_whole
    assert differences() < 1e-5
