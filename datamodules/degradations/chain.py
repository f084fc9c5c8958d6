"""Steps one after the other, on the images of some classes, before or after the dataset's resize."""

from dataclasses import dataclass

from PIL import Image

from datamodules.degradations.steps.base import BOTH, Axis, Degradation

CLEAN = "clean"
PLACES = ("protocol", "original")
CLASSES = {"real": frozenset({0}), "generated": frozenset({1})}


@dataclass(frozen=True)
class DegradationChain:
    """Degradations of the images of some classes.

    Args:
        steps: What is applied, first to last; empty for clean images.
        classes: The labels of the images that are degraded.
        where: ``protocol`` (after the dataset's resize, before the crop) or ``original`` (before the resize).
    """

    steps: tuple[Degradation, ...] = ()
    classes: frozenset[int] = BOTH
    where: str = PLACES[0]

    @property
    def name(self) -> str:
        """The canonical text."""
        only = "".join(f"@{name}" for name, labels in CLASSES.items() if labels == self.classes)
        place = "" if self.where == PLACES[0] else f",at={self.where}"
        return "+".join(step.text for step in self.steps) + only + place or CLEAN

    @property
    def curve(self) -> tuple[str, float, Axis] | None:
        """Its place on a curve of single degradations: what the curve is about, the level, and what a level measures.

        None for clean images, for a chain, and for a degradation without a level.

        Examples:
            >>> from datamodules.degradations import parse_condition
            >>> parse_condition("resize:112px@generated").curve
            ('resize px@generated', 112.0, Axis(title='short side in pixels', untouched=None, falling=True))
        """
        if len(self.steps) != 1:
            return None
        (step,) = self.steps
        if step.axis is None or step.level is None:
            return None
        return step.kind + self.name.removeprefix(step.text), step.level, step.axis

    @property
    def even(self) -> bool:
        """Whether both classes are treated alike by every step."""
        return self.classes == BOTH and all(step.classes == BOTH for step in self.steps)

    def prepare(self) -> None:
        """Looks, before any image is read, whether what the steps need is there.

        Raises:
            DataOptionError: A library or a network is missing.
        """
        for step in self.steps:
            step.prepare()

    def apply(self, image: Image.Image, key: int, label: int) -> Image.Image:
        """Degrades an image, or returns it as it is where its class is not meant.

        Args:
            image: An RGB picture.
            key: The image's key.
            label: 0 = real, 1 = generated.

        Raises:
            UnreadableImageError: The result would be too large for a picture or for its format.
        """
        if label not in self.classes:
            return image
        draws = 0
        for step in self.steps:
            if label in step.classes:
                image = step.apply(image, key, draws)
            draws += step.draws
        return image
