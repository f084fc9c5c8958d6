"""Makes a score store of any size that has what a real one may have, for tables that must not change."""

import hashlib

import numpy as np
import polars as pl
from made_stores import detector, keep, sha

from bench.store.listings import LISTED, Listing
from bench.store.schema import SCHEMA

REALS = ("photographs", "paintings")
GENERATORS = ("gan", "diffusion", "inpainted")
CONDITIONS = ("clean", "jpeg:75", "blur:1")


def table_of(title, size, sources, seed=0, hidden=""):
    """Makes images of a title: groups of both classes and of copies, files of the same bytes, shares of edited ones."""
    rng = np.random.default_rng(seed)
    frames = []
    for source, label in sources:
        path = [f"{hidden}{source}/{number:06d}.png" for number in range(size)]
        content = [sha(f"{title} {name.removeprefix(hidden)}") for name in path]
        for copy in range(0, size - 1, 17):  # the next file has the same bytes
            content[copy + 1] = content[copy]
        edited = source == "inpainted"
        frames.append(
            pl.DataFrame(
                {
                    "dataset": title,
                    "generator": source,
                    "path": path,
                    "sha256": content,
                    "bytes": 1,
                    "mtime_ns": 1,
                    # Every third group holds an image of each source, and every fifth one two of a source.
                    "group": [
                        f"scene {number}" if number % 3 == 0 else f"{source} {number - (number % 5 == 1)}"
                        for number in range(size)
                    ],
                    "label": label,
                    "kind": ["inpainted" if edited else None] * size,
                    "share": rng.uniform(0, 1, size).round(2).tolist() if edited else [None] * size,
                },
                schema={name: SCHEMA[name] for name in (*list(SCHEMA)[:8], "kind", "share")},
            )
        )
    return pl.concat(frames)


def rows_of(images, described, condition="clean", seed=0, strength=1.0, digits=12, unreadable=0, stream=0):
    """Scores images: normal scores to so many digits, of which every so-many-th could not be read."""
    (fingerprint, facts), *_ = described.items()
    key = f"{fingerprint} {condition} {seed} {stream}"
    rng = np.random.default_rng(int(hashlib.sha256(key.encode()).hexdigest()[:12], 16))
    scores = rng.normal(images["label"].to_numpy() * strength, 1).round(digits)
    lost = np.arange(len(images)) % unreadable == 3 if unreadable else np.zeros(len(images), dtype=bool)
    return images.with_columns(
        detector=pl.lit(facts["label"]),
        fingerprint=pl.lit(fingerprint),
        condition=pl.lit(condition),
        seed=pl.lit(seed, dtype=pl.Int64),
        score=pl.when(pl.Series(lost)).then(None).otherwise(pl.Series(scores)),
        status=pl.when(pl.Series(lost)).then(pl.lit("unreadable")).otherwise(pl.lit("ok")),
        reason=pl.when(pl.Series(lost)).then(pl.lit("broken")),
    ).select(*SCHEMA)


def make_varied_store(output, size):
    """Makes five data sets with ``size`` images a source, and a small one."""
    _make_titled(output, size)
    _make_ranked(output, size)
    _make_protocols(output, size)
    _make_listed(output, size)
    _make_small(output)


