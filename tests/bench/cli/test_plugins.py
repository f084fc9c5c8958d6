"""Detectors and data sets of others: files, and installed packages."""

import hashlib
import importlib
import re
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

import pytest

import datamodules.registry
import detectors.registry
from bench.cli.app import main
from bench.cli.plugins import load_plugins
from bench.errors import BenchError
from bench.scoring.machine import signals
from datamodules import FolderDataModule, find_dataset, register_dataset
from detectors import create_detector, list_detectors

pytestmark = pytest.mark.usefixtures("small_views")

PLUGIN = """
from torch import Tensor
from detectors import Detector, View, register

@register
class Grey(Detector):
    name, paper, passes, view = "{name}", "none", 0, View(8, "resize")

    def __init__(self, *, seed: int = 0) -> None:
        super().__init__()
        self.seed = seed

    def forward(self, images: Tensor, keys: Tensor) -> Tensor:
        return images.mean(dim=(1, 2, 3))
"""


@pytest.fixture
def registries(monkeypatch):
    """Takes back what a plugin adds."""
    monkeypatch.setattr(detectors.registry, "_registered", dict(detectors.registry._registered))
    monkeypatch.setattr(datamodules.registry, "_registered", dict(datamodules.registry._registered))
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    for name in [name for name in sys.modules if name.startswith("grey_")]:
        del sys.modules[name]


def write(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def install(folder: Path, entry: str, package: str = "grey-detectors", group: str = "fauxbench.plugins") -> None:
    """Lays a package's metadata into a folder of the search path, as an installer does."""
    write(folder / f"{package}.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: 1\n")
    write(folder / f"{package}.dist-info/entry_points.txt", f"[{group}]\n{entry}\n")


def test_a_file_registers_a_detector_once(tmp_path, registries):
    file = write(tmp_path / "grey_file.py", PLUGIN.format(name="grey-file"))
    load_plugins([file])
    load_plugins([str(file)])
    assert list_detectors()["grey-file"].__module__ == "grey_file"


@pytest.mark.heavy
def test_a_changed_file_is_another_method_and_its_scores_are_computed_again(image_folder, tmp_path, registries, capsys):
    file = write(tmp_path / "grey_edited.py", PLUGIN.format(name="grey-edited"))
    words = ["compare", "--plugin", str(file), "--detectors", "grey-edited", "--dataset", "folder"]
    words += ["--data-root", str(image_folder), "--output", str(tmp_path / "results"), "--num-workers", "0"]
    computed = []
    for text in (PLUGIN, PLUGIN, PLUGIN.replace("dim=(1, 2, 3)", "dim=(3, 2, 1)"), PLUGIN):
        write(file, text.format(name="grey-edited"))
        sys.modules.pop("grey_edited", None)
        detectors.registry._registered.pop("grey-edited", None)
        assert main(words) == 0
        computed.append(int(re.findall(r"Scored now: (\d+)", capsys.readouterr().out)[0]))
    assert computed == [36, 0, 36, 0]


def test_the_source_counts_and_not_its_place_and_the_suites_own_has_none(tmp_path, registries):
    first = write(tmp_path / "grey_here.py", PLUGIN.format(name="grey"))
    load_plugins([first])
    here = list_detectors()["grey"]()
    detectors.registry._registered.pop("grey")
    load_plugins([write(tmp_path / "there" / "grey_there.py", first.read_text())])
    there = list_detectors()["grey"]()
    assert here.source_sha256 == there.source_sha256 == hashlib.sha256(first.read_bytes()).hexdigest()
    assert here.fingerprint() == there.fingerprint()
    assert create_detector("rigid").source_sha256 is None


def test_a_file_finds_its_neighbours(tmp_path, registries):
    write(tmp_path / "grey_neighbour.py", PLUGIN.format(name="grey-neighbour"))
    load_plugins([write(tmp_path / "grey_importer.py", "import grey_neighbour")])
    assert "grey-neighbour" in list_detectors()


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "broken_name.py",
            "x = 1\nundefined",
            r"broken_name\.py cannot be loaded: NameError: .*undefined.* \(line 2\)",
        ),
        ("broken_syntax.py", "def f(:", r"broken_syntax\.py cannot be loaded: SyntaxError"),
        ("broken_exit.py", "raise SystemExit(3)", r"broken_exit\.py cannot be loaded: SystemExit: 3 \(line 1\)"),
        ("broken_import.py", "import no_such_thing", r"broken_import\.py cannot be loaded: ModuleNotFoundError"),
        ("taken_name.py", PLUGIN.format(name="rigid"), "The detector name 'rigid' is taken by Rigid"),
        ("json.py", "", r"json\.py is taken by .*json.__init__\.py: rename the file"),
        ("this.py", "", r"this\.py is taken by .*this\.py: rename the file"),
        ("plugin.txt", "", r"A plugin is a Python file with a name such as my_detector\.py, got"),
    ],
)
def test_a_broken_file_is_named(tmp_path, registries, name, text, message):
    with pytest.raises(BenchError, match=message):
        load_plugins([write(tmp_path / name, text)])


