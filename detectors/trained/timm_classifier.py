"""Any classifier of timm, trained to tell real from generated images: ``score(x) = sigmoid(logit(x))``."""

from collections.abc import Mapping
from typing import Any

import timm
import torch
from torch import Tensor, nn

from detectors.backbones.timm_models import check_timm_name
from detectors.base import View
from detectors.errors import OptionError, WeightsError
from detectors.trained.base import TrainedDetector
from detectors.trained.checkpoints import Checkpoint


class TimmClassifier(TrainedDetector):
    """A network of timm with one or two logits, trained by anyone.

    An image's central square of the size in the model's configuration is taken and normalised as that says.

    Score:
        Probability of being generated, in [0, 1]; higher means more likely generated. Two logits, of real and
        generated images, count by their difference, which gives the probability of their softmax.

    Args:
        model: Name of a model of timm, such as ``resnet50``.
        checkpoint: File of the network with timm's names; its classifier has one or two rows.
        generated: Which of two logits is that of generated images, 0 or 1; a single logit is turned round by 0.
        trained_on: Generators that it was trained on, joined by ``+``, where the file does not say.
        seed: Nothing is drawn.

    References:
        Zhu et al., "GenImage: A Million-Scale Benchmark for Detecting AI-Generated Image", arXiv 2306.08571, trains
        such classifiers on one generator and tests them on all: ResNet-50, DeiT-S and Swin-T. No checkpoint was found.
    """

    name = "timm"
    paper = "arXiv 2306.08571"
    citations = (
        {
            "key": "zhu2023genimage",
            "author": "Zhu, Mingjian and Chen, Hanting and Yan, Qiangyu and Huang, Xudong and Lin, Guanyu and Li, Wei "
            "and Tu, Zhijun and Hu, Hailin and Hu, Jie and Wang, Yunhe",
            "title": "GenImage: A Million-Scale Benchmark for Detecting AI-Generated Image",
            "booktitle": "Advances in Neural Information Processing Systems (NeurIPS)",
            "year": "2023",
            "eprint": "2306.08571",
        },
    )
    fitted_here = True
    view = View(224, "centre-crop")
    mean: Tensor
    std: Tensor

    def __init__(
        self,
        *,
        model: str = "resnet50",
        checkpoint: str | None = None,
        generated: int = 1,
        trained_on: str | None = None,
        seed: int = 0,
    ) -> None:
        if generated not in (0, 1):
            raise OptionError(f"generated must be 0 or 1, got {generated}.")
        check_timm_name(model)
        self.model, self.generated, self.outputs = model, generated, 1
        super().__init__(checkpoint=checkpoint, trained_on=trained_on, seed=seed)
        config = _config_of(self.network)
        self.side = int(config["input_size"][-1])
        self.view = View(self.side, "centre-crop")
        for name in ("mean", "std"):
            self.register_buffer(name, torch.tensor(config[name]).view(1, 3, 1, 1), persistent=False)

    def adapt(self, checkpoint: Checkpoint) -> Mapping[str, Tensor]:
        """Reads off the classifier's rows how many logits there are."""
        classifier = _config_of(_on_meta(self.model))["classifier"]
        first = classifier if isinstance(classifier, str) else classifier[0]
        weight = checkpoint.state.get(f"{first}.weight")
        self.outputs = 1 if weight is None else len(weight)
        if self.outputs not in (1, 2):
            raise WeightsError(
                f"{checkpoint.file} has a classifier ({first}) of {self.outputs} classes; expected one logit, or two."
            )
        return checkpoint.state

    def build(self) -> nn.Module:
        """Builds the network with as many logits as the file has."""
        network: nn.Module = timm.create_model(self.model, pretrained=False, num_classes=self.outputs)
        return network

    def prepared(self, images: Tensor) -> Tensor:
        """Normalises images as the model's configuration says.

        Raises:
            OptionError: The model takes images of one size, and these have another.
        """
        if _config_of(self.network).get("fixed_input_size") and images.shape[2:] != (self.side, self.side):
            raise OptionError(
                f"{self.model} takes images of {self.side} x {self.side} px, got {images.shape[2]} x {images.shape[3]} "
                f"px: leave the view to the method."
            )
        return (images - self.mean) / self.std

    def towards_generated(self, outputs: Tensor) -> Tensor:
        """Turns the logit round where the first class is that of generated images."""
        logits = super().towards_generated(outputs)
        return logits if self.generated else -logits


def _config_of(network: nn.Module) -> Mapping[str, Any]:
    config: Mapping[str, Any] = network.pretrained_cfg  # type: ignore[assignment] # what nn.Module guesses
    return config


def _on_meta(model: str) -> nn.Module:
    """Builds a model without its tensors, to ask for its configuration."""
    with torch.device("meta"):
        network: nn.Module = timm.create_model(model, pretrained=False)
    return network
