"""A detector whose text names its picture, ``rigid:view=native``."""

import pytest
import torch

from bench.errors import BenchError
from bench.results.comparing import compare
from bench.scoring.attacks.stage import gradient_of
from bench.scoring.entry import Entry
from bench.scoring.option_text import option_types
from bench.scoring.options import RunOptions
from bench.scoring.specs import parse_detector, parse_detectors
from bench.scoring.views import show_cut
from bench.store.schema import Scoring
from datamodules.batch import Batch
from datamodules.conditions import Picture
from detectors import Hfi, Rigid, View, WePe
from detectors.errors import UnknownNameError
from detectors.registry import detector_names, find_detector


def batch_of(images, view):
    """Makes a batch of pictures ``(3, H, W)``, each with a key of its own."""
    count = len(images)
    names = [f"{number}.png" for number in range(count)]
    keys = torch.arange(7, 7 + count)
    unit = [image.clone() for image in images]
    return Batch(
        {Picture("clean", view): unit}, keys % 2, keys, keys - 7, names, names, names, names, [None] * count, []
    )


def entry_of(detector, text):
    show_cut(detector, parse_detector(text))
    return Entry(Scoring(text, detector.fingerprint(), 0), detector, 0, (), parse_detector(text))


def test_no_detector_has_an_option_of_that_name():
    assert [name for name in detector_names() if "view" in option_types(find_detector(name))] == []


def test_the_view_is_no_option_and_part_of_what_a_detector_is():
    spec = parse_detector("rigid:noise=0.1,view=native")
    assert (spec.options, spec.view, spec.label) == ({"noise": 0.1}, "native", "rigid:noise=0.1,view=native")
    assert not spec.is_same(parse_detector("rigid:noise=0.1"))
    parse_detectors(["rigid:view=native", "rigid", "rigid:view=resize"])
    with pytest.raises(BenchError, match="is given twice"):
        parse_detectors(["rigid:view=native,noise=0.1", "rigid:noise=0.1,view=native"])
    with pytest.raises(UnknownNameError, match=r"Unknown view 'naitve'\. Did you mean 'native'"):
        parse_detector("rigid:view=naitve")


def test_the_picture_has_the_size_of_the_methods_and_stores_tell_it_apart(cnn):
    detectors = {}
    for text in ("rigid", "rigid:view=random-crop", "rigid:view=native", "rigid:view=resize"):
        detectors[text] = Rigid(cnn)
        show_cut(detectors[text], parse_detector(text))
    views = [detector.view for detector in detectors.values()]
    assert views == [View(224, "resize"), View(224, "random-crop"), View(224, "native"), View(224, "resize")]
    prints = [detector.fingerprint() for detector in detectors.values()]
    assert len(set(prints)) == 3
    assert prints[0] == prints[3]
    assert prints[1] == Rigid(cnn, preprocessing="random-crop").fingerprint()


def test_a_network_made_for_one_size_refuses_images_of_their_own_sizes(vit):
    detector = Rigid(vit)
    for fit in ("native", "square"):
        with pytest.raises(BenchError) as error:
            show_cut(detector, parse_detector(f"rigid:view={fit}"))
        assert str(error.value) == (
            f"'rigid:view={fit}': small-dinov2 takes pictures of one size, and with view={fit} images keep their own. "
            "Take view=resize, random-crop or centre-crop, or a convolutional backbone."
        )
    assert detector.view == View(224, "resize")


def test_a_method_for_images_of_any_size_can_be_shown_a_square():
    detector = Hfi()
    show_cut(detector, parse_detector("hfi:view=centre-crop"))
    assert (detector.view, detector.by_size) == (View(224, "centre-crop"), False)
    other = Hfi()
    show_cut(other, parse_detector("hfi:view=square"))  # its pictures have sizes of their own as well
    assert (other.view, other.by_size) == (View(224, "square"), False)


def test_images_of_several_sizes_are_scored_as_each_alone_in_their_order_and_share_the_clean_pass(cnn):
    torch.manual_seed(0)
    images = [torch.rand(3, *size) for size in ((64, 80), (48, 48), (64, 80), (80, 64), (48, 48))]
    entries = [entry_of(Rigid(cnn), "rigid:view=native"), entry_of(WePe(cnn), "wepe:view=native")]
    batch = batch_of(images, entries[0].detector.view)
    before = cnn.counter.images
    with torch.inference_mode():
        first, second = (entry.scores(batch) for entry in entries)
        assert cnn.counter.images - before == 5 * 3  # clean, noisy, perturbed
        for number, image in enumerate(images):
            alone = image[None].clone()
            key = batch.key[number : number + 1]
            assert first[number].item() == pytest.approx(entries[0].detector(alone, key).item(), abs=1e-6)
            assert second[number].item() == pytest.approx(entries[1].detector(alone, key).item(), abs=1e-6)
    assert len(set(first.tolist())) == 5


@pytest.mark.usefixtures("small_views")
@pytest.mark.heavy
def test_pictures_of_all_kinds_in_one_run_whatever_the_batch(image_folder, tmp_path):
    texts = ["rigid", "rigid:view=native", "rigid:view=random-crop"]
    tables = []
    for size in (32, 5):
        options = RunOptions(
            "folder", str(image_folder), num_workers=0, batch_size=size, output=tmp_path / str(size), limit=4
        )
        comparison = compare(texts, options)
        tables.append(comparison.scores())
        assert comparison.views == {
            "rigid": "resize 64",
            "rigid:view=native": "native",
            "rigid:view=random-crop": "random-crop 64",
        }
        assert [facts["view_mode"] for facts in comparison.detectors.values()] == ["method", "native", "random-crop"]
    assert tables[0]["score"].to_list() == pytest.approx(tables[1]["score"].to_list(), abs=1e-6)


def test_an_attack_has_a_gradient_through_a_picture_of_its_own_size(cnn):
    detector = Rigid(cnn)
    show_cut(detector, parse_detector("rigid:view=native"))
    torch.manual_seed(0)
    gradient = gradient_of(detector, torch.rand(3, 48, 64), key=3)
    assert gradient.shape == (3, 48, 64)
    assert gradient.abs().max() > 0