@pytest.mark.parametrize("group", ["fauxbench.plugins", "aigi_bench.plugins"])
def test_an_installed_package_registers_what_it_names(tmp_path, registries, group):
    sys.path.append(str(tmp_path))
    write(tmp_path / "grey_package.py", PLUGIN.format(name="grey-package"))
    install(tmp_path, "grey = grey_package", group=group)
    assert "grey-detectors" in {one.name for one in distributions()}
    load_plugins()
    assert "grey-package" in list_detectors()


@pytest.mark.parametrize("command", [["list", "detectors"], ["compare", "--detectors", "rigid"], ["data", "list"]])
def test_a_broken_package_is_one_line_that_names_it(tmp_path, registries, capsys, command):
    sys.path.append(str(tmp_path))
    install(tmp_path, "grey = no_such_module")
    importlib.invalidate_caches()
    assert main(command) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert "The plugin 'grey' of the package grey-detectors cannot be loaded: ModuleNotFoundError" in captured.err


@pytest.mark.parametrize(
    "command",
    [
        ["list", "detectors"],
        ["data", "check", "--dataset", "grey-data"],
        ["score", "images", "--detectors", "grey"],
        ["compare", "--detectors", "grey", "--dataset", "grey-data"],
        ["robustness", "--detectors", "grey", "--dataset", "grey-data", "--conditions", "jpeg:50"],
        ["audit", "--dataset", "grey-data"],
        ["pack", "--dataset", "grey-data"],
        ["probe", "--dataset", "grey-data"],
    ],
)
def test_every_command_that_resolves_names_loads_plugins_first(image_folder, monkeypatch, registries, capsys, command):
    monkeypatch.chdir(image_folder.parent)
    write(Path("grey_one.py"), PLUGIN.format(name="grey"))
    data = "from datamodules import FolderDataModule, register_dataset\n\n@register_dataset\nclass GreyData"
    write(Path("grey_two.py"), f"{data}(FolderDataModule):\n    name = 'grey-data'\n")
    words = [*command, *(["--data-root", "images", "--limit", "2"] if "--dataset" in command else [])]
    words += ["--num-workers", "0"] if command[0] not in ("list", "pack") else []
    assert main([*words, "--plugin", "grey_one.py", "grey_two.py"]) == 0, capsys.readouterr().err
    assert capsys.readouterr().out


@pytest.mark.heavy
def test_a_worker_that_is_started_afresh_finds_the_plugin(image_folder, tmp_path):
    """As on systems without fork, where classes travel to the workers by the names of their modules."""
    data = "from datamodules import FolderDataModule, register_dataset\n\n@register_dataset\nclass Data"
    write(tmp_path / "fresh_data.py", f"{data}(FolderDataModule):\n    name = 'fresh-data'\n")
    script = """
import multiprocessing, sys
from bench.cli.plugins import load_plugins
from datamodules import find_dataset
from detectors import View

if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    load_plugins(["fresh_data.py"])
    data = find_dataset("fresh-data")(sys.argv[1], num_workers=1)
    data.views = (View(8),)
    data.setup()
    print(sum(len(batch) for batch in data.test_dataloader()))
"""
    write(tmp_path / "run.py", script)
    command = [sys.executable, "run.py", str(image_folder)]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (0, "36\n"), result.stderr


def test_a_dataset_is_registered_once_and_under_a_name(registries):
    class Mine(FolderDataModule):
        name = "mine"

    assert register_dataset(Mine) is Mine
    assert find_dataset("mine") is Mine
    with pytest.raises(ValueError, match="The data set name 'mine' is taken by"):
        register_dataset(Mine)

    class Nameless(FolderDataModule):
        name = ""

    with pytest.raises(ValueError, match="states no name"):
        register_dataset(Nameless)


