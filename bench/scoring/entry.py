"""A detector under a condition with a seed: what is computed for each image."""

from dataclasses import dataclass

from torch import Tensor

from bench.errors import DetectorFailedError, is_lost_reader
from bench.scoring.machine.batch_limit import is_out_of_memory
from bench.scoring.specs import DetectorSpec
from bench.store.contrasts import ContrastRule
from bench.store.schema import Scoring
from datamodules import Batch
from datamodules.conditions import Picture
from detectors import Detector


@dataclass(frozen=True)
class Entry:
    """A scoring and what computes it.

    Args:
        scoring: The column of scores.
        detector: The method.
        treatment: Position of its condition among the datamodule's treatments.
        contrasts: Which images face each other under that condition.
        spec: What was asked for.
        crop: Number of the random crop that it sees.
    """

    scoring: Scoring
    detector: Detector
    treatment: int
    contrasts: tuple[ContrastRule, ...]
    spec: DetectorSpec
    crop: int = 0

    @property
    def picture(self) -> Picture:
        """What the detector is shown."""
        crop = self.crop if self.detector.view.fit == "random-crop" else 0
        return Picture(self.scoring.condition, self.detector.view, crop)

    def scores(self, batch: Batch) -> Tensor:
        """Scores a batch; whatever goes wrong names the image.

        Returns:
            ``(B,)`` float64, on the batch's device, which has finished.

        Raises:
            DetectorFailedError: The detector raised, or a score is not finite.
        """
        label = self.scoring.detector
        try:
            scores: Tensor = self.detector(batch.views[self.picture], batch.key)
            finite = scores.isfinite().cpu()  # waits for the device
        except Exception as error:
            if is_out_of_memory(error) or is_lost_reader(error):
                raise
            paths = batch.path[0] + (f" (or one of the {len(batch) - 1} images after it)" if len(batch) > 1 else "")
            raise DetectorFailedError(f"{label} failed on {paths}: {error}") from error
        if scores.shape != (len(batch),):
            raise DetectorFailedError(f"{label} gave scores of shape {tuple(scores.shape)} for {len(batch)} images.")
        broken = (~finite).nonzero().flatten().tolist()
        if broken:
            raise DetectorFailedError(f"{label} gave the score {scores[broken[0]].item()} for {batch.path[broken[0]]}.")
        return scores.double()
