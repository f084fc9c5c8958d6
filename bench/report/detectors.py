"""Which detectors there are, what they need, and whether that is here; and what a card says of each."""

from collections.abc import Sequence
from dataclasses import replace

from detectors.backbones.catalogue import find_backbone
from detectors.facts import NOWHERE, DetectorFacts, Need, recorded_facts
from detectors.registry import DETECTORS, detector_names, find_detector

NO_WEAKNESS = "none is recorded in the sources that were read, which does not mean that there is none."
DEFAULT_BACKBONE = "efficientnet-lite0"


def listed_detectors(backbone: str = DEFAULT_BACKBONE, names: Sequence[str] = ()) -> tuple[DetectorFacts, ...]:
    """Describes registered detectors, all by default, as they would be with a vision model, which is not built.

    Those of this package are not imported.

    Returns:
        Their facts, the backbone among the needs.

    Raises:
        UnknownNameError: There is no such backbone or detector.
    """
    need = backbone_need(backbone)
    listed = map(_facts_of, dict.fromkeys(names) or detector_names())
    return tuple(_with_backbone(facts, need) for facts in listed)


def backbone_need(name: str) -> Need:
    """Describes the need of a backbone.

    Raises:
        UnknownNameError: There is no such backbone.
    """
    info = find_backbone(name)
    source = info.source if info.package is None else f"{info.source}; module {info.package}"
    return Need(f"backbone {name}", "", source, () if info.here else ((NOWHERE,),))


def card_lines(detector: DetectorFacts) -> list[str]:
    """Writes a detector's card, in lines without markup."""
    lines = [f"{detector.name}: {detector.title}", f"Paper: {detector.paper}"]
    lines += _listed("Needs", [_card_need(need) for need in detector.needs] or ["nothing beside the package"])
    lines += _listed("Training data", detector.training)
    lines += ["Published for: images as they are; take --resize none."] if detector.unscaled else []
    lines += [f"Settings chosen on: {detector.tuned_on}."] if detector.tuned_on else []
    lines += [f"Cost per image, in passes: {detector.cost}"]
    lines += _listed("Known weaknesses", detector.weaknesses or [NO_WEAKNESS])
    lines += ["", *detector.text.splitlines()] if detector.text else []
    lines += [f"\n{name}: {text}" for name, text in detector.sections.items()]
    lines += ["\nOptions:", *(f"  - {option.name}={option.default}: {option.meaning}" for option in detector.options)]
    return "\n".join(lines).replace("``", "").splitlines()


def _facts_of(name: str) -> DetectorFacts:
    if name in DETECTORS:
        return recorded_facts()[name]
    from bench.report.describing import describe  # imports torch, as the detector itself has

    return describe(find_detector(name))


def _with_backbone(facts: DetectorFacts, run: Need) -> DetectorFacts:
    if facts.backbone is None:
        return facts
    return replace(facts, needs=(backbone_need(facts.backbone) if facts.backbone else run, *facts.needs))


def _card_need(need: Need) -> str:
    wanted = f" for {need.wanted_for}" if need.wanted_for else ""
    return f"{need.what}{wanted} ({need.source}): {'here' if need.here else 'not here'}"


def _listed(title: str, texts: Sequence[str]) -> list[str]:
    """Writes one text beside its title, several below it."""
    return [f"{title}: {texts[0]}"] if len(texts) == 1 else [f"{title}:", *(f"  - {text}" for text in texts)]