def _make_titled(output, size):
    """Without a listing: several conditions and seeds, some of them missing, changed files, matched members."""
    sources = [(name, 0) for name in REALS] + [(name, 1) for name in GENERATORS]
    images = table_of("titled", size, sources)
    contrasts = {c: {name: list(REALS) for name in GENERATORS} for c in CONDITIONS}
    contrasts["jpeg:75"] = {"gan": ["photographs"], "diffusion": list(REALS)}
    told = {"contrasts": contrasts, "apart": ["inpainted"]}
    fine, tied, level = detector("fine", seeds=3), detector("tied", seeds=2), detector("level")
    rows = [rows_of(images, fine, c, s, 0.9 if c == "clean" else 0.6) for c in CONDITIONS for s in range(3)]
    rows[4] = rows[4].head(len(images) - 7)  # a seed that lacks some images
    keep(output, "20260101T000001", rows, fine, **told)
    rows = [rows_of(images, tied, c, s, 0.4, digits=1, unreadable=29) for c in CONDITIONS[:2] for s in range(2)]
    keep(output, "20260101T000002", rows, tied, **told)
    keep(output, "20260101T000003", [rows_of(images, level, strength=0.0, digits=0)], level, **told)
    # A later run: files of other bytes, some scores once more, a detector that was fitted to some groups.
    other_bytes = pl.col("sha256").str.slice(0, 60) + "beef"
    changed = images.with_columns(
        sha256=pl.when(pl.col("path").str.ends_with("9.png")).then(other_bytes).otherwise("sha256")
    )
    later = [rows_of(changed.gather_every(2), fine, "clean", 0, 0.9, stream=1)]
    fitted = detector("fitted", held_out=images["group"].head(8).unique().sort().to_list())
    later.append(rows_of(changed, fitted, "clean", 0, 1.5, unreadable=13))
    members = [("clean", "gan", path) for path in images["path"].gather_every(3)]
    keep(output, "20260102T000004", later, fine | fitted, wanted=len(images), members=members, **told)


def _make_ranked(output, size):
    """All scored, but each detector could read other images; ties within and between the classes."""
    images = table_of("ranked", size, [("photographs", 0), ("gan", 1), ("diffusion", 1), ("inpainted", 1)], seed=4)
    for number, (label, digits, unreadable) in enumerate((("fine", 12, 0), ("tied", 0, 0), ("half", 1, 11))):
        described = detector(label, seeds=2)
        rows = [
            rows_of(images, described, c, s, 0.3 + number, digits, unreadable) for c in CONDITIONS for s in range(2)
        ]
        keep(output, f"20260106T00000{number}", rows, described, apart=["inpainted"])


def _make_protocols(output, size):
    """Of two protocols, with two detectors of one name."""
    images = table_of("protocols", size, [("photographs", 0), ("gan", 1), ("diffusion", 1)], seed=1)
    for number, protocol in enumerate(({"resize": 256}, {"resize": None, "jpeg": 90})):
        described = detector("same name", fingerprint=sha(f"same name {number}"))
        other = detector("other", fingerprint=sha(f"other {number}"))
        again = detector("same name", fingerprint=sha(f"again {number}"))
        keep(
            output,
            f"20260103T00000{number}",
            [rows_of(images, known, "clean", 0, 0.3 * at) for at, known in enumerate((described, other, again))],
            described | other | again,
            protocol=protocol,
        )


def _make_listed(output, size):
    """With a listing, and another one of the same content under another title and other paths."""
    sources = [("photographs", 0), ("gan", 1), ("diffusion", 1)]
    first = table_of("listed", size, sources, seed=2)
    wrong = first["sha256"].to_list()
    wrong[-1] = wrong[0]  # real here and generated there
    first = first.with_columns(sha256=pl.Series(wrong))
    moved = first.with_columns(path="moved/" + pl.col("path"), dataset=pl.lit("moved"))
    near, far = detector("near"), detector("far", seeds=2)
    for number, (images, title, described) in enumerate(((first, "listed", near), (moved, "moved", far))):
        listed = images.select(*LISTED).sort("path")
        Listing(output, title, f"{number:016x}", listed.cast(pl.Schema(LISTED))).save()
        rows = [
            rows_of(images, described, c, s, 0.7, digits=2, unreadable=31)
            for c in CONDITIONS[:2]
            for s in range(1 + number)
        ]
        keep(output, f"20260104T00000{number}", rows, described, set=f"{number:016x}", wanted=len(images))
    again = [rows_of(moved.gather_every(3), near, "clean", 0, 0.7, stream=1)]
    keep(output, "20260104T000009", again, near, set=f"{1:016x}", wanted=len(first))


def _make_small(output):
    """Too few groups for an interval, and a condition under which a class was not scored."""
    images = table_of("small", 7, [("photographs", 0), ("gan", 1)], seed=3)
    described = detector("near")
    rows = [rows_of(images, described), rows_of(images.filter(pl.col("label") == 0), described, "blur:1")]
    keep(output, "20260105T000000", rows, described)
