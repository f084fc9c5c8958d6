import re

import pytest

from datamodules.generator_names import canonical_name
from datamodules.release_dates import ARXIV, REPORTED, days_of, release_date


def test_every_name_of_the_registry_is_canonical_and_every_date_is_one():
    for name in (*ARXIV, *REPORTED):
        assert canonical_name(name) == name
        released = release_date(name)
        assert released is not None
        assert re.fullmatch(r"20[12]\d-\d\d", released)
        assert days_of(released)[0].year >= 2014
    assert not set(ARXIV) & set(REPORTED)


@pytest.mark.parametrize(
    ("written", "released"),
    [
        ("SDv1.4", "2022-08"),
        ("stable_diffusion_v_1_5", "2022-10"),
        ("Imagenet256-ADMG", "2021-05"),
        ("DALL-E 3", "2023-10"),
    ],
)
def test_a_generator_is_found_however_it_is_written(written, released):
    assert release_date(written) == released


def test_what_the_data_say_goes_first_and_other_names_have_no_date():
    assert release_date("adm", {"adm": "2030"}) == "2030"
    assert release_date("adm", {"glide": "2030"}) == "2021-05"
    assert release_date("Midjourney") is None
    assert release_date("flow") is None


@pytest.mark.parametrize("text", ["", "2022-00", "2022-13", "2023-02-29", "2022-1-1", "2022-01-01T00:00", "٢٠٢٢"])
def test_what_is_no_date_is_refused(text):
    with pytest.raises(ValueError, match=r"date|month|day"):
        days_of(text)


def test_a_date_means_all_days_that_it_may_be():
    first, last = days_of("2024")
    assert (str(first), str(last)) == ("2024-01-01", "2024-12-31")
    assert [str(day) for day in days_of("2024-12")] == ["2024-12-01", "2024-12-31"]
    assert days_of("2024-02-29")[0] == days_of("2024-02-29")[1]
