"""What every test of faults needs: two detectors that cost nothing, registered for the tests of its file."""

import pytest
from started_runs import PLUGIN

from bench.cli.plugins import load_plugins


@pytest.fixture(scope="module", autouse=True)
def _light_detectors() -> None:
    load_plugins([PLUGIN])
