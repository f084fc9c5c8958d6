import shutil
from pathlib import Path

import fake_benchmarks as fake
import pytest

from datamodules import DatasetNotFoundError, UnknownDataNameError, dataset_names
from datamodules.checks.catalogue import CatalogueEntry, Place, list_entries


def by_name(entries: list[CatalogueEntry], label: int = 1) -> dict[str, CatalogueEntry]:
    return {entry.name: entry for entry in entries if entry.label == label}


def numbers(entry: CatalogueEntry) -> dict[str, int]:
    return {split: count.number for split, count in entry.expected.items()}


def test_every_dataset_is_listed():
    assert {entry.dataset for entry in list_entries()} == set(dataset_names())


def test_what_a_benchmark_should_hold_is_told_of_every_generator_and_source():
    entries = list_entries(datasets=["imagenet"])
    assert [entry.name for entry in entries if entry.label == 0] == ["imagenet-val", "imagenet-train"]
    generators = by_name(entries)
    assert len(generators) == 9
    assert (generators["adm"].title, generators["adm"].size) == ("ADM", 256)
    assert numbers(generators["adm"]) == {"all": 50_000}
    assert numbers(by_name(entries, 0)["imagenet-val"]) == {"val": 50_000}
    assert numbers(by_name(entries, 0)["imagenet-train"]) == {}
    assert all(entry.licence and entry.download_page.startswith("https://") for entry in entries)


def test_counts_of_several_splits_stand_beside_each_other():
    entries = list_entries(datasets=["genimage"])
    assert numbers(by_name(entries)["sd15"]) == {"val": 8_000, "train": 166_000}
    assert numbers(by_name(entries, 0)["nature-sd15"]) == {"val": 8_000}
    assert len(entries) == 16


def test_the_demos_counts_are_those_of_its_manifest():
    counts = {entry.name: numbers(entry)["all"] for entry in list_entries(datasets=["demo"])}
    assert counts == {"photographs": 134, "autoencoder": 134, "upsampler": 134}


def test_what_lies_under_a_root_is_found_and_counted(tmp_path):
    entries = list_entries(fake.make_imagenet(tmp_path), ["imagenet"])
    assert {entry.name: entry.found for entry in entries if entry.found} == {
        "imagenet-val": (Place("imagenet256/imagenet256/val", 8),),
        "imagenet-train": (Place("imagenet256/imagenet256/train", 8),),
        "adm": (Place("Imagenet256-ADM", 6),),
        "admg": (Place("admnet_guided_imagenet256.npz", 5),),
        "dit": (Place("imagenet256-DiT-XL-2", 4),),
        "biggan": (Place("IMAGENET256-BIGGAN", 4),),
        "maskgit": (Place("Imagenet256-Mask-GIT", 4),),
    }


def test_an_archive_inside_a_folder_is_counted_by_its_images(tmp_path):
    fake.save_archive(tmp_path / "Imagenet256-ADM" / "samples.npz", 3)
    fake.fill(tmp_path / "Imagenet256-ADM", ["a.png", "b.PNG", "notes.txt.png"])
    (tmp_path / "Imagenet256-ADM" / "notes.txt").write_text("none")
    assert by_name(list_entries(tmp_path, ["imagenet"]))["adm"].found == (Place("Imagenet256-ADM", 6),)


def test_both_splits_are_found_and_the_one_taken_by_default_comes_first(tmp_path):
    entries = list_entries(fake.make_genimage(tmp_path, ["adm"]), ["genimage"])
    folder = "ADM/imagenet_ai_0508_adm"
    assert by_name(entries)["adm"].found == (Place(f"{folder}/val/ai", 3), Place(f"{folder}/train/ai", 2))
    assert by_name(entries, 0)["nature-adm"].found[0] == Place(f"{folder}/val/nature", 3)


def test_of_an_archive_that_was_unpacked_in_part_that_part_is_found(tmp_path):
    fake.make_genimage(tmp_path, ["adm", "glide", "vqdm"])
    shutil.rmtree(tmp_path / "imagenet_glide" / "val" / "nature")
    entries = list_entries(tmp_path, ["genimage"])
    assert [len(by_name(entries)[name].found) for name in ("adm", "glide", "vqdm")] == [2, 2, 2]
    assert by_name(entries, 0)["nature-glide"].found == (Place("imagenet_glide/train/nature", 2),)


def test_real_images_without_a_split_are_found_under_the_datasets_name(tmp_path):
    entries = list_entries(fake.make_lsun(tmp_path), ["lsun-bedroom"])
    assert by_name(entries, 0)["lsun-bedroom"].found == (Place("LSUN Bedroom/lsun_bedrooms", 4),)


def test_ones_own_sources_are_found(tmp_path):
    fake.make_folder(tmp_path)
    fake.fill(tmp_path / "real", ["loose.png"])
    entries = list_entries(tmp_path, ["folder"])
    assert {(entry.label, entry.name): entry.found for entry in entries} == {
        (0, "camera"): (Place("real/camera", 4),),
        (0, "phone"): (Place("real/phone", 4),),
        (0, "real"): (Place("real", 1),),
        (1, "blurry"): (Place("generated/blurry", 4),),
        (1, "sharp"): (Place("generated/sharp", 4),),
    }


def test_broken_files_do_not_stop_the_list(tmp_path):
    root = fake.make_imagenet(tmp_path)
    fake.break_files(root / "Imagenet256-ADM", 6)
    (root / "admnet_guided_imagenet256.npz").write_bytes(b"PK")
    (root / "Imagenet256-ADM" / "loop.png").symlink_to("loop.png")
    (root / "Imagenet256-ADM" / "circle").symlink_to(root)
    found = by_name(list_entries(root, ["imagenet"]))
    assert found["admg"].found == (Place("admnet_guided_imagenet256.npz", 1),)
    assert found["adm"].found[0].images > 6


def test_an_empty_root_leaves_the_published_facts(tmp_path):
    assert list_entries(tmp_path) == list_entries()


def test_a_missing_root_and_an_unknown_dataset_are_users_mistakes(tmp_path):
    with pytest.raises(DatasetNotFoundError, match="There is no folder"):
        list_entries(tmp_path / "nowhere")
    with pytest.raises(UnknownDataNameError, match="Did you mean 'genimage'"):
        list_entries(datasets=["genimag"])


@pytest.mark.usefixtures("permissions_hold")
def test_a_root_that_may_not_be_read_is_a_users_mistake(tmp_path: Path):
    (tmp_path / "real").mkdir(mode=0)
    with pytest.raises(DatasetNotFoundError, match="May not read"):
        list_entries(tmp_path)
