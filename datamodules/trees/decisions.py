"""What was understood of folders' names, in sentences for whoever reads the scores."""

from collections import Counter
from dataclasses import dataclass, field

from datamodules.items import GENERATED, REAL
from datamodules.trees.layout import UNNAMED, Place

EXAMPLES = 2
SHOWN = 4
_CLASSES = {REAL: "real", GENERATED: "generated"}


@dataclass
class Decisions:
    """Counts of what was decided, image by image.

    Args:
        asked: The split that was asked for.
    """

    asked: str | None = None
    counts: Counter[int] = field(default_factory=Counter)
    examples: dict[int, list[str]] = field(default_factory=dict)
    splits: Counter[str] = field(default_factory=Counter)
    content: set[str] = field(default_factory=set)
    unnamed: set[int] = field(default_factory=set)
    loose: int = 0
    """Number of images that lie beside class folders."""
    first_loose: str = ""
    plain: bool = True
    """Whether all class folders are ``real`` and ``generated`` at the top, where nothing needs to be said."""

    def add(self, path: str, place: Place) -> None:
        """Counts an image that was taken."""
        self.counts[place.label] += 1
        examples = self.examples.setdefault(place.label, [])
        if len(examples) < EXAMPLES:
            examples.append(path)
        self.plain &= place.own
        if place.source == UNNAMED:
            self.unnamed.add(place.label)
        if place.split is not None:
            self.splits[place.split] += 1
        if place.content:
            self.content.add(place.content)

    def pass_by(self, path: str) -> None:
        """Counts an image that lies beside class folders."""
        self.loose += 1
        self.first_loose = self.first_loose or path

    @property
    def notes(self) -> tuple[str, ...]:
        """A sentence each; none of the layout that is this suite's own."""
        notes = []
        if self.loose:
            notes.append(f"Images beside the folders of the classes, not taken: {self.loose:,} ({self.first_loose}).")
        if self.plain:
            return tuple(notes)
        decided = [
            f"{self.counts[label]:,} {name} (such as {', '.join(self.examples[label])})"
            for label, name in _CLASSES.items()
            if self.counts[label]
        ]
        notes.append(f"By the names of their folders, images are: {'; '.join(decided)}.")
        if self.unnamed:
            names = " and ".join(_CLASSES[label] for label in sorted(self.unnamed))
            notes.append(f"No folder says where {names} images are from: their source is called {UNNAMED!r}.")
        if self.content:
            notes.append(f"Folders that name no source, but what images show or a part of one: {_some(self.content)}.")
        if len(self.splits) > 1 and self.asked is None:
            counts = ", ".join(f"{name} {number:,}" for name, number in sorted(self.splits.items()))
            notes.append(f"Images of all splits are taken ({counts}); --split takes those of one.")
        return tuple(notes)


def _some(names: set[str]) -> str:
    shown = sorted(names)[:SHOWN]
    return ", ".join(shown) + (f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else "")
