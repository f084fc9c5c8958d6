import hashlib
import os

import polars as pl

from bench.statistics.names import codes_of, hash_of, name_hash


def test_a_list_of_names_is_hashed_by_their_bytes_also_where_these_are_no_utf_8():
    names = ["a", "é", os.fsdecode(b"\xff.png")]
    assert hash_of(names) == hashlib.sha256(b"a\0" + "é".encode() + b"\0\xff.png\0").hexdigest()
    assert hash_of(["ab"]) != hash_of(["a", "b"]) != hash_of(["b", "a"])


def test_a_name_of_any_bytes_has_a_number():
    assert name_hash(os.fsdecode(b"\xff.png")) != name_hash(os.fsdecode(b"\xfe.png"))


def test_the_same_name_has_the_same_code_in_a_list_and_in_a_column():
    codes = codes_of(["a", "b", "a"])
    assert codes[0] == codes[2] != codes[1]
    assert codes_of(pl.Series(["a", "b", "a"])).tolist() == codes.tolist()
