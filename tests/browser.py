"""Chromium for the tests of pages, a plugin of pytest."""

import shutil

import pytest
from extras import lacking


@pytest.fixture(scope="session")
def chromium():
    """One browser for all tests; without Chromium they are skipped."""
    from playwright.sync_api import expect, sync_playwright

    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        lacking("no Chromium on this machine: the page is tested in it (Debian: apt-get install chromium)")
    expect.set_options(timeout=20_000)  # for a busy machine
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-background-networking", "--disable-component-update"]
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        yield browser
        browser.close()


DEFAULTS = {"viewport": {"width": 1100, "height": 900}, "reduced_motion": "reduce"}
"""Options of a browser context: nothing moves by itself, neither does the app's example."""


@pytest.fixture
def browse(chromium):
    """Open an address in a browser context of its own; a script error fails the test."""
    contexts, errors = [], []

    def browse(url, **options):
        contexts.append(chromium.new_context(**DEFAULTS | options))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(url)
        return page

    yield browse
    for context in contexts:
        context.close()
    assert not errors


SCHEMES = ("light", "dark")
"""Colour schemes of the pages."""


def serious_findings(page):
    """What axe-core finds on a page that is serious or critical: rule and element of each."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [
        (rule["id"], element["target"], element["html"][:100])
        for rule in found
        if rule["impact"] in ("serious", "critical")
        for element in rule["nodes"]
    ]


def drag_on_form(page, start, end):
    """Drag the mouse between two points of the form that an editor of forms shows, 840 pixels wide."""
    from playwright.sync_api import expect

    expect(page.locator("#page image")).to_be_visible()
    box = page.locator("#page").bounding_box()
    scale = box["width"] / 840
    (x, y), (to_x, to_y) = ((box["x"] + px * scale, box["y"] + py * scale) for px, py in (start, end))
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move((x + to_x) / 2, (y + to_y) / 2)
    page.mouse.move(to_x, to_y)
    page.mouse.up()
