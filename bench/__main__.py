"""``python -m bench``."""

import importlib.util
import sys
from pathlib import Path

SIBLINGS = ("datamodules", "detectors")


def find_intruder() -> str | None:
    """Finds a package of another project under the name of one of ours.

    The names are generic, and PyPI has another ``detectors``; in site-packages it goes before an editable install.

    Returns:
        One line that names the intruder and the remedy, or None.
    """
    home = Path(__file__).resolve().parent.parent
    for name in SIBLINGS:
        spec = importlib.util.find_spec(name)
        origin = Path(spec.origin).resolve() if spec and spec.origin else None
        if origin is None or origin.parent.parent != home:
            return (
                f"error: the package {name!r} is {origin or 'missing'}, not the one beside {home / 'bench'}: install "
                f"aigi-bench in an environment of its own, or uninstall the other {name!r}."
            )
    return None


def main() -> int:
    """Runs the command line with our own packages, or says which ones are not ours."""
    intruder = find_intruder()
    if intruder:
        print(intruder, file=sys.stderr)
        return 2
    from bench.cli import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())
