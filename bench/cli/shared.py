"""Options that several commands take: those of a run, which command takes which of them, and those beside them."""

from typing import Any

from bench.cli.config import MOST_BYTES, ConfigAction
from bench.cli.readers import difference, path_text
from bench.scoring.options import MARGIN
from detectors.errors import MOST_DRAWS

DETECTORS, DATA, RESULTS = "detectors", "data", "results"
RUN_GROUPS = {
    DATA: ("dataset", "data_root", "generators", "split", "limit", "balance", "resize", "name", "allow_one_class"),
    "folders of your own": ("real", "generated", "content", "partial", "pairs", "pair_by_name"),
    "tables (manifest, parquet, hf)": (*("columns", "image_root", "generated_label", "real_label", "label_from_path"),),
    "published data sets": ("real_split", "protocol", "real_fit"),
    "conditions": ("conditions", "match", "groups"),
    "model": ("backbone", "weights", "view", "seeds", "crop_seeds", "precision"),
    "machine": (
        *("batch_size", "num_workers", "max_pixels", "devices", "num_nodes", "strategy", "accelerator", "compile"),
    ),
    RESULTS: ("output", "logger", "wandb"),
}
"""The fields of ``RunOptions`` under the titles of the help, in its order."""
EVERY = tuple(name for names in RUN_GROUPS.values() for name in names)
"""All fields: the options of what scores a data set and reports on it."""
IMAGES = tuple(
    name
    for title in (DATA, "folders of your own", "tables (manifest, parquet, hf)", "published data sets")
    for name in RUN_GROUPS[title]
    if name not in ("resize", "allow_one_class", "content")
)
"""Which images: the fields of whatever lists a data set."""
ORDER = ("arguments", DETECTORS, *RUN_GROUPS, "options")
"""Titles of the help; those of one command alone stand behind the detectors."""
FLAG: dict[str, Any] = {"action": "store_true"}
SHARED: dict[str, dict[str, Any]] = {
    "config": {
        "action": ConfigAction,
        "metavar": "FILE",
        "help": f"YAML file of options, up to {MOST_BYTES // 1024} KiB, or a run.json; words after it override it",
    },
    "detectors": {
        "nargs": "+",
        "required": True,
        "metavar": "NAME[:OPTION=VALUE,...]",
        "help": "detectors to compare, for instance wepe:rule=tensor_std,ratio=0.2 rigid; rigid+wepe fuses z-scores, "
        "fuse=minp:rigid+wepe and fuse=stouffer:rigid+wepe by p-values from held-out real images; view=FIT among a "
        "detector's options cuts its own picture, as in rigid:view=native; n, draws and "
        f"directions are at most {MOST_DRAWS:,}",
    },
    "checkpoint": {
        "nargs": "+",
        "metavar": "NAME=FILE",
        "help": "weights of the trained detectors, for instance npr=NPR.pth univfd=fc_weights.pth",
    },
    "plugin": {
        "nargs": "+",
        "type": path_text,
        "metavar": "FILE",
        "help": "Python files that register detectors or data sets of your own; packages can do so by entry points",
    },
    "dry-run": {
        **FLAG,
        "help": "print the plan (images, conditions, passes, memory, what the store has) and score nothing",
    },
    "estimate": {
        **FLAG,
        "help": "with --dry-run: also say how long it would take; scores about 20 images for it and keeps none",
    },
    "html": {"type": path_text, "metavar": "FILE", "help": "also write everything as one page that opens from disk"},
    "json": {**FLAG, "help": "print one JSON object and nothing else"},
    "margin": {
        "type": difference,
        "default": MARGIN,
        "metavar": "D",
        "help": "difference from a paper's number that a match must be able to find; beyond it is too wide to tell",
    },
    "seen-hashes": {
        "type": path_text,
        "metavar": "FILE",
        "help": "sha256 of a training set's images, one a line or a column sha256 of a CSV or Parquet file: a note "
        "says how many of the images at hand are among them, and what AUROC is without them",
    },
    "raw-names": {
        **FLAG,
        "help": "write names into CSV as they are, without the apostrophe before one that begins with = + - or @, "
        "which a spreadsheet would take for a formula",
    },
    "long": {**FLAG, "help": "print every generator, paired tests and all notes, not a row a detector alone"},
    "quiet": {**FLAG, "help": "print nothing; files are written as ever"},
}
"""Options that several commands take beside those of a run: what argparse wants to know of each."""
TITLES = {
    **dict.fromkeys(("detectors", "checkpoint"), DETECTORS),
    **dict.fromkeys(("html", "json", "margin", "seen-hashes", "raw-names", "long", "quiet"), RESULTS),
    **dict.fromkeys(("config", "dry-run", "estimate", "plugin"), "options"),
}
"""Where they stand in the help."""
