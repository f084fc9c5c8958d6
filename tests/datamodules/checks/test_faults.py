import shutil

import fake_benchmarks as fake
import numpy as np
from diagnosed_folders import diagnosed, jpeg_bytes, said
from PIL import Image


def test_endings_that_lie_are_wrong_and_unusual_ones_are_not(image_folder, photograph):
    folder = image_folder / "generated" / "sharp"
    (folder / "liar.png").write_bytes(jpeg_bytes(photograph(1000), 90))
    (folder / "honest.JFIF").write_bytes(jpeg_bytes(photograph(1001), 90))
    photograph(1002).save(folder / "drawing.dib", format="BMP")
    photograph(1003).save(folder / "several.jpg", format="MPO", save_all=True, append_images=[photograph(1004)])
    diagnosis = diagnosed(image_folder)
    (lie,) = (finding for finding in diagnosis.findings if finding.severity == "wrong")
    assert (lie.where, lie.what) == ("generated sharp", "1 file named .png holds JPEG")
    assert lie.examples == ("generated/sharp/liar.png",)


def test_a_file_in_both_classes_is_wrong(image_folder):
    copy = image_folder / "generated" / "sharp" / "copy.png"
    copy.write_bytes((image_folder / "real" / "camera" / "03.png").read_bytes())
    diagnosis = diagnosed(image_folder)
    assert said(diagnosis) == {
        ("real camera, generated sharp", "1 generated image the same, byte for byte, as a real one")
    }
    assert diagnosis.findings[0].examples == ("real/camera/03.png = generated/sharp/copy.png",)


def test_a_photograph_that_was_stored_anew_as_generated_is_wrong_unless_declared(image_folder):
    photo = Image.open(image_folder / "real" / "camera" / "03.png")
    photo.resize((160, 128), Image.Resampling.BICUBIC).save(image_folder / "generated" / "sharp" / "big.png")
    diagnosis = diagnosed(image_folder)
    ((where, what),) = said(diagnosis)
    assert where == "real camera, generated sharp"
    assert what.startswith("1 generated image in all likelihood the picture of a real one")
    assert diagnosis.findings[0].examples == ("real/camera/03.png ~ generated/sharp/big.png",)
    (image_folder / "groups.csv").write_text(
        "path,group\nreal/camera/03.png,scene\ngenerated/sharp/big.png,scene\n", encoding="utf-8"
    )
    assert diagnosed(image_folder).ok


def test_pictures_that_look_alike_are_noted(image_folder):
    photo = np.asarray(Image.open(image_folder / "real" / "camera" / "03.png")).astype(np.int16)
    noise = np.random.default_rng(0).normal(0, 30, photo.shape)
    near = Image.fromarray(np.clip(photo + noise, 0, 255).astype(np.uint8))
    near.save(image_folder / "generated" / "sharp" / "near.png")
    diagnosis = diagnosed(image_folder)
    assert diagnosis.ok
    assert said(diagnosis, "note") == {
        ("real camera, generated sharp", "1 generated image like a real one, perhaps by chance: look at the pairs"),
        (
            "folder:images",
            "2 images look like one of another group, perhaps by chance: --write-groups FILE groups them, for a "
            "groups.csv beside the images",
        ),
    }


def test_flat_pictures_of_both_classes_are_not_taken_for_each_other(image_folder):
    for folder, level in (("real/camera", 250), ("generated/sharp", 251)):
        Image.new("RGB", (80, 64), (level,) * 3).save(image_folder / folder / "flat.png")
    assert diagnosed(image_folder).findings == ()


def test_copies_within_a_class_files_passed_by_and_formats_are_notes(image_folder, photograph):
    camera, sharp = image_folder / "real" / "camera", image_folder / "generated" / "sharp"
    for name in ("x.png", "y.png"):
        (camera / name).write_bytes((camera / "00.png").read_bytes())
    (sharp / "z.png").write_bytes((image_folder / "generated" / "blurry" / "00.png").read_bytes())
    (sharp / "w.webp").write_bytes(b"")
    photograph(1000).save(sharp / "w.webp", lossless=True)
    (camera / "notes.txt").write_text("none")
    diagnosis = diagnosed(image_folder)
    assert diagnosis.ok
    assert said(diagnosis, "note") == {
        ("real camera", "2 files the same, byte for byte, as another"),
        ("generated blurry, generated sharp", "1 file the same, byte for byte, as another"),
        ("folder:images", "files passed by, as their endings are not those of images: 1 .txt"),
        (
            "folder:images",
            "real images are PNG, generated ones PNG and WEBP: what separates the formats may pass for a detector",
        ),
    }


def test_counts_are_held_against_the_published_ones(tmp_path):
    diagnosis = diagnosed(fake.make_genimage(tmp_path, ["adm", "sd15"]), "genimage")
    by = "from the published totals: 162 + 6 images a class, 166 + 8 for SD 1.5"
    assert said(diagnosis) == {
        ("generated adm", f"3 images, where 6,000 are expected ({by})"),
        ("real nature-adm", f"3 images, where 6,000 are expected ({by})"),
        ("generated sd15", f"3 images, where 8,000 are expected ({by})"),
        ("real nature-sd15", f"3 images, where 8,000 are expected ({by})"),
    }
    absent = "Not found under the root: midjourney, sd14, glide, wukong, vqdm, biggan."
    assert ("genimage", absent) in said(diagnosis, "note")


def test_a_sample_is_not_held_against_published_counts(tmp_path):
    diagnosis = diagnosed(fake.make_genimage(tmp_path, ["adm"]), "genimage", limit=2)
    assert diagnosis.ok
    assert ("genimage", "a sample was taken, so numbers were not compared with published ones") in said(
        diagnosis, "note"
    )


def test_generated_images_of_another_size_than_published_are_wrong(tmp_path):
    root = fake.make_genimage(tmp_path, ["adm"])
    file = next((root / "ADM").rglob("*/val/ai/*.PNG"))
    fake.picture(0, (224, 224)).save(file)
    diagnosis = diagnosed(root, "genimage", limit=3)
    assert said(diagnosis) == {("generated adm", "1 file not of the published 256x256 pixels")}


def test_a_benchmarks_missing_folder_is_wrong_and_its_other_sources_are_examined(tmp_path):
    root = fake.make_genimage(tmp_path, ["adm", "vqdm"])
    shutil.rmtree(root / "VQDM/imagenet_ai_0419_vqdm/val/nature")
    diagnosis = diagnosed(root, "genimage")
    assert [(row.label, row.name) for row in diagnosis.rows] == [(0, "nature-adm"), (1, "adm"), (1, "vqdm")]
    where, what = next(pair for pair in said(diagnosis) if "no folder" in pair[1])
    assert where == "generated vqdm"
    assert what.endswith("vqdm/val has no folder 'nature'; unpack the archive whole, or leave it out (--generators)")


def test_videos_beside_images_are_told_to_be_cut_into_frames(image_folder):
    for name in ("a.mp4", "b.txt"):
        (image_folder / "real" / "camera" / name).touch()
    (note,) = said(diagnosed(image_folder), "note")
    assert note[1].startswith(
        "files passed by, as their endings are not those of images: 1 .mp4, 1 .txt (.mp4: extract"
    )
