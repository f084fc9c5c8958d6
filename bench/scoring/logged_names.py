"""Names of numbers in every logger; the parts are separated by slashes, so that W&B and TensorBoard group panels."""

from bench.store.schema import CLEAN


def logged_name(detector: str, condition: str, generator: str, metric: str, seed: int | None = None) -> str:
    """Names a number of a detector under a condition against a generator.

    Args:
        detector: Its label, by which panels are grouped.
        condition: Of the clean images it is left out.
        generator: Or ``mean``, over generators.
        metric: And what of it, as in ``auroc_low``.
        seed: Comes last, and only where a detector has several: panels of one metric stand together.

    Examples:
        >>> logged_name("wepe", "jpeg:75", "ADM", "auroc"), logged_name("wepe", "clean", "ADM", "auroc", seed=1)
        ('wepe/jpeg:75/ADM/auroc', 'wepe/ADM/auroc/seed1')
    """
    parts = [detector, *([] if condition == CLEAN else [condition]), generator, metric]
    return "/".join([*parts, *([] if seed is None else [f"seed{seed}"])])
