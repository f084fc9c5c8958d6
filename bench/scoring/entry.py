"""A detector under a condition with a seed: what is computed for each image."""

from dataclasses import asdict, dataclass

import polars as pl
import torch
from torch import Tensor

from bench.errors import DetectorFailedError, is_lost_reader
from bench.scoring.attacks.stage import AttackedPictures
from bench.scoring.foreign_code import plugin_failure
from bench.scoring.machine.batch_limit import is_out_of_memory
from bench.scoring.machine.signals import is_interruption
from bench.scoring.specs import DetectorSpec
from bench.store.contrasts import ContrastRule
from bench.store.schema import OK, SCHEMA, UNREADABLE, Scoring
from datamodules import Batch, DetectionData
from datamodules.batch import Pixels, Sample, by_size
from datamodules.conditions import Picture
from detectors import Detector

_OUTCOME = ("score", "status", "reason")


@dataclass(frozen=True)
class Entry:
    """A scoring and what computes it.

    Args:
        condition_index: Position of its condition among the datamodule's.
        contrasts: Which images face each other under it.
        crop: Number of the random crop that it sees.
        crop_seed: That crop's seed.
        attack: What changes the pictures first, where the condition is an attack.
    """

    scoring: Scoring
    detector: Detector
    condition_index: int
    contrasts: tuple[ContrastRule, ...]
    spec: DetectorSpec
    crop: int = 0
    crop_seed: int = 0
    attack: AttackedPictures | None = None

    @property
    def picture(self) -> Picture:
        """What the detector is shown, once an attack has been made."""
        crop = self.crop if self.detector.view.fit == "random-crop" else 0
        return Picture(self.scoring.condition, self.detector.view, crop)

    def scores(self, batch: Batch) -> Tensor:
        """Scores a batch, ``(B,)`` float64 on its device, which has finished; whatever goes wrong names the image.

        Raises:
            DetectorFailedError: The detector raised, or a score is not finite.
        """
        label = self.scoring.detector
        try:
            if self.attack is None:
                images, keys = batch.views[self.picture], batch.key
            else:
                images, keys = self.attack.shown(batch, self.detector.view, self.crop_seed)
            scores = self._by_size(batch, images, keys) if self.detector.by_size else self.detector(images, keys)
            finite = scores.isfinite().cpu()  # waits for the device
        except BaseException as error:
            if is_out_of_memory(error) or is_lost_reader(error) or is_interruption(error):
                raise
            paths = batch.path[0] + (f" (or one of the {len(batch) - 1} images after it)" if len(batch) > 1 else "")
            why = plugin_failure(error) or str(error)
            raise DetectorFailedError(f"{label} failed on {paths}: {why}") from error
        if scores.shape != (len(batch),):
            raise DetectorFailedError(f"{label} gave scores of shape {tuple(scores.shape)} for {len(batch)} images.")
        broken = (~finite).nonzero().flatten().tolist()
        if broken:
            raise DetectorFailedError(f"{label} gave the score {scores[broken[0]].item()} for {batch.path[broken[0]]}.")
        return scores.double()

    def _by_size(self, batch: Batch, images: Pixels, keys: Tensor) -> Tensor:
        """Shows images of their own sizes one size at a time; without an attack the stacks of all detectors are one."""
        parts = batch.by_size(self.picture) if self.attack is None else by_size(images)
        scores = torch.cat([self.detector(stacked, keys[rows]) for rows, stacked in parts])
        return scores[torch.cat([rows for rows, _ in parts]).argsort()]


def scored_rows(data: DetectionData, scoring: Scoring, batch: Batch, scores: Tensor) -> pl.DataFrame:
    """Makes the rows of a batch's ``(B,)`` scores, with the columns of ``SCHEMA``."""
    frame = _frame(data, scoring, batch.index.tolist(), batch.sha256, batch.share)
    return frame.with_columns(
        score=pl.Series(scores.cpu().numpy()), status=pl.lit(OK), reason=pl.lit(None, dtype=pl.String)
    )


def unreadable_rows(data: DetectionData, scoring: Scoring, lost: list[Sample]) -> pl.DataFrame:
    """Makes the rows of images that have no pixels, each with its reason."""
    index, sha256 = [sample.index for sample in lost], [sample.sha256 for sample in lost]
    frame = _frame(data, scoring, index, sha256, [sample.share for sample in lost])
    return frame.with_columns(
        score=pl.lit(None, dtype=pl.Float64),
        status=pl.lit(UNREADABLE),
        reason=pl.Series([sample.reason for sample in lost], dtype=pl.String),
    )


def _frame(
    data: DetectionData, scoring: Scoring, index: list[int], sha256: list[str], share: list[float | None]
) -> pl.DataFrame:
    constants = {"dataset": data.title, **asdict(scoring)}
    rows = data.items[index].with_columns(
        pl.Series("sha256", sha256, dtype=pl.String),
        pl.Series("share", share, dtype=pl.Float64),
        **{name: pl.lit(value) for name, value in constants.items()},
    )
    return rows.select([name for name in SCHEMA if name not in _OUTCOME])
