"""One name for each generator, however a folder, a paper or a checkpoint's description writes it.

Names are compared without case and punctuation. The names of the published benchmarks and of their folders are taken
from the data sets (``datamodules``); ``ALIASES`` adds what checkpoints and other benchmarks write. A name that nobody
knows stands for itself, so that the folder ``My-GAN`` is the generator ``my_gan``.
"""

from collections.abc import Iterator, Mapping
from functools import cache

from datamodules.listing import normalised

ALIASES: Mapping[str, tuple[str, ...]] = {
    "progan": ("ProGAN", "PGGAN", "prog-gan", "Progressive GAN"),
    "stylegan": ("StyleGAN", "StyleGAN1"),
    "stylegan2": ("StyleGAN2",),
    "stylegan3": ("StyleGAN3",),
    "cyclegan": ("CycleGAN",),
    "stargan": ("StarGAN",),
    "gaugan": ("GauGAN", "SPADE"),
    "biggan": ("BigGAN", "BigGAN-deep"),
    "adm": ("ADM", "guided-diffusion"),
    "ddpm": ("DDPM",),
    "iddpm": ("iDDPM", "improved-diffusion", "improved DDPM"),
    "pndm": ("PNDM",),
    "glide": ("GLIDE",),
    "vqdm": ("VQDM", "VQ-Diffusion"),
    "ldm": ("LDM", "latent-diffusion"),
    "midjourney": ("Midjourney", "MJ"),
    "wukong": ("Wukong",),
    "sd14": ("SD1.4", "SDv1.4", "sdv4", "Stable Diffusion 1.4", "stable_diffusion_v_1_4", "stable-diffusion-v1-4"),
    "sd15": ("SD1.5", "SDv1.5", "sdv5", "Stable Diffusion 1.5", "stable_diffusion_v_1_5", "stable-diffusion-v1-5"),
    "sd2": ("SD2", "SDv2", "SD2.0", "Stable Diffusion 2", "Stable Diffusion 2.0", "stable_diffusion_v_2"),
    "sd21": ("SD2.1", "SDv2.1", "Stable Diffusion 2.1", "stable_diffusion_v_2_1", "stable-diffusion-2-1"),
    "sdxl": ("SDXL", "SDXL 1.0", "Stable Diffusion XL", "stable-diffusion-xl-base-1.0"),
    "dalle2": ("DALL-E 2", "DALLE2"),
    "dalle3": ("DALL-E 3", "DALLE3"),
}
"""Ways to write each name, beside the name itself."""


def canonical_name(name: str) -> str:
    """Returns the one name of a generator.

    Args:
        name: As a folder, a paper or a checkpoint's description writes it.

    Returns:
        The canonical name, or for an unknown generator its letters and digits in lower case.

    Examples:
        >>> [canonical_name(name) for name in ("stable_diffusion_v_1_4", "sdv4", "SD1.4", "ADM", "My-GAN")]
        ['sd14', 'sd14', 'sd14', 'adm', 'mygan']
    """
    written = normalised(name)
    return _canonical().get(written, written)


def is_known(name: str) -> bool:
    """Says whether a name is one of a known generator."""
    return normalised(name) in _canonical()


def known_names() -> Iterator[tuple[str, str]]:
    """Yields every known way to write a name, and the canonical name."""
    # Data sets come with Lightning; most readers of a name ask for none.
    from datamodules.benchmark import BenchmarkData
    from datamodules.registry import dataset_names, find_data

    for name, others in ALIASES.items():
        yield from ((way, name) for way in (name, *others))
    for cls in map(find_data, dataset_names()):
        if issubclass(cls, BenchmarkData):
            for one in cls.known:
                yield from ((way, one.name) for way in (one.name, one.title, *one.folders))


@cache
def _canonical() -> dict[str, str]:
    return {normalised(way): name for way, name in known_names()}
