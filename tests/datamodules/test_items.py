"""Items whose files nobody measured, and edited images."""

from collections.abc import Iterator

import pytest

from datamodules import DataOptionError, DetectionDataModule, Item


class Made(DetectionDataModule):
    """Two kinds of generated images, one real, nothing known of the files."""

    name = "made"

    def list_items(self) -> Iterator[Item]:
        """Yields one of each."""
        yield Item("a", 0, "camera")
        yield Item("b", 1, "flux")
        yield Item("c", 1, "flux", kind="partial")
        yield Item("d", 1, "sdxl", group="prompt", kind="partial")


def listed(**options: str) -> DetectionDataModule:
    data = Made("", **options)  # type: ignore[arg-type]
    data.setup()
    return data


def test_an_item_of_which_nothing_is_known_is_a_group_of_its_own_without_size_or_time():
    items = listed().items
    assert items["group"].to_list() == ["a", "b", "c", "prompt"]
    assert items.select("bytes", "mtime_ns").null_count().row(0) == (4, 4)


def test_edited_images_have_rows_of_their_own_are_left_out_or_count_as_their_generators():
    rows = listed()
    assert rows.sources(1) == ("flux", "flux (partial)", "sdxl (partial)")
    assert rows.apart == ("flux (partial)", "sdxl (partial)")
    assert rows.facing == dict.fromkeys(rows.sources(1), ("camera",))
    out = listed(partial="leave-out")
    assert (out.sources(1), out.apart, len(out.listing)) == (("flux",), (), 4)
    together = listed(partial="as-generator")
    assert (together.sources(1), together.apart) == (("flux", "sdxl"), ())
    assert rows.listing.equals(together.listing)


def test_a_chosen_generator_brings_its_edited_images():
    data = Made("", generators=["flux"])
    data.setup()
    assert data.items["path"].to_list() == ["a", "b", "c"]


def test_another_word_is_a_mistake():
    with pytest.raises(DataOptionError, match="--partial must be one of rows, leave-out, as-generator, got 'none'"):
        Made("", partial="none")
