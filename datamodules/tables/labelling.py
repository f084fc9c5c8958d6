"""Which values of a label column mean generated: by their names, never by a number that nobody has explained.

About half of the small public sets have 0 = generated. So a number counts only with the class names of a schema, or
with ``--generated-label`` or ``--real-label``; a word by what it means (`datamodules.class_names`). Where a name and a
given value disagree, nothing is read.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from datamodules.class_names import class_of
from datamodules.errors import DataOptionError

NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
WHOLE = re.compile(r"([+-]?\d+)\.0+")
REAL, GENERATED, PARTIAL, LEFT_OUT = "real", "generated", "partial", "left out"
CLASSES = (GENERATED, PARTIAL, REAL)
OPPOSITE = {REAL: GENERATED, GENERATED: REAL}
MOST_SHOWN = 8
"""Values that a message lists."""


@dataclass(frozen=True, slots=True)
class Value:
    """A value of the label columns.

    Args:
        raw: As it is written, without the zeros behind a point; in lower case where it is true or false.
        name: What the schema calls it; None without class names.
        column: The column, or several of one meaning.
        count: Number of rows that have it.
        examples: Two images.
        meaning: One of ``real``, ``generated``, ``partial`` and ``left out``; None where it is not decided.
        generator: Whether the word is that of a generator.
    """

    raw: str
    name: str | None
    column: str
    count: int
    examples: tuple[str, ...] = ()
    meaning: str | None = None
    generator: bool = False

    @property
    def word(self) -> str:
        """Its name, or what is written."""
        return self.raw if self.name is None else self.name

    def __str__(self) -> str:
        named = f"{self.raw} = {self.name}" if self.name is not None else self.raw
        return f"{named} ({self.count:,} {'image' if self.count == 1 else 'images'}, {such_as(self.examples)})"


def such_as(examples: Sequence[str]) -> str:
    """Names examples in a few words."""
    return f"such as {' and '.join(examples)}" if examples else "none of them named"


def plain(text: str) -> str:
    """Writes a value as it is compared.

    Examples:
        >>> [plain(text) for text in ("1.0", " Fake", "TRUE", "0")]
        ['1', 'Fake', 'true', '0']
    """
    text = text.strip()
    if text.casefold() in ("true", "false"):
        return text.casefold()
    whole = WHOLE.fullmatch(text)
    return whole[1] if whole else text


def decide(values: Sequence[Value], generated: str | None, real: str | None, table: str) -> list[Value]:
    """Decides what each value means.

    Args:
        values: All there are.
        generated: ``--generated-label``: values, separated by commas; ``partial=VALUE`` for one of edited images.
        real: ``--real-label``: values, separated by commas.
        table: What the tables are called, for a message.

    Raises:
        DataOptionError: A value is not decided, is given though it is not there, or is given against its name.
    """
    given = _given(values, generated, real)
    decided = []
    for value in values:
        by_name, by_user = meaning_of(value), given.get(value)
        if by_name and by_user and (by_name == REAL) != (by_user == REAL):
            flag = "--real-label" if by_user == REAL else "--generated-label"
            raise DataOptionError(
                f"{table}: {flag} says that {value} is {by_user}, and by its name it is {by_name}. Drop the flag, or "
                "name the column that is meant with --columns label=COLUMN."
            )
        decided.append(replace(value, meaning=by_name or by_user))
    rest = [value for value in decided if value.meaning is None]
    if rest and generated and real:
        return [replace(value, meaning=value.meaning or LEFT_OUT) for value in decided]
    if rest and real and not any(_is_number(value) for value in rest):
        return [value if value.meaning else replace(value, meaning=GENERATED, generator=True) for value in decided]
    if len(rest) == 1 and len(decided) == 2 and given:
        other = REAL if generated else GENERATED
        return [replace(value, meaning=value.meaning or other) for value in decided]
    if rest:
        raise DataOptionError(_undecided(rest, decided, table))
    return decided


def decision(values: Iterable[Value]) -> str:
    """Says what was decided."""
    parts = []
    columns = dict.fromkeys(value.column for value in values)
    for meaning in (*CLASSES, LEFT_OUT):
        chosen = [value for value in values if value.meaning == meaning]
        if chosen:
            parts.append(f"{meaning}: {', '.join(map(str, chosen[:MOST_SHOWN]))}{', ...' * (len(chosen) > MOST_SHOWN)}")
    return f"Labels by the column {' or '.join(columns)}: {'; '.join(parts)}."


def _is_number(value: Value) -> bool:
    return NUMBER.fullmatch(value.word) is not None or value.word in ("true", "false")


def meaning_of(value: Value) -> str | None:
    """Says what a name means; of true and false, what the column's name ``is_fake`` or ``is_real`` says."""
    if value.word in ("true", "false"):
        _, asked, what = value.column.casefold().partition("is_")
        meant = class_of(what) if asked else None
        return OPPOSITE.get(meant) if meant and value.word == "false" else meant
    return None if NUMBER.fullmatch(value.word) else class_of(value.word)


def _given(values: Sequence[Value], generated: str | None, real: str | None) -> Mapping[Value, str]:
    meanings: dict[Value, str] = {}
    for flag, text, meaning in (("--generated-label", generated, GENERATED), ("--real-label", real, REAL)):
        for part in text.split(",") if text is not None else ():
            special, equals, wanted = part.partition("=")
            edited = bool(equals) and special.strip() == PARTIAL and meaning == GENERATED
            wanted = plain(wanted if edited else part)
            chosen = [value for value in values if wanted.casefold() in (value.raw.casefold(), value.word.casefold())]
            if not chosen:
                raise DataOptionError(f"{flag} {text}: no row has the label {wanted!r}; there are {_listed(values)}.")
            for value in chosen:
                if value in meanings:
                    raise DataOptionError(f"{flag} {text}: the label {value.raw!r} is given twice.")
                meanings[value] = PARTIAL if edited else meaning
    return meanings


def _undecided(rest: Sequence[Value], values: Sequence[Value], table: str) -> str:
    columns = " or ".join(dict.fromkeys(value.column for value in rest))
    words = [value for value in rest if not _is_number(value)]
    if words:
        return (
            f"{table}: the column {columns} has labels whose meaning is not known: {_listed(words)}. Say which ones "
            f"are generated with --generated-label {words[0].raw}, or which are real with --real-label VALUE."
        )
    advice = " or ".join(f"--generated-label {value.raw}" for value in rest[:2])
    if len(values) > 2:
        advice = (
            f"--generated-label {rest[-1].raw} --real-label {rest[0].raw} (several are separated by commas, partial="
            f"{rest[-1].raw} is one of edited images, and others are left out)"
        )
    return (
        f"{table}: the numbers in the column {columns} do not say which images are generated, and half of the public "
        f"sets have 0 for them: {_listed(values)}. Look at those images, then give {advice}."
    )


def _listed(values: Sequence[Value]) -> str:
    return ", ".join(map(str, values[:MOST_SHOWN])) + (", ..." if len(values) > MOST_SHOWN else "")
