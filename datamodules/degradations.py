"""What happens to images on their way: one small language for JPEG, blur, noise and their like.

::

    condition    = "clean" | chain ["@" class] [",at=" place]
    chain        = degradation ("+" degradation)*               applied from left to right
    degradation  = name ":" amount ("," option "=" value)*
    class        = "real" | "generated"                         by default both
    place        = "protocol" | "original"                      by default protocol

    jpeg:75             Pillow's JPEG at quality 1..100, else its defaults (4:2:0 chroma, baseline)
    webp:80             Pillow's lossy WebP at quality 1..100, else its defaults (method 4)
    blur:1.5            Gaussian of this sigma in pixels, sampled and normalised, borders mirrored; kernel=9 is the
                        width in pixels, by default 2 ceil(3 sigma) + 1
    noise:0.1           Gaussian of this standard deviation for pixels in [0, 1], clipped; space=normalised means
                        the deviation after ImageNet normalisation, which is 0.225 to 0.229 of it in pixels
    phase-noise:0.1     Gaussian of this standard deviation in radians on the phases of a Fourier transform over width
                        and channels, the noise of WePe's published code
    resize:0.5          scaled by this factor (bilinear, antialiased); resize:112px sets the short side; the image
                        stays small, unless back=yes scales it to where it was
    crop:0.8            the centre, this share of each side, scaled back to the image's size (bilinear, antialiased)

``blur:2,kernel=9+jpeg:75@generated,at=original`` blurs and then compresses generated images, in the file's own
pixels. ``at=protocol`` degrades after the dataset's resize and before the crop, so that both classes meet the same
noise per pixel; ``at=original`` degrades before the resize, as a web site would. ``,at=`` belongs to the whole
condition and is the last thing in it. The canonical text of a condition leaves out what is default and is what
results are filed under: ``parse_condition(condition.name) == condition``.

Every degradation takes and gives 8-bit RGB; blur and noise compute in float32 and round to the nearest level.
Noise is a function of the image's key alone (and, for a second noise in the same chain, of its number there): two
levels of noise add the same pattern, scaled.

References:
    The grids in `PRESETS`: RIGID, arXiv 2405.20112, section 4.3; AEROBLADE, arXiv 2401.17879, and its public code
    (c6d575d, transforms.py: kernel 9; its noise rounds down, ours to nearest); GenImage, arXiv 2306.08571.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from PIL import Image

from datamodules.degradation_steps import (
    NOISE_SPACES,
    Axis,
    Blur,
    Compression,
    Crop,
    Degradation,
    Noise,
    PhaseNoise,
    Resize,
    kernel_of,
)
from datamodules.errors import DataOptionError, did_you_mean

CLEAN = "clean"
PLACES = ("protocol", "original")
CLASSES = {"real": frozenset({0}), "generated": frozenset({1})}
BOTH = frozenset({0, 1})

PRESETS: dict[str, tuple[str, ...]] = {
    "rigid": (
        *(f"jpeg:{quality}" for quality in (90, 80, 70, 60, 50)),
        *(f"blur:{sigma}" for sigma in (1, 2, 3, 4, 5)),
        *(f"noise:{std}" for std in (0.05, 0.1, 0.15, 0.2, 0.25)),
    ),
    "aeroblade": (
        *(f"jpeg:{quality}" for quality in (90, 80, 70, 60, 50)),
        *(f"crop:{factor}" for factor in (0.9, 0.8, 0.7, 0.6, 0.5)),
        *(f"blur:{sigma},kernel=9" for sigma in (1, 2, 3, 4, 5)),
        *(f"noise:{std}" for std in (0.05, 0.1, 0.15, 0.2, 0.25)),
    ),
    "genimage": ("resize:112px", "resize:64px", "jpeg:65", "jpeg:30", "blur:3", "blur:5"),
}
"""Published grids of conditions."""


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
            >>> parse_condition("resize:112px@generated").curve
            ('resize px@generated', 112.0, Axis(title='short side in pixels', untouched=None, falling=True))
        """
        if len(self.steps) != 1:
            return None
        (step,) = self.steps
        if step.axis is None or step.level is None:
            return None
        return step.kind + self.name.removeprefix(step.text), step.level, step.axis

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
            image = step.apply(image, key, draws)
            draws += isinstance(step, Noise | PhaseNoise)
        return image


