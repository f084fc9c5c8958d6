"""A headless Chromium for the tests of pages; those tests are skipped where there is none."""

import base64
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.keys import Keys

from tools.pictures import BROWSERS as NAMES


@contextmanager
def browser() -> Iterator["Browser"]:
    """Starts Chromium, and ends it."""
    program = next((found for found in map(shutil.which, NAMES) if found), None)
    driver = shutil.which("chromedriver")
    if program is None or driver is None:
        pytest.skip(f"needs Chromium ({', '.join(NAMES)}) and chromedriver: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    chrome = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    try:
        yield Browser(chrome)
    finally:
        chrome.quit()
        chrome.service.stop()


class Browser:
    """A page in Chromium.

    Args:
        driver: What steers it.
    """

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def open(self, page: Path, width: int = 1280, height: int = 900, dark: bool = False) -> None:
        """Opens a file in a window of a size in CSS pixels; what was logged before is forgotten."""
        self.driver.get("about:blank")
        self.logged("performance")
        self.logged("browser")
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self._command("Emulation.setDeviceMetricsOverride", **size)
        self.media("screen", dark)
        self.driver.get(page.resolve().as_uri())

    def media(self, kind: str, dark: bool = False) -> None:
        """Shows the page as on a screen or on paper (``print``)."""
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self._command("Emulation.setEmulatedMedia", media=kind, features=scheme)

    def run(self, script: str, *arguments: object) -> object:
        """Runs JavaScript in the page."""
        return self.driver.execute_script(script, *arguments)

    def press(self, key: str) -> None:
        """Presses a key: ``Tab``, ``Enter`` or ``Space``."""
        keys = {"Tab": Keys.TAB, "Enter": Keys.ENTER, "Space": Keys.SPACE}
        webdriver.ActionChains(self.driver).send_keys(keys[key]).perform()

    def logged(self, kind: str) -> list[dict[str, object]]:
        """Returns what a log of the browser has got since it was last asked for."""
        return list(self.driver.get_log(kind))

    def requests(self) -> list[str]:
        """Returns the addresses that were asked for since the page was opened."""
        messages = [json.loads(str(entry["message"]))["message"] for entry in self.logged("performance")]
        return [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]

    def pdf(self) -> bytes:
        """Prints the page."""
        return base64.b64decode(self._command("Page.printToPDF", printBackground=True)["data"])

    def screenshot(self, whole: bool = True) -> bytes:
        """Returns a picture of the page as PNG."""
        return base64.b64decode(
            self._command("Page.captureScreenshot", captureBeyondViewport=whole, **self._clip(whole))["data"]
        )

    def _clip(self, whole: bool) -> dict[str, object]:
        if not whole:
            return {}
        size = self._command("Page.getLayoutMetrics")["cssContentSize"]
        return {"clip": {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}}

    def _command(self, name: str, **parameters: object) -> dict[str, object]:
        return self.driver.execute_cdp_cmd(name, parameters)
