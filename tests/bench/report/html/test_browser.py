import io

import numpy as np
import pytest
from browser import browser
from PIL import Image
from report_sections import HOSTILE, made_panel, made_section
from selenium.webdriver.support.ui import Select

from bench.report.html.page import Section, write_html
from bench.results.comparison import Comparison
from bench.results.rankings import rankings_of
from bench.results.summary import summarise

BOARD = ".board:not([hidden])"

# Text against the background behind it: WCAG's ratio, for every element that has text of its own and is shown.
CONTRASTS = """
const channel = (c) => { c /= 255; return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const parse = (text) => text.match(/[\\d.]+/g).map(Number);
const behind = (element) => {
  for (let e = element; e; e = e.parentElement) {
    const colour = parse(getComputedStyle(e).backgroundColor);
    if (colour.length < 4 || colour[3] === 1) return colour;
  }
  return [255, 255, 255];
};
const found = [];
for (const element of document.querySelectorAll("body *:not(script):not(style)")) {
  const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
  if (!own || !element.checkVisibility() || element.closest(".unseen, .skip, title")) continue;
  const style = getComputedStyle(element);
  const ink = parse(element instanceof SVGElement ? style.fill : style.color);
  const [a, b] = [luminance(ink), luminance(behind(element))].sort((x, y) => y - x);
  found.push([(a + 0.05) / (b + 0.05), element.outerHTML.slice(0, 60)]);
}
return found;
"""

# Parts of names, which are texts of their own, and those of them on several lines; a browser may break at a hyphen.
PIECES = """
const texts = [...document.querySelectorAll("th bdi, td bdi")].filter((e) => e.checkVisibility())
  .flatMap((e) => [...e.childNodes]).filter((n) => n.nodeType === 3 && !/[\\s-]/.test(n.textContent));
const lines = (node) => {
  const range = document.createRange();
  range.selectNodeContents(node);
  return range.getClientRects().length;
};
return [texts.length, texts.filter((n) => lines(n) > 1).map((n) => n.textContent)];
"""

pytestmark = pytest.mark.heavy


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    target = tmp_path_factory.mktemp("report") / "report.html"
    write_html("Two made-up data sets", [made_section(), made_section(read_bytes=None)], target)
    return target


@pytest.fixture(scope="module")
def chromium():
    with browser() as found:
        yield found


def detectors(chromium):
    """Names in the first column of the table that is shown."""
    return chromium.run(
        f"return [...document.querySelectorAll('{BOARD} tbody th')].slice(0, 4).map(e => e.textContent)"
    )


def heads(chromium):
    """What assistive software is told of the columns' order."""
    table = f"document.querySelector('{BOARD} table')"
    return chromium.run(f"return [...{table}.tHead.rows[0].cells].map(e => e.getAttribute('aria-sort'))")


def test_nothing_is_logged_and_no_request_leaves_the_page(chromium, page):
    chromium.open(page)
    assert chromium.logged("browser") == []
    elsewhere = [address for address in chromium.requests() if not address.startswith("data:")]
    assert elsewhere == [page.as_uri()]


def test_the_script_runs_under_its_policy_and_another_does_not(chromium, page):
    chromium.open(page)
    assert chromium.run("return document.documentElement.classList.contains('js')")
    chromium.run(
        "const s = document.createElement('script'); s.textContent = 'window.hit = 1'; document.body.append(s)"
    )
    chromium.run("const i = new Image(); i.src = 'http://127.0.0.1:9/x.png'; document.body.append(i)")
    assert chromium.run("return window.hit") is None
    blocked = [str(entry["message"]) for entry in chromium.logged("browser")]
    assert len([message for message in blocked if "Content Security Policy" in message]) == 2


def test_a_hostile_name_stays_text(chromium, page):
    chromium.open(page)
    assert chromium.run("return document.querySelectorAll('img[onerror], img[src=x]').length") == 0
    assert chromium.run("return [...document.querySelectorAll('.path')].map(e => e.textContent)").count(HOSTILE) > 0


def test_a_heading_sorts_by_mouse(chromium, page):
    chromium.open(page)
    assert detectors(chromium) == ["good", "poor", "worst cue", "all cues together"]
    button = chromium.driver.find_element("css selector", f"{BOARD} thead th.number button")
    button.click()
    assert heads(chromium)[2] == "descending"
    assert detectors(chromium)[0] == "good"
    button.click()
    assert heads(chromium) == [None, None, "ascending", None, None]
    assert detectors(chromium)[-1] == "good"


def test_a_heading_sorts_by_keyboard(chromium, page):
    chromium.open(page)
    chromium.run(f"document.querySelector('{BOARD} .scroll').focus()")
    chromium.press("Tab")
    assert chromium.run("return document.activeElement.textContent") == "detector"
    chromium.press("Enter")
    assert heads(chromium)[0] == "ascending"
    chromium.press("Space")
    assert heads(chromium)[0] == "descending"
    assert detectors(chromium) == ["worst cue", "poor", "good", "all cues together"]
    ring = "const s = getComputedStyle(document.activeElement); return s.outlineStyle + s.outlineWidth"
    assert chromium.run(ring) == "solid2px"


