"""LSUN Bedroom at 256 pixels against seven generators: the release of dgm-eval."""

from collections.abc import Mapping
from typing import ClassVar

from datamodules.benchmark import ANY_SPLIT, Count, Generator
from datamodules.dgm_eval import RELEASE, DgmEvalData

_STATED = {ANY_SPLIT: Count(100_000, "the release's README")}


class LSUNBedroomData(DgmEvalData):
    """LSUN Bedroom, 256 x 256, PNG; the real images were JPEG of quality 75 before, which their pixels still show.

    The folders of ADM, DDPM and Diffusion-Projected GAN, and that of the real images, are not published: several
    likely names are tried. Those of the other four are known from users.
    """

    name = "lsun-bedroom"
    full_name = "LSUN Bedroom 256 x 256 (dgm-eval)"
    citations = (
        RELEASE,
        {
            "key": "yu2015lsun",
            "author": "Yu, Fisher and Seff, Ari and Zhang, Yinda and Song, Shuran and Funkhouser, Thomas and Xiao, "
            "Jianxiong",
            "title": "LSUN: Construction of a Large-scale Image Dataset using Deep Learning with Humans in the Loop",
            "year": "2015",
            "eprint": "1506.03365",
        },
    )
    affixes = ("lsunbedroom256", "lsunbedroom", "lsun256", "lsun")
    real_folders = ("LSUN Bedroom", "lsun_bedroom256", "lsun_bedrooms", "lsun", "bedroom", "real")
    split_folders: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "val": ("val", "validation", "test"),
        "train": ("train",),
    }
    known = (
        Generator("adm", "ADM", ("ADM", "admnet_dropout_lsun_bedroom", "admnet_lsun_bedroom"), 256, _STATED),
        Generator("ddpm", "DDPM", ("ddpm_lsun_bedroom",), 256, _STATED),
        Generator("iddpm", "iDDPM", ("iddpm_lsun_bedroom",), 256, _STATED),
        Generator(
            "diffusion-projected-gan",
            "Diffusion-Projected GAN",
            ("lsun_diffusion-projected-gan-0.7", "lsun_diffusion-projected-gan", "diff-projgan"),
            256,
            _STATED,
        ),
        Generator(
            "projected-gan", "Projected GAN", ("lsun_projected-gan-0.7", "lsun_projected-gan", "projgan"), 256, _STATED
        ),
        Generator("stylegan", "StyleGAN", ("lsun_stylegan-0.7", "lsun_stylegan"), 256, _STATED),
        Generator(
            "unleashing-transformers", "Unleashing Transformers", ("lsun-unleashing_transformers",), 256, _STATED
        ),
    )
