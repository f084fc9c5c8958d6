"""Makes the README's pictures from a real run on the demo: ``make pictures``.

The run has the README's own command and fixed settings, in an empty folder: its output at 80 columns becomes the
terminal's picture, and the first screen of its page, in headless Chromium, the other one.
"""

import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from PIL import Image
from rich.console import Console
from rich.text import Text

from bench.errors import BenchError

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "pictures"
COMMAND = ("python", "-m", "bench", "compare", "--detectors", "wepe", "rigid", "--html", "report.html")
PAGE = COMMAND[-1]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
COLUMNS, MOST_LINES = 80, 40
WINDOW, COLOURS = (1280, 1080), 64
LARGEST = 200_000
"""Bytes of a picture."""


def main() -> int:
    """Makes both pictures."""
    try:
        for file in make_pictures(FOLDER):
            print(f"Written: {file} ({file.stat().st_size:,} bytes).")
    except BenchError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def make_pictures(folder: Path, command: Sequence[str] = COMMAND) -> tuple[Path, Path]:
    """Runs the command and makes a picture of its output and one of its page.

    Raises:
        BenchError: There is no Chromium, the run fails, or a picture is too large.
    """
    browser = find_browser()
    with tempfile.TemporaryDirectory() as place:
        output = run(command, Path(place))
        terminal = terminal_svg(f"$ {' '.join(command)}\n{output}").encode()
        page = page_png(Path(place) / PAGE, browser)
    folder.mkdir(parents=True, exist_ok=True)
    files = {folder / "terminal.svg": terminal, folder / "page.png": page}
    for file, data in files.items():
        if len(data) > LARGEST:
            raise BenchError(f"{file.name} has {len(data):,} bytes, more than {LARGEST:,}.")
    for file, data in files.items():
        file.write_bytes(data)
    terminal_file, page_file = files
    return terminal_file, page_file


def find_browser() -> str:
    """Finds Chromium.

    Raises:
        BenchError: There is none.
    """
    browser = next((found for found in map(shutil.which, BROWSERS) if found), None)
    if browser is None:
        raise BenchError("There is no Chromium for the picture of the page: apt-get install chromium, for instance.")
    return browser


def run(command: Sequence[str], folder: Path) -> str:
    """Runs a command of the suite in a folder, and returns what it prints, with its colours.

    Raises:
        BenchError: It fails.
    """
    environment = {**os.environ, "COLUMNS": str(COLUMNS), "FORCE_COLOR": "1", "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        [sys.executable, *command[1:]], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if ended.returncode:
        raise BenchError(f"{' '.join(command)} failed: {ended.stderr.strip().splitlines()[-1:]}")
    return ended.stdout


def terminal_svg(text: str) -> str:
    """Draws what a terminal shows, as far as it fits; the drawing asks for no font from the network."""
    lines = text.rstrip("\n").split("\n")
    shown = lines if len(lines) <= MOST_LINES else [*lines[: MOST_LINES - 1], "..."]
    console = Console(file=io.StringIO(), width=COLUMNS, record=True, force_terminal=True, color_system="truecolor")
    console.print(Text.from_ansi("\n".join(shown)), soft_wrap=False, highlight=False)
    svg = console.export_svg(title="fauxbench", unique_id="terminal")
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)


def page_png(page: Path, browser: str) -> bytes:
    """Takes the first screen of a page, in few colours.

    Raises:
        BenchError: The browser makes no picture.
    """
    target = page.with_suffix(".png")
    arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-color-profile=srgb"]
    size = ",".join(map(str, WINDOW))
    ended = subprocess.run(
        [browser, *arguments, f"--window-size={size}", f"--screenshot={target}", page.resolve().as_uri()],
        capture_output=True,
        text=True,
        check=False,
    )
    if not target.is_file():
        raise BenchError(f"{browser} made no picture of the page: {ended.stderr.strip().splitlines()[-1:]}")
    few = Image.open(target).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    packed = io.BytesIO()
    few.save(packed, "PNG", optimize=True)
    return packed.getvalue()


if __name__ == "__main__":
    sys.exit(main())
