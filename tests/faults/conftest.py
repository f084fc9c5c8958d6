"""What every test of faults needs: two detectors that cost nothing, registered for it alone."""

import sys
from collections.abc import Iterator

import pytest
from started_runs import PLUGIN

from bench.cli.plugins import load_plugins
from detectors import registry


@pytest.fixture(autouse=True)
def _light_detectors(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(registry, "_registered", dict(registry._registered))
    load_plugins([PLUGIN])
    yield
    sys.modules.pop(PLUGIN.stem)
