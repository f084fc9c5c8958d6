"""Makes tasks and submissions without any image or network: what several people would share."""

import json

import numpy as np
import polars as pl

from bench.store.contrasts import ContrastRule
from bench.store.sharing.submission import Submission, fingerprint_of, write_submission
from bench.store.sharing.task import freeze, write_task
from tests.bench.made_stores import REALS, images, sha

PROTOCOL = {"resize": 256, "crop_seed": 0}
VERSIONS = {"python": "3.11.7", "fauxbench": "1.0", "torch": "2.0"}
REPOSITORY = "https://example.org/{}/scores"
PRECISION = {"precision": "32-true"}


def made_task(name="small", real=40, generated=40, generators=("gan", "diffusion"), conditions=("clean",), **told):
    """Freezes a task of made-up images: every generator faces all real ones."""
    rows = [
        {"path": path, "sha256": sha(path), "label": label, "kind": None, "generator": source, "group": path}
        for path, label, source in images(real, generated, generators)
    ]
    table = pl.DataFrame(rows, {"path": pl.String, "sha256": pl.String, "label": pl.Int8, "kind": pl.String,
                                "generator": pl.String, "group": pl.String})  # fmt: skip
    rules = tuple(ContrastRule(generator, (REALS,)) for generator in generators)
    known = {"title": name, "protocol": PROTOCOL, "license": "made up"} | told
    return freeze(table, dict.fromkeys(conditions, rules), name=name, **known).task


def made_scores(task, strength=1.0, seeds=1, noise_seed=0):
    """Makes scores of all of a task's images: noise, and ``strength`` more for a generated image."""
    noise = np.random.default_rng(noise_seed)
    parts = []
    for condition in task.conditions:
        chosen = task.images.filter(pl.col("sha256").is_in(task.wanted(condition).to_list()))
        for seed in range(seeds):
            score = noise.normal(size=len(chosen)) + strength * chosen["label"].to_numpy()
            parts.append(chosen.select("sha256", score=score, seed=pl.lit(seed, pl.Int64), condition=pl.lit(condition)))
    return pl.concat(parts)


def facts_of(method, options=(), task=None):
    """Says what a fingerprint covers of a detector of the suite."""
    return {
        "detector": {
            "detector": method,
            "version": 1,
            "options": dict(options),
            "view": {"size": 224, "fit": "random-crop", "pad": "zeros"},
        },
        "run": {**PRECISION, "protocol": json.dumps(dict(task.protocol) if task else PROTOCOL, sort_keys=True)},
    }


def imported_facts(name, task=None, file="a file of scores"):
    """Says what a fingerprint covers of scores that were imported."""
    protocol = json.dumps(dict(task.protocol) if task else PROTOCOL, sort_keys=True)
    return {"detector": {"imported": name, "file": sha(file), "real_high": False}, "run": {"protocol": protocol}}


def submitted(folder, task, label="rigid", scores=None, submitter="first", imported=False, facts=None, **told):
    """Writes a submission into a folder, and returns it; ``told`` are fields of the submission."""
    facts = facts or (imported_facts(label, task) if imported else facts_of(label, task=task))
    fields = {
        "detector": label,
        "method": "" if imported else label,
        "options": facts["detector"].get("options", {}),
        "facts": facts,
        "fingerprint": fingerprint_of(facts),
        "trained_on": None,
        "versions": VERSIONS,
        "task": task.named,
        "repository": REPOSITORY.format(submitter),
        "imported": imported,
        "scores": made_scores(task) if scores is None else scores,
    }
    write_submission(Submission(folder=folder, **fields | told))
    return folder


def results_repository(root, task=None):
    """Makes a results repository: two submitters, who agree on one detector, and an imported closed one.

    ``first`` has ``rigid`` and ``wepe``, ``second`` the same ``rigid`` and the closed ``oracle``.
    """
    task = task or made_task()
    (root / "tasks").mkdir(parents=True)
    write_task(task, root / "tasks" / f"{task.name}.json")
    folders = root / "submissions"
    shared = made_scores(task, strength=1.0, noise_seed=1)
    submitted(folders / "first" / "rigid", task, "rigid", shared, "first")
    submitted(folders / "first" / "wepe", task, "wepe", made_scores(task, strength=0.2, noise_seed=2), "first")
    submitted(folders / "second" / "rigid", task, "rigid", shared, "second")
    closed = made_scores(task, strength=3.0, noise_seed=3)
    submitted(folders / "second" / "oracle", task, "oracle", closed, "second", imported=True)
    return task
