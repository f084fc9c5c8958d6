"""Reads detectors as they are written on the command line: ``wepe:rule=tensor_std,ratio=0.2``."""

import inspect
import types
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin, get_type_hints

from bench.errors import BenchError
from detectors.errors import UnknownNameError
from detectors.registry import detector_names, find_detector

if TYPE_CHECKING:
    from detectors import Detector


@dataclass(frozen=True)
class DetectorSpec:
    """A detector as asked for.

    Args:
        name: The detector's name.
        options: Its options, typed.
        label: How it was written, which is how the tables call it; files by their names.
        members: The detectors of an ensemble; none for a single one.
    """

    name: str
    options: Mapping[str, Any]
    label: str
    members: tuple["DetectorSpec", ...] = ()


def parse_detector(text: str) -> DetectorSpec:
    """Reads ``name`` or ``name:option=value,option=value``, or several of these joined by ``+``, an ensemble.

    A part without ``=`` belongs to the value before it, so that ``wepe:blocks=0-3,6,ratio=0.2`` reads as meant; so does
    a ``+`` in a value that no detector's name follows, as in ``npr:trained_on=sd14+adm``. ``timm:resnet50@FILE`` stands
    for ``timm:model=resnet50,checkpoint=FILE``.

    Raises:
        UnknownNameError: No such detector or option.
        BenchError: A value is not of the option's type.

    Examples:
        >>> parse_detector("wepe:blocks=0-3,6,ratio=0.2").options
        {'blocks': '0-3,6', 'ratio': 0.2}
    """
    if len(_members(text)) > 1:
        return _ensemble(text)
    name, _, rest = text.strip().partition(":")
    detector = find_detector(name)
    types_of = _option_types(detector)
    written = _written_options(text, rest, types_of)
    for option in written:
        if option not in types_of:
            raise UnknownNameError(f"option of {name}", option, types_of)
    options = {option: _typed(value, types_of[option], f"{name}:{option}") for option, value in written.items()}
    label = text.strip()
    for option in getattr(detector, "files", ("checkpoint",)):
        if option in written:
            label = label.replace(written[option], Path(written[option]).name)
    return DetectorSpec(name, options, label)


def _members(text: str) -> list[str]:
    """Takes the members of an ensemble apart."""
    members, known = [""], detector_names()
    for part in text.split("+"):
        in_value = set(members[-1]) & set("=@") and part.strip().partition(":")[0] not in known
        if in_value:
            members[-1] += f"+{part}"
        else:
            members.append(part)
    return members[1:]


def _written_options(text: str, rest: str, known: Mapping[str, object]) -> dict[str, str]:
    """Reads what stands behind a detector's name, untyped."""
    written: dict[str, str] = {}
    for part in rest.split(",") if rest else ():
        option, equals, value = part.partition("=")
        if equals:
            if option.strip() in written:
                raise BenchError(f"{text!r} gives {option.strip()} twice.")
            written[option.strip()] = value.strip()
        elif written:
            written[next(reversed(written))] += f",{part.strip()}"
        elif {"model", "checkpoint"} <= known.keys():
            written["model"], at, file = part.strip().partition("@")
            written |= {"checkpoint": file} if at else {}
        else:
            raise BenchError(f"Cannot read {part!r} in {text!r}: write detector:option=value,option=value.")
    return written


def _ensemble(text: str) -> DetectorSpec:
    members = tuple(parse_detector(part) for part in _members(text))
    names = [member.name for member in members]
    if len(set(names)) < len(names):
        raise BenchError(f"{text!r} fuses a detector with itself: an ensemble takes different detectors.")
    options = {member.name: tuple(sorted(member.options.items())) for member in members}
    return DetectorSpec("+".join(names), options, "+".join(member.label for member in members), members)


