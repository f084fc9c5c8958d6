"""Effort: of each attention weight of CLIP all singular components but the smallest stay, and that one is trained.

``score(x) = softmax(W f(x) + b)[generated]`` with the features ``f`` of CLIP's image encoder before the projection.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from detectors.base import View
from detectors.trained.base import ReleasedFile, TrainedDetector
from detectors.trained.checkpoints import Checkpoint
from detectors.trained.merging import merged_svd
from detectors.trained.networks.clip_classifier import VIT_L14, ClipClassifier, from_transformers
from detectors.trained.opencv import resize_linear
from detectors.trained.pixels import clip_normalised

LOGITS = 2
NAMES = {"backbone.": "vision_model.", "head.": "fc."}
"""What names begin with in the files, and in transformers."""
REPOSITORY = "YZY-stack/Effort-AIGI-Detection"
SOURCE = f"{REPOSITORY}, README (Google Drive)"
LICENCE = "CC BY-NC 4.0 by a badge of the README; no licence file"


class Effort(TrainedDetector):
    """A CLIP ViT-L/14 with 96 attention weights tuned along one direction each.

    A file keeps the frozen part of these weights and the trained direction apart; they are added up while it is
    loaded, so that one plain CLIP runs. The whole image is scaled to 224 x 224 without keeping the aspect, by OpenCV's
    bilinear filter without antialiasing: take ``--resize none``.

    The checkpoint of FaceForensics++ wants faces that are aligned and cropped as in the published demo (81 landmarks of
    dlib, a margin of 1.3, 224 pixels): on any other picture its score means nothing.

    Score:
        Probability of being generated, in [0, 1]; higher means more likely generated.

    Args:
        checkpoint: File of the tuned CLIP and its head.
        trained_on: Generators that it was trained on, joined by ``+``, where the file is not a known one.
        seed: Nothing is drawn.

    References:
        Yan, Wang, Jin, Zhang, Liu, Chen, Yao, Ding, Wu and Yuan, "Orthogonal Subspace Decomposition for Generalizable
        AI-Generated Image Detection", arXiv 2411.15633. The authors' repository was read in copies:
        SCLBD/DeepfakeBench at d58e758 (``effort_detector.py``), fzm121516/Effort-AIGI-Detection at cbeaa8b
        (``demo.py``), roeehub/Effort-AIGI-Detection at 117d930 (``README.md``). The demo scales as here; the
        authors' loader of whole data sets scales bicubically. Size and checksum of one file are from a third party's
        record.
    """

    name = "effort"
    paper = "arXiv 2411.15633"
    citations = (
        {
            "key": "yan2025orthogonal",
            "author": "Yan, Zhiyuan and Wang, Jiangming and Jin, Peng and Zhang, Ke-Yue and Liu, Chengchun and Chen, "
            "Shen and Yao, Taiping and Ding, Shouhong and Wu, Baoyuan and Yuan, Li",
            "title": "Orthogonal Subspace Decomposition for Generalizable AI-Generated Image Detection",
            "booktitle": "International Conference on Machine Learning (ICML)",
            "volume": "267",
            "pages": "70268--70288",
            "year": "2025",
            "eprint": "2411.15633",
        },
    )
    view = View(fit="native")
    unscaled = True
    released = (
        ReleasedFile(
            "effort_clip_L14_trainOn_sdv14.pth",
            SOURCE,
            ("sd14",),
            1_213_769_519,
            "7c32ceb4e66d303050e8fc5dc7543fa347693fb4ee6b5df4d6eaf9f6a92fb813",
            LICENCE,
        ),
        ReleasedFile("effort_clip_L14_trainOn_chameleon.pth", SOURCE, ("sd14",), licence=LICENCE),
        ReleasedFile(
            "effort_clip_L14_trainOn_FaceForensic.pth",
            SOURCE,
            ("deepfakes", "face2face", "faceswap", "neuraltextures"),
            licence=LICENCE,
        ),
    )
    architecture = VIT_L14
    weaknesses = (
        f"Users of the checkpoint for faces find an AUROC of 0.885 on Celeb-DF-v2 in place of 0.956 ({REPOSITORY}, "
        "issues 10 and 19).",
        f"With the checkpoint for Stable Diffusion 1.4 users find low results on GenImage ({REPOSITORY}, issue 14).",
    )

    def __init__(self, *, checkpoint: str | None = None, trained_on: str | None = None, seed: int = 0) -> None:
        self.side: int = self.architecture["image_size"]
        super().__init__(checkpoint=checkpoint, trained_on=trained_on, seed=seed)

    def adapt(self, checkpoint: Checkpoint) -> Mapping[str, Tensor]:
        """Adds up the attention weights, and renames the tensors."""
        state = dict(checkpoint.state)
        for ours, theirs in NAMES.items():
            state = {theirs + key.removeprefix(ours) if key.startswith(ours) else key: state[key] for key in state}
        return from_transformers(merged_svd(state))

    def build(self) -> nn.Module:
        """Builds CLIP's image encoder without its projection, with two logits."""
        return ClipClassifier(LOGITS, projected=False, sizes=self.architecture)

    def prepared(self, images: Tensor) -> Tensor:
        """Scales images as OpenCV does, and normalises them."""
        return clip_normalised(torch.stack([resize_linear(image, self.side, self.side) for image in images]))
