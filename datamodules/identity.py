"""What a data set is: its images' bytes and labels, whatever its folder is called and however it is held."""

import hashlib

import polars as pl

SLICE = 4_096
"""Rows that are hashed at once: as objects they take ten times what they take in a table."""


def identity_of(images: pl.DataFrame) -> str | None:
    """Computes the identity of a set of images.

    Args:
        images: With ``sha256``, hexadecimal, and ``label``; the order does not matter, a copy counts.

    Returns:
        The hexadecimal sha256 of the sorted lines ``<sha256> <label>``; None where an image's sha256 is not known.
    """
    if images["sha256"].null_count():
        return None
    digest, line = hashlib.sha256(), pl.format("{} {}\n", "sha256", "label")
    for part in images.select("sha256", "label").sort("sha256", "label").iter_slices(SLICE):
        digest.update("".join(part.select(line).to_series()).encode())
    return digest.hexdigest()


def contradicted(images: pl.DataFrame) -> pl.DataFrame:
    """Finds images of one sha256 that are called real here and generated there.

    Args:
        images: With ``path``, ``sha256``, null or empty where it is not known, and ``label``.

    Returns:
        ``sha256, real, generated``: the first path of either class, sorted.
    """
    path, label = pl.col("path"), pl.col("label")
    both = (
        images.filter(pl.col("sha256").str.len_chars() > 0)
        .group_by("sha256")
        .agg(real=path.filter(label == 0).min(), generated=path.filter(label == 1).min())
    )
    return both.drop_nulls().sort("real")
