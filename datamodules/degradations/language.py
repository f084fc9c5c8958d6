"""The language of conditions: JPEG, blur, noise, what social networks do, and their like.

::

    condition    = "clean" | chain ["@" class] [",at=" place]
    chain        = degradation ("+" degradation)*               applied from left to right
    degradation  = name [":" amount] ("," option "=" value)*
    class        = "real" | "generated"                         by default both
    place        = "protocol" | "original"                      by default protocol

    jpeg:75             Pillow's JPEG at quality 1..100, else its defaults (4:2:0 chroma, baseline); subsampling=422
                        or 444
    webp:80             Pillow's lossy WebP at quality 1..100, else its defaults (method 4)
    avif:50             Pillow's AVIF at quality 1..100, else its defaults (4:2:0, speed 6), in one thread
    heic:50             pillow-heif's HEIC at quality 1..100, else its defaults; needs fauxbench[heic]
    blur:1.5            Gaussian of this sigma in pixels, sampled and normalised, borders mirrored; kernel=9 is the
                        width in pixels, by default 2 ceil(3 sigma) + 1
    noise:0.1           Gaussian of this standard deviation for pixels in [0, 1], clipped; space=normalised means
                        the deviation after ImageNet normalisation, which is 0.225 to 0.229 of it in pixels
    phase-noise:0.1     Gaussian of this standard deviation in radians on the phases of a Fourier transform over width
                        and channels, the noise of WePe's published code
    greyscale           the luminance in all three channels
    resize:0.5          scaled by this factor (bilinear, antialiased); resize:112px sets the short side; the image
                        stays small, unless back=yes scales it to where it was
    longest:2048        scaled down to this longest side in pixels; a smaller image stays as it is
    thumbnail:128       longest:128, scaled back up to the image's size
    crop:0.8            the centre, this share of each side, scaled back to the image's size (bilinear, antialiased)
    trim:4              so many pixels cut off at the left and at the top
    letterbox           black bars that make the image square; colour=white
    screenshot          scaled by 0.8 to 1.25 and up to 2 % cut off at each side, drawn from the image's key; PNG

    social-x, social-facebook, social-whatsapp, social-instagram, double-jpeg, dda, ntire
                        named chains, see `datamodules.degradations.presets`; rounds=2 goes through them twice

``blur:2,kernel=9+jpeg:75@generated,at=original`` blurs and then compresses generated images, in the file's own
pixels. ``at=protocol`` degrades after the dataset's resize and before the crop, so that both classes meet the same
noise per pixel; ``at=original`` degrades before the resize, as a web site would. ``,at=`` belongs to the whole
condition and is the last thing in it. The canonical text of a condition leaves out what is default and is what
results are filed under: ``parse_condition(condition.name) == condition``.

Every degradation takes and gives 8-bit RGB; blur and noise compute in float32 and round to the nearest level.
What is random is a function of the image's key alone (and, for a second draw in the same chain, of its number there):
two levels of noise add the same pattern, scaled.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from datamodules.degradations.chain import CLASSES, CLEAN, PLACES, DegradationChain
from datamodules.degradations.presets import MOST_ROUNDS, NAMED, NamedChain
from datamodules.degradations.steps.base import BOTH, Degradation
from datamodules.degradations.steps.codecs import FORMS, SUBSAMPLINGS, Compression
from datamodules.degradations.steps.filters import NOISE_SPACES, Blur, Greyscale, Noise, PhaseNoise, kernel_of
from datamodules.degradations.steps.geometry import (
    COLOURS,
    Crop,
    Letterbox,
    Longest,
    Resize,
    Screenshot,
    Thumbnail,
    Trim,
)
from datamodules.errors import DataOptionError, did_you_mean


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
    rest, where = (rest, known("place", place, PLACES, text)) if at else (text, PLACES[0])
    chain, at, name = rest.partition("@")
    classes = CLASSES[known("class", name, CLASSES, text)] if at else BOTH
    steps = tuple(_step(step, text) for step in chain.split("+"))
    fixed = [step.name for step in steps if step.classes != BOTH]
    if at and fixed:
        raise DataOptionError(f"{fixed[0]!r} in {text!r} is for one class already: leave out '@{name}'.")
    return DegradationChain(steps, classes, where)


def _step(step: str, text: str) -> Degradation:
    head, *rest = step.split(",")
    name, _, amount = head.partition(":")
    allowed, parse = _PARSERS[known("degradation", name, _PARSERS, text)]
    options = {}
    for option in rest:
        key, _, value = option.partition("=")
        if key == "at":
            raise _misplaced(f",{option}", text)
        if key in options:
            raise DataOptionError(f"The option {key!r} of {name!r} stands twice in {text!r}.")
        options[known(f"option of {name!r}", key, allowed, text)] = value
    return parse(amount, options, text)


def _compression(name: str) -> "Parser":
    def parse(amount: str, options: Mapping[str, str], text: str) -> Compression:
        quality = _integer(name, amount, 1, 100, text)
        subsampling = known("subsampling", options.get("subsampling", "420"), SUBSAMPLINGS, text)
        return Compression(FORMS[name], quality, subsampling)

    return parse


def _blur(amount: str, options: Mapping[str, str], text: str) -> Blur:
    sigma = _number("blur", amount, 100, text)
    kernel = _integer("kernel", options["kernel"], 3, 999, text) if "kernel" in options else kernel_of(sigma)
    if kernel % 2 == 0:
        raise DataOptionError(f"'kernel' in {text!r} must be odd, got {kernel}.")
    return Blur(sigma, kernel)


def _noise(amount: str, options: Mapping[str, str], text: str) -> Noise:
    space = known("noise space", options.get("space", "pixel"), NOISE_SPACES, text)
    return Noise(_number("noise", amount, 100, text), space)


def _phase_noise(amount: str, options: Mapping[str, str], text: str) -> PhaseNoise:
    return PhaseNoise(_number("phase-noise", amount, 100, text))


def _resize(amount: str, options: Mapping[str, str], text: str) -> Resize:
    back = known("value of 'back'", options.get("back", "no"), ("no", "yes"), text) == "yes"
    if amount.endswith("px"):
        return Resize(None, _integer("resize", amount.removesuffix("px"), 1, 10_000, text), back)
    return Resize(_number("resize", amount, 16, text), None, back)


def _crop(amount: str, options: Mapping[str, str], text: str) -> Crop:
    return Crop(_number("crop", amount, 1, text))


def _in_pixels(name: str, make: Callable[[int], Degradation]) -> "Parser":
    return lambda amount, options, text: make(_integer(name, amount, 1, 10_000, text))


def _letterbox(amount: str, options: Mapping[str, str], text: str) -> Letterbox:
    _nothing("letterbox", amount, text)
    return Letterbox(known("colour", options.get("colour", "black"), COLOURS, text))


def _without_amount(name: str, make: Callable[[], Degradation]) -> "Parser":
    def parse(amount: str, options: Mapping[str, str], text: str) -> Degradation:
        _nothing(name, amount, text)
        return make()

    return parse


def _named(name: str) -> "Parser":
    def parse(amount: str, options: Mapping[str, str], text: str) -> NamedChain:
        _nothing(name, amount, text)
        return NamedChain(name, _integer("rounds", options.get("rounds", "1"), 1, MOST_ROUNDS, text))

    return parse


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
    "jpeg": (("subsampling",), _compression("jpeg")),
    **{name: ((), _compression(name)) for name in ("webp", "avif", "heic")},
    "blur": (("kernel",), _blur),
    "noise": (("space",), _noise),
    "phase-noise": ((), _phase_noise),
    "greyscale": ((), _without_amount("greyscale", Greyscale)),
    "resize": (("back",), _resize),
    "longest": ((), _in_pixels("longest", Longest)),
    "thumbnail": ((), _in_pixels("thumbnail", Thumbnail)),
    "crop": ((), _crop),
    "trim": ((), _in_pixels("trim", Trim)),
    "letterbox": (("colour",), _letterbox),
    "screenshot": ((), _without_amount("screenshot", Screenshot)),
    **{name: (("rounds",), _named(name)) for name in NAMED},
}


def _misplaced(option: str, text: str) -> DataOptionError:
    return DataOptionError(
        f"'at' belongs to the whole condition: write it once, at the end of {text!r}, not {option!r}."
    )


def _nothing(name: str, amount: str, text: str) -> None:
    if amount:
        raise DataOptionError(f"{name!r} in {text!r} takes no amount, got {amount!r}.")


def known(kind: str, value: str, allowed: Iterable[str], text: str) -> str:
    """Checks a word of a condition; for parsers, also those of others.

    Args:
        kind: What the word is, for the message.
        value: The word.
        allowed: What it may be.
        text: The whole condition.

    Raises:
        DataOptionError: It is none of these.
    """
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
