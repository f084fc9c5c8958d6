"""Reads the documentation: blocks of code, commands of the suite, links, and the anchors of headings."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = (
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *(ROOT / name / "README.md" for name in ("detectors", "benchmarks", "examples/results-repository")),
)
PROGRAM = ["python", "-m", "bench"]


@dataclass(frozen=True)
class Block:
    """A fenced block: its language and its text."""

    language: str
    text: str


def blocks(text: str) -> list[Block]:
    return [Block(*found) for found in re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)]


def prose(text: str) -> str:
    """What is left without fenced blocks."""
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def lines(block: Block) -> list[str]:
    """The commands of a block of bash, without comments; continued lines are one."""
    whole = block.text.replace("\\\n", " ").splitlines()
    return [line for line in whole if line.strip() and not line.startswith("#")]


def calls(line: str) -> list[list[str]]:
    """The arguments of every call of the suite in a line of bash, those in quoted commands and behind pipes, too."""
    words, found = shlex.split(line, comments=True), []
    for word in words:
        if word.startswith(" ".join(PROGRAM)) and word != line:
            found += calls(word)
    for at in range(len(words)):
        if words[at : at + 3] == PROGRAM:
            rest = words[at + 3 :]
            ends = [i for i, word in enumerate(rest) if word in ("|", ">", "&&", ";")]
            found.append(rest[: ends[0]] if ends else rest)
    return found


def commands(page: Path) -> list[list[str]]:
    """Every call of the suite on a page: in blocks of bash, in code within the text, and in the table of commands."""
    text = page.read_text(encoding="utf-8")
    in_bash = [line for block in blocks(text) if block.language == "bash" for line in lines(block)]
    found = [call for line in in_bash for call in calls(line)]
    inline = re.findall(r"(?<!`)`(python -m bench [^`]+)`", prose(text))
    found += [call for line in inline for call in calls(line)]
    if page.name == "commands.md":
        for cell in re.findall(r"^\| (`.*?`) \|", text, re.MULTILINE):
            found += [shlex.split(code) for code in re.findall(r"`([^`]+)`", cell) if "..." not in code]
    return [call for call in found if "..." not in call]


def links(text: str) -> list[str]:
    """The targets of Markdown's links and pictures that lead to files or headings."""
    targets = re.findall(r"\]\(([^)\s]+)\)", prose(text))
    return [target for target in targets if not re.match(r"[a-z]+:", target)]


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and MkDocs make them."""
    titles = re.findall(r"^#+ (.+)$", prose(page.read_text(encoding="utf-8")), re.MULTILINE)
    plain = (re.sub(r"[^\w\s-]", "", title).strip().lower() for title in titles)
    return {re.sub(r"\s", "-", title) for title in plain}