FAILING = """
from detectors import Detector, View, register

class Own(BaseException):
    pass

def fail():
    raise {error}

@register
class Fails(Detector):
    name, paper, view = "fails", "none", View(8, "resize")

    def __init__(self, *, seed: int = 0) -> None:
        super().__init__()
        {init}

    def forward(self, images, keys):
        {forward}
        return images.mean(dim=(1, 2, 3))

    def fingerprint(self, **run):
        {fingerprint}
        return super().fingerprint(**run)

    @property
    def passes(self):
        {passes}
        return 0
"""
PLACES = ("init", "forward", "fingerprint", "passes")


@pytest.fixture
def _heeding(monkeypatch):
    """As on the command line, where a Ctrl-C is no KeyboardInterrupt."""
    monkeypatch.setattr(signals._State, "heeded", True)


@pytest.mark.usefixtures("_heeding")
@pytest.mark.parametrize(
    ("place", "error", "told"),
    [
        ("init", "ValueError('no luck')", "ValueError: no luck (line 8)"),
        ("forward", "KeyboardInterrupt", "KeyboardInterrupt (line 8)"),
        ("forward", "Own('x')", "Own: x (line 8)"),
        ("fingerprint", "GeneratorExit", "GeneratorExit (line 8)"),
        ("passes", "SystemExit(3)", "SystemExit: 3 (line 8)"),
        ("passes", "KeyboardInterrupt", "KeyboardInterrupt (line 8)"),
    ],
)
def test_a_plugin_that_raises_anything_anywhere_is_one_line_with_its_file(
    image_folder, tmp_path, registries, capsys, place, error, told
):
    places = {name: "fail()" if name == place else "pass" for name in PLACES}
    file = write(tmp_path / "grey_failing.py", FAILING.format(error=error, **places))
    words = ["--dataset", "folder", "--data-root", str(image_folder), "--limit", "1", "--num-workers", "0"]
    words += ["--accelerator", "cpu", "--output", str(tmp_path / "results"), "--plugin", str(file)]
    assert main(["compare", "--detectors", "fails", *words]) == 2
    printed, complained = capsys.readouterr()
    assert printed == ""
    assert complained.count("\n") == 1
    assert f"The plugin {file} failed: {told}" in complained


@pytest.mark.usefixtures("_heeding")
@pytest.mark.parametrize("error", ["KeyboardInterrupt", "GeneratorExit", "type('Own', (BaseException,), {})"])
def test_a_plugin_that_raises_anything_when_it_is_loaded_is_one_line(tmp_path, registries, capsys, error):
    file = write(tmp_path / "grey_loading.py", f"raise {error}")
    assert main(["list", "detectors", "--plugin", str(file)]) == 2
    complained = capsys.readouterr().err
    assert complained.startswith(f"error: The plugin {file} cannot be loaded: ")
    assert complained.endswith("(line 1).\n")


def test_a_ctrl_c_is_no_failure_of_a_plugin(tmp_path, registries):
    """Of a Python program, and of the command line, where it is an exception of its own."""
    file = write(tmp_path / "grey_stopped.py", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        load_plugins([file])
    file = write(tmp_path / "grey_told.py", "from bench.scoring.machine.signals import Stopped\nraise Stopped")
    with pytest.raises(signals.Stopped):
        main(["list", "detectors", "--plugin", str(file)])


@pytest.mark.heavy
def test_a_detector_that_does_not_say_its_passes_is_not_known_and_never_a_number(
    image_folder, tmp_path, registries, capsys
):
    text = PLUGIN.format(name="grey").replace("passes, ", "").replace("0, View", "View")
    file = write(tmp_path / "grey_silent.py", text)
    load_plugins([file])
    assert create_detector("grey").passes is None
    assert main(["list", "detectors", "--long"]) == 0
    assert "Cost per image, in passes: not known" in capsys.readouterr().out
    words = ["--dataset", "folder", "--data-root", str(image_folder), "--limit", "2", "--num-workers", "0"]
    words += ["--accelerator", "cpu", "--output", str(tmp_path / "results")]
    assert main(["compare", "--detectors", "grey", "rigid", "--dry-run", *words]) == 0
    assert "Passes not known: grey." in capsys.readouterr().out
    assert main(["compare", "--detectors", "grey", "rigid", *words, "--html", str(tmp_path / "page.html")]) == 0
    assert "not known" in (tmp_path / "page.html").read_text()
