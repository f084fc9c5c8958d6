"""The tables of the RIGID paper whose values are known here (``bench/references/rigid.json``), as declarations."""

from functools import partial

from bench.studies.arms import Arm
from bench.studies.base import Paper, Study
from bench.studies.engine import ComparisonStudy

PAPER = Paper("rigid", "RIGID", "dinov2-vitl14", 24)
TABLE_NUMBER = "The numbers of the paper's tables are not known here: they are called by what they show."
METHODS = "AEROBLADE is shown as the paper reports it: which autoencoders it took is not said."

compared = partial(ComparisonStudy, dataset="imagenet", paper=PAPER, view="method", seeds=1)
rigid = Arm("RIGID", "rigid")

STUDIES: tuple[Study, ...] = (
    compared(
        "rigid-imagenet",
        "detection on ImageNet",
        "main results",
        (rigid,),
        by_generator=True,
        notes=(TABLE_NUMBER, METHODS),
    ),
    compared(
        "rigid-lsun-bedroom",
        "detection on LSUN-Bedroom",
        "main results",
        (rigid,),
        dataset="lsun-bedroom",
        by_generator=True,
        notes=(TABLE_NUMBER, METHODS),
    ),
    compared(
        "rigid-noise",
        "the distribution of the noise",
        "kinds of noise",
        (Arm("gaussian", "rigid", printed=("gaussian",)),),
        metrics=("ap_real",),
        notes=(TABLE_NUMBER, "RIGID draws Gaussian noise here; the other kinds are shown as the paper reports them."),
    ),
)
"""The studies, in the order of the paper."""
