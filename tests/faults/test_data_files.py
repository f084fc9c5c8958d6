"""Damaged archives, lists and configurations: a command works, counts what it cannot use, or says one line."""

import io

import fake_benchmarks as fake
import numpy as np
import pytest
from made_faults import SEED, Told, assert_held, damaged, told

QUICK, MANY = 3, 100


def png(photograph, number):
    buffer = io.BytesIO()
    photograph(number, (40, 32)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def places(photograph, tmp_path):
    """Makes what the damaged file belongs to, and returns the file and the words of the commands that read it."""
    root = tmp_path / "images"
    for number in range(6):
        file = root / ("real/camera", "generated/model")[number % 2] / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(png(photograph, number))
    fast = ["--resize", "32", "--num-workers", "0", "--accelerator", "cpu"]
    detectors = ["--detectors", "light-mean", *fast]
    folder = ["--dataset", "folder", "--data-root", root]

    def npz():
        data = ["--dataset", "imagenet", "--data-root", tmp_path / "release", "--generators", "admg"]
        file = tmp_path / "release" / "admnet_guided_imagenet256.npz"
        fake.fill(tmp_path / "release" / "imagenet256" / "val", ["0.png", "1.png"], (32, 32))
        fake.save_archive(file, 6, 32, compressed=True)
        return file, file.read_bytes(), [["compare", *data, *detectors], ["data", "check", *data]]

    def tar():
        assert told(["pack", *folder, "--output", tmp_path / "packed"]).code == 0
        file = next((tmp_path / "packed").glob("*.tar"))
        data = ["--dataset", "shards", "--data-root", tmp_path / "packed"]
        return file, file.read_bytes(), [["compare", *data, *detectors], ["data", "check", *data]]

    def description():
        file, _, words = tar()
        file = file.with_name("dataset.json")
        return file, file.read_bytes(), words

    def groups():
        rows = [f"{path.relative_to(root)},prompt {number // 2}\n" for number, path in enumerate(root.rglob("*.png"))]
        content = "".join(["path,group\n", *rows]).encode()
        return root / "groups.csv", content, [["compare", *folder, *detectors], ["data", "check", *folder]]

    def config():
        file = tmp_path / "options.yaml"
        content = b"dataset: folder\nresize: 32\nlimit: 2\nconditions: [jpeg:50]\ngenerators:\n- model\nseeds: 1\n"
        return file, content, [["compare", *folder, *detectors, "--config", file]]

    return {"npz": npz, "tar": tar, "description": description, "groups": groups, "config": config}


@pytest.mark.parametrize("kind", ["npz", "tar", "description", "groups", "config"])
@pytest.mark.parametrize(
    "count",
    [
        pytest.param(QUICK, marks=pytest.mark.heavy),
        pytest.param(MANY, marks=[pytest.mark.slow, pytest.mark.timeout(1200)]),
    ],
)
def test_a_damaged_file_is_one_line_or_does_no_harm(places, tmp_path, kind, count):
    file, content, commands = places[kind]()
    file.write_bytes(content)

    def run(words, name):
        found = told([*words, "--output", tmp_path / name])
        return found.code, found.out.replace(name, "OUTPUT"), found.err.replace(name, "OUTPUT")

    whole = [run(words, "whole") for words in commands]
    assert all(code in (0, 1) for code, _, _ in whole), whole
    generator, refused, harmless = np.random.default_rng(SEED), 0, 0
    for number in range(count):
        file.write_bytes(damaged(content, generator))
        for words, before in zip(commands, whole, strict=True):
            first, second = run(words, f"first{number}"), run(words, f"second{number}")
            assert_held(Told(*first))
            assert first == second
            refused += first[0] == 2
            harmless += first == before
    print(f"{kind}: {count} files, {len(commands) * count} commands: {refused} refused, {harmless} as before")
    assert harmless < len(commands) * count  # or nothing was tried
