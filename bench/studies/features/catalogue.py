"""The studies that look at a backbone's features instead of comparing detectors."""

from bench.studies.base import Study
from bench.studies.features.blocks import MOST, BlocksStudy
from bench.studies.features.fid import PER_SIDE, FidStudy
from bench.studies.features.prefixes import PrefixStudy
from bench.studies.features.sensitivity import GrowingNoiseStudy, SimilarityStudy
from bench.studies.features.timing import TimingStudy
from bench.studies.features.tsne import MapStudy

_NOISE = "one real and one generated image under growing noise on the weights"
_HALVED = 2 * PER_SIDE  # natural images are also compared with each other

FEATURE_STUDIES: tuple[Study, ...] = (
    FidStudy("table6", "distance of features against AUROC", "WePe, Table 6", "lsun-bedroom", most=_HALVED),
    TimingStudy("table12", "seconds for 100 images", "WePe, Table 12", "imagenet"),
    BlocksStudy("table14", "each block perturbed alone", "WePe, Table 14", "imagenet", most=MOST),
    MapStudy("figure1", "map of features by t-SNE", "WePe, Figure 1", "imagenet"),
    GrowingNoiseStudy("figure2", _NOISE, "WePe, Figure 2", "imagenet"),
    SimilarityStudy("figure3", "similarity of clean and perturbed features", "WePe, Figure 3", "imagenet"),
    PrefixStudy("figure5", "AUROC by the number of perturbed blocks", "WePe, Figure 5", "imagenet"),
    MapStudy("figure7", "maps of features of two backbones", "WePe, Figure 7", "imagenet", others=("clip-vitl14",)),
)
