"""What an attack is, and how it is written.

::

    attack:pgd:2/255[,steps=10][,step=0.5/255][,source=DETECTOR]

No pixel moves by more than 2 of its 255 levels. Without a source each detector is attacked by itself: it is shown what
was made to lower its own score. With one, all are shown what was made to lower the source's; ``source=each`` stands for
one such condition for each detector of the run. An attack is of generated images alone and stands alone: it depends on
a detector, so that it is no step of a chain.

The canonical text holds all of it, and with a source the beginning of its fingerprint, ``source=rigid#1a2b3c4d``: other
weights or another version of the source make other pictures. What changes the pictures otherwise gets a new method's
name in the place of ``pgd``.
"""

import re
from dataclasses import dataclass

from datamodules import DataOptionError
from datamodules.conditions import HandedOnWhole
from datamodules.degradations import Axis
from datamodules.errors import did_you_mean

ATTACK, EACH, METHODS = "attack", "each", ("pgd",)
STEPS, MOST_STEPS = 10, 1_000
AXIS = Axis("largest change of a pixel, in 255ths", untouched=0.0)
FINGERPRINT = 8
"""Digits of a source's fingerprint in a condition's name."""
HOW = "Write attack:pgd:2/255[,steps=10][,step=0.5/255][,source=DETECTOR]."


@dataclass(frozen=True)
class Attack(HandedOnWhole):
    """Projected gradient descent on the score of a detector.

    Args:
        method: ``pgd``.
        budget: The most that a pixel moves, in 255ths.
        steps: Number of steps.
        step: Length of a step, in 255ths.
        source: Label of the detector whose score is lowered; the detector that scores, where it is empty.
        fingerprint: The beginning of the source's.
    """

    method: str
    budget: int
    steps: int
    step: float
    source: str = ""
    fingerprint: str = ""

    @property
    def name(self) -> str:
        """The canonical text."""
        return f"{ATTACK}:{self.method}:{self.budget}/255{self._options}"

    @property
    def even(self) -> bool:
        """Whether both classes are treated alike: never."""
        return False

    @property
    def settings(self) -> str:
        """The text without the source."""
        return f"{ATTACK}:{self.method}:{self.budget}/255,steps={self.steps},step={self.step:g}/255"

    @property
    def curve(self) -> tuple[str, float, Axis]:
        """Its place on a curve over the budget, as `DegradationChain.curve`; attacks of default steps are on one."""
        usual = self.step == default_step(self.budget, self.steps)
        options = self._options.replace(f",step={self.step:g}/255", "", 1) if usual else self._options
        return f"{ATTACK}:{self.method}{options}", float(self.budget), AXIS

    @property
    def _options(self) -> str:
        made_against = f",source={self.source}{'#' if self.fingerprint else ''}{self.fingerprint}"
        return f",steps={self.steps},step={self.step:g}/255{made_against if self.source else ''}"


def is_attack(text: str) -> bool:
    """Says whether a condition is meant to be an attack, alone or, wrongly, in a chain.

    Examples:
        >>> is_attack("attack:pgd:2/255"), is_attack("jpeg:75")
        (True, False)
    """
    return any(step.partition(":")[0].strip() == ATTACK for step in text.split("+"))


def parse_attack(text: str) -> Attack:
    """Reads an attack.

    Raises:
        DataOptionError: It is not written so.

    Examples:
        >>> parse_attack("attack:pgd:2/255,source=wepe:ratio=0.2").name
        'attack:pgd:2/255,steps=10,step=0.5/255,source=wepe:ratio=0.2'
        >>> parse_attack("attack:pgd:2")
        Traceback (most recent call last):
        datamodules.errors.DataOptionError: The budget in 'attack:pgd:2' must be a whole number of 255ths, such as ...
    """
    settings, has_source, source = text.partition(",source=")
    if not settings.startswith(f"{ATTACK}:") or set("+@") & set(settings) or ",at=" in settings:
        raise DataOptionError(f"{text!r}: an attack stands alone, and is of generated images. {HOW}")
    head, *options = settings.split(",")
    method, _, budget = head.removeprefix(f"{ATTACK}:").partition(":")
    if method not in METHODS:
        hint = did_you_mean(method, METHODS)
        raise DataOptionError(f"Unknown attack {method!r} in {text!r}.{hint} Available: {', '.join(METHODS)}. {HOW}")
    levels = _levels("budget", budget, text)
    if levels != int(levels) or levels < 1:
        raise DataOptionError(
            _wrong("budget", budget, text, "a whole number of 255ths, such as 2/255: pixels have 8 bits")
        )
    given = dict(option.partition("=")[::2] for option in options)
    unknown = [name for name in given if name not in ("steps", "step")]
    if unknown or len(given) < len(options):
        wrong = unknown[0] if unknown else options[-1].partition("=")[0]
        raise DataOptionError(f"The option {wrong!r} in {text!r} is unknown, or stands twice. {HOW}")
    steps = given.get("steps", str(STEPS))
    if not re.fullmatch("[0-9]{1,4}", steps) or not 1 <= int(steps) <= MOST_STEPS:
        raise DataOptionError(_wrong("steps", steps, text, f"a whole number from 1 to {MOST_STEPS:,}"))
    step = _levels("step", given["step"], text) if "step" in given else default_step(int(levels), int(steps))
    marked = re.fullmatch(rf"(.+)#([0-9a-f]{{{FINGERPRINT}}})", source)
    label, digits = marked.groups() if marked else (source, "")
    if has_source and not label:
        raise DataOptionError(f"The source in {text!r} needs the name of a detector. {HOW}")
    return Attack(method, int(levels), int(steps), step, label, digits)


def default_step(budget: int, steps: int) -> float:
    """Returns 2.5 times the budget over the number of steps, as Madry et al. take, to four digits."""
    return float(f"{2.5 * budget / steps:.4g}")


def _levels(name: str, text: str, whole: str) -> float:
    number = re.fullmatch(r"([0-9]{1,3}(?:\.[0-9]{1,4})?)/255", text)
    if not number or not 0 < float(number[1]) <= 255:
        raise DataOptionError(_wrong(name, text, whole, "a whole number of 255ths, such as 2/255"))
    return float(f"{float(number[1]):g}")


def _wrong(name: str, value: str, whole: str, wanted: str) -> str:
    return f"The {name} in {whole!r} must be {wanted}; got {value!r}."
