import inspect
import multiprocessing
import sys
import types
from multiprocessing import spawn

import pytest

from bench.scoring.machine.caller import SCRIPT, not_run_again


@pytest.fixture
def main(monkeypatch, tmp_path):
    """A script that has been started by its path."""
    script = tmp_path / "script.py"
    script.write_text("import bench\n")
    module = types.ModuleType("__main__")
    module.__file__, module.__spec__ = str(script), None
    monkeypatch.setitem(sys.modules, "__main__", module)
    return module


def told() -> set[str]:
    return set(SCRIPT) & set(spawn.get_preparation_data("decoder"))


def test_started_processes_are_not_told_the_script_which_stays_as_it_is(main, monkeypatch):
    monkeypatch.setattr(multiprocessing, "get_start_method", lambda: "spawn")
    assert told() == {"init_main_from_path"}
    with not_run_again():
        assert not told()
        assert inspect.getfile(main) == main.__file__  # torch looks at it when torchvision is imported
    assert told() == {"init_main_from_path"}


def test_they_are_told_it_where_they_are_forked(main, monkeypatch):
    monkeypatch.setattr(multiprocessing, "get_start_method", lambda: "fork")
    with not_run_again():
        assert told() == {"init_main_from_path"}
