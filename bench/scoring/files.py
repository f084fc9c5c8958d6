"""Scores files batch by batch, exactly as ``compare`` scores the images of a dataset."""

import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import torch
from torch import nn

from bench.errors import BenchError, is_lost_reader
from bench.scoring.build import create_detectors, create_entries
from bench.scoring.conditions import PlannedCondition
from bench.scoring.machine.batch_limit import BatchLimit
from bench.scoring.machine.caller import not_run_again
from bench.scoring.machine.trainer import create_fabric
from bench.scoring.options import RunOptions, check_options
from bench.scoring.probed_blocks import asks_for_probe
from bench.scoring.run import make_fast
from bench.scoring.specs import DetectorSpec, parse_detectors
from datamodules import Batch
from datamodules.conditions import CLEAN_IMAGES
from datamodules.errors import loss_of
from datamodules.files import FilesData
from datamodules.readers import CLOSED
from detectors import create_backbone, find_detector

BATCHES_AT_ONCE = 256
"""So many batches are planned at once: memory does not grow with the number of files."""


@dataclass(frozen=True)
class ScoredImage:
    """What came of one file.

    Args:
        path: As it was named.
        sha256: Of its bytes; empty where not one of them could be read.
        scores: A score by detector, higher = more likely generated; none for an image that could not be read.
        reason: Why it could not be read; None where it could.
    """

    path: str
    sha256: str
    scores: Mapping[str, float] = field(default_factory=dict)
    reason: str | None = None


class Scorer:
    """Detectors on a device, ready to score files.

    Args:
        detectors: As on the command line, for instance ``["wepe:rule=tensor_std", "rigid"]``.
        options: Backbone, view, resize, batches and machine; the data options are not used.
        seed: Seed of the detectors' own randomness.
        data_of: Makes the data of files, which have other names where a table holds them.

    Raises:
        BenchError: An option cannot be carried out, or a detector must be fitted first.
    """

    def __init__(
        self,
        detectors: Sequence[str],
        options: RunOptions | None = None,
        seed: int = 0,
        data_of: Callable[..., FilesData] = FilesData,
    ) -> None:
        self.options, self.seed, self.make_data = options or RunOptions(), seed, data_of
        check_options(self.options)
        specs = parse_detectors(list(detectors))
        for spec in specs:
            _check_ready(spec)
        self.data = self._data_of([])
        self.fabric = create_fabric(self.options)
        backbone = create_backbone(self.options.backbone, self.options.weights)
        one_crop = replace(self.options, crop_seeds=False)
        clean = [PlannedCondition(CLEAN_IMAGES)]
        made = create_detectors(specs, backbone, clean, one_crop, [seed])
        self.entries = create_entries(specs, made, self.data, clean, one_crop, [seed])
        networks = nn.ModuleList(entry.detector for entry in self.entries).to(self.fabric.device)
        make_fast(networks, self.options)
        self.limit = BatchLimit(self.options.batch_size)

    def score(self, files: Sequence[str]) -> Iterator[ScoredImage]:
        """Scores files, each named once; see :func:`datamodules.find_files`.

        Yields:
            One row a file, in their order, as soon as its batch is done.

        Raises:
            DetectorFailedError: A detector raised, or gave a score that is not a finite number.
        """
        step = self.options.batch_size * BATCHES_AT_ONCE
        for start in range(0, len(files), step):
            yield from self._score_part(files[start : start + step])

    def _score_part(self, files: Sequence[str]) -> Iterator[ScoredImage]:
        data = self._data_of(files)
        data.views = tuple(dict.fromkeys(entry.detector.view for entry in self.entries))
        data.setup()
        # The processes that decode are started here; a Ctrl-C is for this one alone.
        with not_run_again(), _without_interrupts():
            batches = iter(data.test_dataloader())
        try:
            for indices, batch in zip(data.batches or [], batches, strict=True):
                rows = self._rows(batch.to(self.fabric.device))
                yield from (rows[index] for index in indices)
        except (RuntimeError, *CLOSED) as error:
            if not (is_lost_reader(error) or isinstance(error, CLOSED)):
                raise
            raise BenchError(loss_of(data.lost_images(error))) from error

    def _data_of(self, files: Sequence[str]) -> FilesData:
        names = ("resize", "batch_size", "num_workers", "max_pixels")
        return self.make_data(files, **{name: getattr(self.options, name) for name in names})

    def _rows(self, batch: Batch) -> dict[int, ScoredImage]:
        scored = [row for part in self.limit.run(batch, self._scored) for row in part] if len(batch) else []
        rows = dict(zip(batch.index.tolist(), scored, strict=True))
        for sample in batch.unreadable:
            rows[sample.index] = ScoredImage(sample.path, sample.sha256, reason=sample.reason or "unreadable")
        return rows

    def _scored(self, batch: Batch) -> list[ScoredImage]:
        with torch.inference_mode(), self.fabric.autocast():
            columns = {entry.scoring.detector: entry.scores(batch).tolist() for entry in self.entries}
        return [
            ScoredImage(path, sha256, {label: scores[row] for label, scores in columns.items()})
            for row, (path, sha256) in enumerate(zip(batch.path, batch.sha256, strict=True))
        ]


def _check_ready(spec: DetectorSpec) -> None:
    """Refuses what is fitted to the real images of a dataset, and what does not look at images."""
    if spec.members:
        parts = " ".join(member.label for member in spec.members)
        raise BenchError(f"{spec.label!r} is fitted to real images of a data set: score its members, {parts}.")
    if asks_for_probe(spec):
        raise BenchError(f"{spec.label!r} asks for a probe of a dataset: name the blocks, as in wepe:blocks=0-4.")
    consumed = getattr(find_detector(spec.name), "consumes", "image")
    if consumed != "image":
        raise BenchError(f"{spec.label!r} reads a {consumed} in the place of each image: score takes images alone.")


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Keeps a Ctrl-C until the end, and for good from processes that are forked meanwhile.

    A terminal sends it to all of them; those that decode would each print where they were.

    Raises:
        KeyboardInterrupt: At the end, if one came, or what the handler makes of it.
    """
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        yield  # handlers belong to the main thread; and a job in the background ignores Ctrl-C
        return
    caught: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: caught.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if caught:
        signal.raise_signal(signal.SIGINT)
