"""Reads detectors as they are written on the command line: ``wepe:rule=tensor_std,ratio=0.2``."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, get_args

from bench.errors import BenchError
from bench.scoring.option_text import option_types, read_options
from detectors.errors import UnknownNameError
from detectors.registry import detector_names, find_detector

FUSE = "fuse="
"""What the way of fusing begins with."""


@dataclass(frozen=True)
class DetectorSpec:
    """A detector as asked for.

    Args:
        name: The detector's; those of an ensemble's members, joined by ``+``.
        options: Typed; those of an ensemble's members are theirs.
        label: How it was written, which is how the tables call it; files by their names.
        members: The detectors of an ensemble; none for a single one.
        fuse: How an ensemble fuses, as written before its members; empty where nothing is.
        fusion: Of an ensemble, what :func:`detectors.create_fusion` is given.
        view: The way its picture is cut, a ``Fit`` of `detectors.View`; empty for the view of the run.
    """

    name: str
    options: Mapping[str, Any]
    label: str
    members: tuple["DetectorSpec", ...] = ()
    fuse: str = ""
    fusion: Mapping[str, Any] = field(default_factory=dict)
    view: str = ""

    @property
    def singles(self) -> tuple["DetectorSpec", ...]:
        """The members of an ensemble, or the detector itself."""
        return self.members or (self,)

    def is_same(self, other: "DetectorSpec") -> bool:
        """Says whether it is the same detector, by whatever label."""
        mine, others = ((spec.name, spec.options, spec.fusion, spec.view) for spec in (self, other))
        alike = mine == others
        return alike and all(one.is_same(two) for one, two in zip(self.members, other.members, strict=True))


def parse_detector(text: str) -> DetectorSpec:
    """Reads ``name`` or ``name:option=value,option=value``, or several of these joined by ``+``, an ensemble.

    How an ensemble fuses stands before its members, ``fuse=minp:rigid+wepe``; nothing there is ``fuse=zscore:``.
    A part without ``=`` belongs to the value before it, so that ``wepe:blocks=0-3,6,ratio=0.2`` reads as meant; so does
    a ``+`` in a value that no detector's name follows, as in ``npr:trained_on=sd14+adm``. ``timm:resnet50@FILE`` stands
    for ``timm:model=resnet50,checkpoint=FILE``. ``view=FIT`` is an option of every detector: how its picture is cut, at
    the size that the method has, in the place of the run's ``--view``.

    Raises:
        UnknownNameError: No such detector, option or way of fusing.
        OptionError: A way of fusing cannot take the value of an option.
        BenchError: A value is not of the option's type, or a way of fusing not before two or more detectors.

    Examples:
        >>> parse_detector("wepe:blocks=0-3,6,ratio=0.2").options
        {'blocks': '0-3,6', 'ratio': 0.2}
        >>> parse_detector("fuse=stouffer,sides=2:rigid+wepe").fusion
        {'name': 'stouffer', 'sides': 2}
    """
    fuse, members = _fusion_and_members(text)
    parts = _members(members)
    if fuse or len(parts) > 1:
        return _ensemble(text, fuse, parts)
    name = text.strip().partition(":")[0]
    options, label = read_options(text, {"view": str} | _types_of(name)), text.strip()
    view = _taken_view(options, name, text)
    for option in getattr(find_detector(name), "files", ("checkpoint",)):
        if options.get(option):
            label = label.replace(options[option], Path(options[option]).name)
    return DetectorSpec(name, options, label, view=view)


def _taken_view(options: dict[str, Any], name: str, text: str) -> str:
    """Takes the view out of a detector's options, unless the detector has an option of that name itself.

    Raises:
        UnknownNameError: There is no such view.
        BenchError: The picture is named twice.
    """
    if "view" in _types_of(name) or "view" not in options:
        return ""
    from detectors.base import Fit  # imports torch, which a look at names alone does not need

    view = str(options.pop("view"))
    if view not in get_args(Fit):
        raise UnknownNameError("view", view, get_args(Fit))
    if "preprocessing" in options:
        raise BenchError(f"{text.strip()!r} names the picture twice: take view or preprocessing.")
    return view


def _fusion_and_members(text: str) -> tuple[str, str]:
    """Takes the way of fusing, ``fuse=minp:``, off the members; nothing where none is written.

    Raises:
        BenchError: It stands behind a member, or before less than two.
    """
    head, colon, rest = text.strip().partition(":")
    fuse, members = (head + colon, rest) if head.startswith(FUSE) else ("", text)
    misplaced = re.search(rf"[+:,@\s]{FUSE}", members)
    if misplaced or (fuse and len(_members(members)) < 2):
        raise BenchError(f"{text!r}: {FUSE} stands before two or more detectors, as in fuse=minp:rigid+wepe.")
    return fuse, members


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


def _ensemble(text: str, fuse: str, parts: Sequence[str]) -> DetectorSpec:
    fusion, members = _read_fusion(fuse or f"{FUSE}zscore:"), [parse_detector(part) for part in parts]
    if any(member.is_same(other) for at, member in enumerate(members) for other in members[:at]):
        raise BenchError(f"{text!r} fuses a detector with itself: an ensemble takes different detectors.")
    name, label = ("+".join(getattr(member, part) for member in members) for part in ("name", "label"))
    return DetectorSpec(name, {}, fuse + label, tuple(members), fuse, fusion)


def _read_fusion(fuse: str) -> dict[str, Any]:
    """Reads ``fuse=minp,sides=2:``, with the defaults of what is not written."""
    from detectors.fusion import create_fusion, find_fusion  # imports torch, which a look at names alone does not need

    name, comma, options = fuse.removeprefix(FUSE).removesuffix(":").partition(",")
    written = read_options(f"{name}:{options}" if comma else name, option_types(find_fusion(name)))
    return {"name": name, **create_fusion(name, **written).options}


def members_of(texts: Sequence[str]) -> list[str]:
    """Takes ensembles apart: the texts of the single detectors, each once.

    Examples:
        >>> members_of(["fuse=minp:rigid+wepe:n=2", "rigid"])
        ['rigid', 'wepe:n=2']
    """
    return list(dict.fromkeys(part for text in texts for part in _members(_fusion_and_members(text)[1])))


def check_detectors(texts: Sequence[str]) -> None:
    """Looks for detectors by their names alone; no detector is imported.

    Raises:
        UnknownNameError: There is none of that name.
    """
    for name in (member.strip().partition(":")[0] for member in members_of(texts)):
        if name not in detector_names():
            raise UnknownNameError("detector", name, detector_names())


def parse_detectors(texts: list[str]) -> list[DetectorSpec]:
    """Reads several detectors; the same one twice is a mistake.

    Raises:
        BenchError: Nothing is given, or something twice.
    """
    specs = [parse_detector(text) for text in texts]
    if not specs:
        raise BenchError(f"Name at least one detector: {', '.join(detector_names())}.")
    for position, spec in enumerate(specs):
        if any(spec.is_same(other) for other in specs[:position]):
            raise BenchError(f"{spec.label!r} is given twice.")
    labels = Counter(spec.label for spec in specs)
    return [
        spec if labels[spec.label] == 1 else replace(spec, label=text.strip())
        for spec, text in zip(specs, texts, strict=True)
    ]


def with_checkpoints(texts: Sequence[str], given: Sequence[str] | None) -> list[str]:
    """Writes the files of ``--checkpoint NAME=FILE`` into the detectors of those names, those of ensembles, too.

    Raises:
        BenchError: A word is not written so, there is no such file, or no detector asked for takes it.

    Examples:
        >>> with_checkpoints(["rigid"], None)
        ['rigid']
    """
    files = _checkpoint_files(given or ())
    asked = {spec.name for text in texts for spec in parse_detector(text).singles}
    for name in files:
        if name not in asked:
            raise BenchError(f"--checkpoint {name}={files[name]}: {name} is not among --detectors {' '.join(texts)}.")
    return [
        fuse + "+".join(_with_checkpoint(member, files) for member in _members(members))
        for fuse, members in map(_fusion_and_members, texts)
    ]


def _checkpoint_files(given: Sequence[str]) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for word in given:
        name, equals, path = word.partition("=")
        if not equals or not path:
            raise BenchError(f"--checkpoint takes NAME=FILE, as in npr=NPR.pth; got {word!r}.")
        if "checkpoint" not in _types_of(name):
            raise BenchError(f"--checkpoint {word}: {name} takes no checkpoint.")
        if name in files:
            raise BenchError(f"--checkpoint gives {name} a file twice.")
        files[name] = Path(path).expanduser()
        if not files[name].exists():
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


def _types_of(name: str) -> dict[str, Any]:
    return option_types(find_detector(name), without=("seed",))
