"""Names of folders, files and detectors that would act if they were printed as they are, and readers that see it."""

import csv
import html
import io
import re

from markdown_it import MarkdownIt

NAMES = (
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "\u202egnp.evil",
    "a\u200bb\u2028c",
    "\x9b2J",
    "[x](javascript:alert(1))",
    "[0.1, 0.2](javascript:alert(1))",
    "![x](http:x)",
    "<img src=x onerror=alert(1)>",
    "a|b",
    "*a* _b_ ~~c~~ `d`",
    "c\rd",
    "e\nf",
    'g"h,i',
    "=cmd()",
    "+1+cmd",
    "@SUM",
    "-2+3",
    "&lt;b&gt;",
    "www.example.org",
    "{{7*7}}",
    "%s%n",
    "[red]r",
    "$x_1$",
    "# one",
    "- two",
    "12. three",
    "x" * 200,
)
"""Each can be the name of a folder."""
_PLAIN = {"ul", "ol", "li", "table", "thead", "tbody", "tr", "th", "td", "p", "hr"} | {f"h{n}" for n in range(1, 7)}
_OURS = {"strong", "code", "em"}
"""Of sentences that are our own: a warning, a command, a word of the leaderboard's head."""


def acting(text):
    """Returns the characters of a text that a terminal would obey or not show."""
    return {letter for letter in text if letter != "\n" and not letter.isprintable()}


def rendered(text):
    """Renders Markdown as GitHub does, addresses made links: the names of tags, and the text that is seen."""
    page = MarkdownIt("gfm-like").render(text)
    seen = html.unescape(re.sub(r"<[^>]*>", "", page))
    return set(re.findall(r"<(\w+)", page)), seen


def added_tags(text):
    """Returns the tags of rendered Markdown that none of our tables and sentences has; images of ours have a file."""
    figures = r"^!\[(?:Mean AUROC under \w+|Change of mean AUROC by detector and condition)\]\(robustness-\w+\.svg\)$"
    tags, _ = rendered(re.sub(figures, "", text, flags=re.MULTILINE))
    return tags - _PLAIN - _OURS


def records(text):
    """Reads a CSV file; each record has as many cells as there are columns."""
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert all(None not in row and None not in row.values() for row in rows)
    return rows