def parse_detectors(texts: list[str]) -> list[DetectorSpec]:
    """Reads several detectors; the same one twice is a mistake.

    Raises:
        BenchError: Nothing is given, or something twice.
    """
    specs = [parse_detector(text) for text in texts]
    if not specs:
        raise BenchError(f"Name at least one detector: {', '.join(detector_names())}.")
    for position, spec in enumerate(specs):
        if any((spec.name, spec.options) == (other.name, other.options) for other in specs[:position]):
            raise BenchError(f"{spec.label!r} is given twice.")
    labels = Counter(spec.label for spec in specs)
    full = zip(specs, texts, strict=True)
    return [spec if labels[spec.label] == 1 else replace(spec, label=text.strip()) for spec, text in full]


def with_checkpoints(texts: Sequence[str], given: Sequence[str] | None) -> list[str]:
    """Writes the files of ``--checkpoint NAME=FILE`` into the detectors of those names, those of ensembles, too.

    Args:
        texts: Detectors as on the command line.
        given: The words behind ``--checkpoint``.

    Raises:
        BenchError: A word is not written so, there is no such file, or no detector asked for takes it.

    Examples:
        >>> with_checkpoints(["rigid"], None)
        ['rigid']
    """
    files = _checkpoint_files(given or ())
    asked = {spec.name for text in texts for spec in _singles(parse_detector(text))}
    for name in files:
        if name not in asked:
            raise BenchError(f"--checkpoint {name}={files[name]}: {name} is not among --detectors {' '.join(texts)}.")
    return ["+".join(_with_checkpoint(member, files) for member in _members(text)) for text in texts]


def _singles(spec: DetectorSpec) -> tuple[DetectorSpec, ...]:
    return spec.members or (spec,)


def _checkpoint_files(given: Sequence[str]) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for word in given:
        name, equals, path = word.partition("=")
        if not equals or not path:
            raise BenchError(f"--checkpoint takes NAME=FILE, as in npr=NPR.pth; got {word!r}.")
        if "checkpoint" not in _option_types(find_detector(name)):
            raise BenchError(f"--checkpoint {word}: {name} takes no checkpoint.")
        if name in files:
            raise BenchError(f"--checkpoint gives {name} a file twice.")
        files[name] = Path(path).expanduser()
        if not files[name].is_file():
            raise BenchError(f"--checkpoint {word}: there is no file {files[name]}.")
    return files


def _with_checkpoint(text: str, files: Mapping[str, Path]) -> str:
    spec = parse_detector(text)
    if spec.name not in files:
        return text
    file = str(files[spec.name])
    if "checkpoint" in spec.options:
        raise BenchError(f"{text.strip()!r} names a checkpoint, and so does --checkpoint {spec.name}={file}.")
    written = f"{text.strip()}{',' if ':' in text else ':'}checkpoint={file}"
    if len(_members(written)) > 1 or parse_detector(written).options["checkpoint"] != file:
        raise BenchError(f"--checkpoint {spec.name}={file}: rename the file, its path reads as other options.")
    return written


def _option_types(detector: "type[Detector]") -> dict[str, Any]:
    hints = get_type_hints(detector.__init__)
    parameters = inspect.signature(detector.__init__).parameters.values()
    return {p.name: hints[p.name] for p in parameters if p.kind is p.KEYWORD_ONLY and p.name != "seed"}


def _takes_any_text(kind: object) -> bool:
    return kind is str or get_origin(kind) is Literal


def _typed(value: str, hint: Any, option: str) -> Any:  # noqa: ANN401 - any annotation a detector may have
    """Reads a value as the first alternative of its type that takes it; a text takes all."""
    alternatives = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    for alternative in sorted(alternatives, key=_takes_any_text):
        if get_origin(alternative) is Literal or alternative is str:
            return value
        if alternative is bool and value.lower() in ("true", "false"):
            return value.lower() == "true"
        if alternative in (int, float):
            try:
                return alternative(value)
            except ValueError:
                continue
        if alternative is type(None) and value.lower() in ("none", "null"):
            return None
    kinds = " or ".join(getattr(kind, "__name__", str(kind)) for kind in alternatives)
    raise BenchError(f"{option} takes {kinds}, got {value!r}.")