def test_the_first_stop_of_the_keyboard_skips_to_the_results(chromium, page):
    chromium.open(page)
    chromium.press("Tab")
    assert chromium.run("return document.activeElement.className") == "skip"
    assert chromium.run("return document.activeElement.getBoundingClientRect().left >= 0")
    chromium.press("Enter")
    assert chromium.run("return document.activeElement.id") == "content"


def test_the_condition_and_the_metric_choose_the_table(chromium, page):
    chromium.open(page)
    Select(chromium.driver.find_element("css selector", "select")).select_by_value("jpeg:50")
    chromium.driver.find_element("css selector", "input[value='AP (real)']").click()
    shown = chromium.driver.find_elements("css selector", f"[aria-labelledby=s1-board] {BOARD}")
    assert [(e.get_attribute("data-condition"), e.get_attribute("data-metric")) for e in shown] == [
        ("jpeg:50", "AP (real)")
    ]


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_the_page_does_not_scroll_sideways(chromium, page, width):
    chromium.open(page, width)
    chromium.run("document.querySelectorAll('details').forEach(e => { e.open = true; })")
    assert chromium.run("return document.documentElement.scrollWidth") <= width


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    """A board of two detectors and 13 generators, some of long names."""
    sources = np.repeat(["camera", *(f"versatile_diffusion_of_{number}_steps" for number in range(13))], 12)
    labels = (sources != "camera").astype(int)
    scores = np.random.default_rng(0).normal(size=(2, len(labels)))
    names = ("wepe:rule=tensor_std,ratio=0.2,blocks=0-3", "community-forensics")
    panel = made_panel(dict(zip(names, scores, strict=True)), labels, sources)
    summary = summarise(panel, ["auroc"])
    target = tmp_path_factory.mktemp("wide") / "wide.html"
    write_html("Wide", [Section(Comparison("t", panel, summary, rankings=rankings_of(summary, panel)))], target)
    return target


@pytest.mark.parametrize("width", [400, 1280, 1920])
def test_a_board_of_many_generators_fits_and_no_name_breaks_inside_a_word(chromium, wide, width):
    chromium.open(wide, width)
    assert chromium.run("return document.documentElement.scrollWidth") <= width
    board = f"document.querySelector('{BOARD} .scroll')"
    assert width < 600 or chromium.run(f"return {board}.scrollWidth - {board}.clientWidth") <= 0
    pieces, broken = chromium.run(PIECES)
    assert pieces > 30
    assert broken == []


@pytest.mark.parametrize("dark", [False, True])
def test_text_is_readable(chromium, page, dark):
    chromium.open(page, dark=dark)
    chromium.run("document.querySelectorAll('details').forEach(e => { e.open = true; })")
    contrasts = chromium.run(CONTRASTS)
    assert len(contrasts) > 200
    assert [found for found in contrasts if found[0] < 4.5] == []


def test_dark_mode_is_dark(chromium, page):
    levels = []
    for dark in (False, True):
        chromium.open(page, dark=dark)
        picture = Image.open(io.BytesIO(chromium.screenshot(whole=False))).convert("L")
        levels.append(picture.getpixel((4, 4)))
    assert levels[0] > 240
    assert levels[1] < 40


def test_paper_has_everything_open_and_no_controls(chromium, page):
    chromium.open(page, dark=True)
    chromium.media("print", dark=True)
    chromium.run("dispatchEvent(new Event('beforeprint'))")
    hidden = "return [...document.querySelectorAll('%s')].filter(e => !e.checkVisibility()).length"
    assert chromium.run(hidden % ".board, .terms, .wrong li") == 0
    shown = "return [...document.querySelectorAll('form, nav, .skip')].filter(e => e.checkVisibility()).length"
    assert chromium.run(shown) == 0
    assert chromium.run("return getComputedStyle(document.documentElement).getPropertyValue('--paper')") == "#fcfbf7"
    chromium.media("screen")


def test_the_page_prints(chromium, page):
    chromium.open(page)
    pdf = chromium.pdf()
    assert pdf.startswith(b"%PDF")
    assert len(pdf) > 50_000


def test_everything_is_there_without_a_script(chromium, page, tmp_path):
    text = page.read_text(encoding="utf-8")
    bare = tmp_path / "bare.html"
    bare.write_text(text[: text.rindex("<script>")] + "</body></html>", encoding="utf-8")
    chromium.open(bare)
    assert chromium.run("return [...document.querySelectorAll('.board')].every(e => e.checkVisibility())")
    assert chromium.run("return [...document.querySelectorAll('form')].every(e => !e.checkVisibility())")
