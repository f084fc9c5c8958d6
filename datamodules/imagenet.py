"""ImageNet at 256 pixels against nine generators: the release of dgm-eval."""

from collections.abc import Mapping
from typing import ClassVar

from datamodules.benchmark import ANY_SPLIT, Count, Generator
from datamodules.dgm_eval import RELEASE, DgmEvalData

_COUNTED = {ANY_SPLIT: Count(50_000, "a third party's count; the release's README says 100,000 for every generator")}
_CONFIRMED = {ANY_SPLIT: Count(100_000, "the release's README, and a third party's count")}
_STATED = {ANY_SPLIT: Count(100_000, "the release's README")}


class ImageNetData(DgmEvalData):
    """ImageNet, 256 x 256, PNG.

    The real images are of ImageNet's validation split unless ``real_split`` says ``train``. Which one the papers used
    is not stated; DINOv2 was trained on the training images. Nor is it stated whether DiT was guided: the folder
    without ``guided`` in its name comes first.
    """

    name = "imagenet"
    full_name = "ImageNet 256 x 256 (dgm-eval)"
    citations = (
        RELEASE,
        {
            "key": "deng2009imagenet",
            "author": "Deng, Jia and Dong, Wei and Socher, Richard and Li, Li-Jia and Li, Kai and Fei-Fei, Li",
            "title": "ImageNet: A Large-Scale Hierarchical Image Database",
            "booktitle": "IEEE Conference on Computer Vision and Pattern Recognition (CVPR)",
            "year": "2009",
        },
    )
    affixes = ("imagenet256", "imagenet")
    real_folders = ("imagenet256", "ImageNet", "imagenet-1k", "ILSVRC2012", "real")
    real_counts: ClassVar[Mapping[str, Count]] = {
        "val": Count(50_000, "ILSVRC 2012, and a third party's count of the release")
    }
    split_notes: ClassVar[Mapping[str, str]] = {
        "train": "The real images are of ImageNet's training split, which DINOv2 was trained on."
    }
    known = (
        Generator("adm", "ADM", ("Imagenet256-ADM", "admnet_imagenet256"), 256, _COUNTED),
        Generator("admg", "ADM-G", ("Imagenet256-ADMG", "admnet_guided_imagenet256"), 256, _COUNTED),
        Generator("ldm", "LDM", ("Imagenet256-LDM",), 256, _CONFIRMED),
        Generator("dit", "DiT-XL/2", ("Imagenet256-DiT-XL-2", "imagenet256-DiT-XL-2-guided"), 256, _CONFIRMED),
        Generator("biggan", "BigGAN", ("Imagenet256-BigGAN", "biggan_deep_imagenet256"), 256, _COUNTED),
        Generator("gigagan", "GigaGAN", ("Imagenet256-GigaGAN",), 256, _CONFIRMED),
        Generator("stylegan-xl", "StyleGAN-XL", ("Imagenet256-StyleGAN-XL",), 256, _STATED),
        Generator("rq-transformer", "RQ-Transformer", ("Imagenet256-RQ-Transformer",), 256, _STATED),
        Generator("maskgit", "MaskGIT", ("Imagenet256-Mask-GIT",), 256, _STATED),
    )
