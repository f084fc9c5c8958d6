"""Numbers as words: a value to the digits that its interval deserves, its interval, a p-value."""

import math

from bench.statistics.bootstrap import Interval
from bench.statistics.number import Number
from bench.statistics.ranking import SIGNIFICANT


def digits_of(interval: Interval | None) -> int:
    """Returns how many decimals a value deserves: those that its 95 % interval does not drown; two without one.

    Examples:
        >>> digits_of(Interval(0.81, 0.93)), digits_of(Interval(0.851, 0.873)), digits_of(Interval(0.9981, 0.9996))
        (2, 3, 4)
        >>> digits_of(None), digits_of(Interval(1.0, 1.0))
        (2, 2)
    """
    width = 0.0 if interval is None else interval.high - interval.low
    if not 0 < width < 0.1:
        return 2
    return 3 if width >= 0.01 else 4


def value_text(number: Number, signed: bool = False) -> str:
    """Writes a value alone, to the digits that its interval deserves.

    Examples:
        >>> value_text(Number(0.87654, Interval(0.81, 0.93))), value_text(Number(0.87654, Interval(0.87, 0.88)), True)
        ('0.88', '+0.877')
    """
    if math.isnan(number.value):
        return "n/a"
    text = f"{number.value:{'+' if signed else ''}.{digits_of(number.interval)}f}"
    return text[1:] if text[0] == "-" and not float(text) else text  # no minus before nothing


def cell(number: Number | None, signed: bool = False) -> str:
    """Writes a number with its spread over seeds and its interval (``~`` if approximate); nothing without a number.

    Examples:
        >>> cell(Number(0.87654, Interval(0.81, 0.93), seeds_sd=0.0123)), cell(Number(0.98765, Interval(0.984, 0.991)))
        ('0.88 ±0.012 [0.81, 0.93]', '0.9877 [0.9840, 0.9910]')
        >>> cell(Number(1.0)), cell(Number(float("nan"))), cell(Number(-0.0512, Interval(-0.075, -0.026)), signed=True)
        ('1.00 [no interval]', 'n/a', '-0.051 [-0.075, -0.026]')
    """
    if number is None:
        return ""
    text, digits = value_text(number, signed), digits_of(number.interval)
    if math.isnan(number.value):
        return text
    if number.seeds_sd is not None:
        text += f" ±{number.seeds_sd:.{max(digits, 3)}f}"
    level = number.chance
    chance = "" if level is None or round(level, 2) == 0.5 else f" (chance {level:.2f})"
    if number.interval is None:
        return f"{text} [no interval]{chance}"
    about, sign = "~" if number.doubt else "", "+" if signed else ""
    return f"{text} {about}[{number.interval.low:{sign}.{digits}f}, {number.interval.high:{sign}.{digits}f}]{chance}"


def p_cell(p: float | None) -> str:
    """Writes a p-value, to more digits where they say on which side of 5 % it lies.

    Examples:
        >>> p_cell(0.4213), p_cell(0.0312), p_cell(0.00042), p_cell(1e-9), p_cell(None)
        ('0.42', '0.031', '0.0004', '< 0.0001', 'n/a')
        >>> p_cell(0.04996), p_cell(0.0501)
        ('0.04996', '0.0501')
    """
    if p is None or math.isnan(p):
        return "n/a"
    if p < 0.0001:
        return "< 0.0001"
    digits = 2 if p >= 0.1 else 3 if p >= 0.001 else 4
    while round(p, digits) == SIGNIFICANT != p and digits < 8:
        digits += 1
    return f"{p:.{digits}f}"