def parse_condition(text: str) -> DegradationChain:
    """Reads a condition.

    Raises:
        DataOptionError: The text is not in the language.

    Examples:
        >>> condition = parse_condition("blur:2.0,kernel=9+jpeg:75@generated,at=original")
        >>> condition.name, condition.where, sorted(condition.classes)
        ('blur:2,kernel=9+jpeg:75@generated,at=original', 'original', [1])
        >>> parse_condition("jpg:75")
        Traceback (most recent call last):
        datamodules.errors.DataOptionError: Unknown degradation 'jpg' in 'jpg:75'. Did you mean 'jpeg'? ...
    """
    if text == CLEAN:
        return DegradationChain()
    rest, at, place = text.rpartition(",at=")
    if set("+@") & set(place if at else ""):
        raise _misplaced(f",at={place}", text)
    rest, where = (rest, _known("place", place, PLACES, text)) if at else (text, PLACES[0])
    chain, at, name = rest.partition("@")
    classes = CLASSES[_known("class", name, CLASSES, text)] if at else BOTH
    return DegradationChain(tuple(_step(step, text) for step in chain.split("+")), classes, where)


def _step(step: str, text: str) -> Degradation:
    head, *rest = step.split(",")
    name, _, amount = head.partition(":")
    allowed, parse = _PARSERS[_known("degradation", name, _PARSERS, text)]
    options = {}
    for option in rest:
        key, _, value = option.partition("=")
        if key == "at":
            raise _misplaced(f",{option}", text)
        if key in options:
            raise DataOptionError(f"The option {key!r} of {name!r} stands twice in {text!r}.")
        options[_known(f"option of {name!r}", key, allowed, text)] = value
    return parse(amount, options, text)


def _compression(form: str) -> "Parser":
    return lambda amount, options, text: Compression(form, _integer(form.lower(), amount, 1, 100, text))


def _blur(amount: str, options: Mapping[str, str], text: str) -> Blur:
    sigma = _number("blur", amount, 100, text)
    kernel = _integer("kernel", options["kernel"], 3, 999, text) if "kernel" in options else kernel_of(sigma)
    if kernel % 2 == 0:
        raise DataOptionError(f"'kernel' in {text!r} must be odd, got {kernel}.")
    return Blur(sigma, kernel)


def _noise(amount: str, options: Mapping[str, str], text: str) -> Noise:
    space = _known("noise space", options.get("space", "pixel"), NOISE_SPACES, text)
    return Noise(_number("noise", amount, 100, text), space)


def _phase_noise(amount: str, options: Mapping[str, str], text: str) -> PhaseNoise:
    return PhaseNoise(_number("phase-noise", amount, 100, text))


def _resize(amount: str, options: Mapping[str, str], text: str) -> Resize:
    back = _known("value of 'back'", options.get("back", "no"), ("no", "yes"), text) == "yes"
    if amount.endswith("px"):
        return Resize(None, _integer("resize", amount.removesuffix("px"), 1, 10_000, text), back)
    return Resize(_number("resize", amount, 16, text), None, back)


def _crop(amount: str, options: Mapping[str, str], text: str) -> Crop:
    return Crop(_number("crop", amount, 1, text))


def register_degradation(name: str, parse: "Parser", options: Sequence[str] = ()) -> None:
    """Adds a degradation to the language.

    Args:
        name: What is written before the colon.
        parse: Makes it of the amount's text, the options' texts and the whole condition, which errors name.
        options: Names of its options.

    Raises:
        ValueError: The name is taken.
    """
    if name in _PARSERS:
        raise ValueError(f"The degradation {name!r} is there already.")
    _PARSERS[name] = (tuple(options), parse)


Parser = Callable[[str, Mapping[str, str], str], Degradation]
_PARSERS: dict[str, tuple[tuple[str, ...], Parser]] = {
    "jpeg": ((), _compression("JPEG")),
    "webp": ((), _compression("WEBP")),
    "blur": (("kernel",), _blur),
    "noise": (("space",), _noise),
    "phase-noise": ((), _phase_noise),
    "resize": (("back",), _resize),
    "crop": ((), _crop),
}


def _misplaced(option: str, text: str) -> DataOptionError:
    return DataOptionError(
        f"'at' belongs to the whole condition: write it once, at the end of {text!r}, not {option!r}."
    )


def _known(kind: str, value: str, allowed: Iterable[str], text: str) -> str:
    names = list(allowed)
    if value in names:
        return value
    hint = did_you_mean(value, names)
    raise DataOptionError(f"Unknown {kind} {value!r} in {text!r}.{hint} Available: {', '.join(names) or 'none'}.")


def _integer(name: str, value: str, low: int, high: int, text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,6}", value) or not low <= int(value) <= high:
        raise DataOptionError(f"{name!r} in {text!r} must be an integer from {low} to {high}, got {value!r}.")
    return int(value)


def _number(name: str, value: str, high: int, text: str) -> float:
    plain = re.fullmatch(r"[0-9]+(\.[0-9]*)?|\.[0-9]+", value)
    if not plain or not 0.001 <= float(value) <= high:
        raise DataOptionError(f"{name!r} in {text!r} must be a number from 0.001 to {high}, got {value!r}.")
    return float(value)
