"""The example that draws itself for a new user."""

import pytest
from browser import serious_findings
from hand import SEVEN, draw, reads
from playwright.sync_api import expect
from test_accessibility import MEASURE_SHIFTS

from inkwise.corrections import LabelledAnswer

MOTION = {"reduced_motion": "no-preference"}


@pytest.fixture
def newcomer(open_page):
    page = open_page(**MOTION)
    page.evaluate(MEASURE_SHIFTS)
    return page


def test_example_is_drawn_and_read_once_and_nothing_is_kept(newcomer, server):
    page = newcomer
    expect(page.locator("#hint-what")).to_have_text("Draw a digit, or a number")
    reads(page, "47")
    expect(page.locator("#toast")).to_contain_text("An example")
    assert page.evaluate("sessionStorage.getItem('inkwise.drawing')") in (None, "[]")
    expect(page.locator("#hint")).to_be_visible()
    reads(page, "")
    page.keyboard.press("Enter")
    assert page.evaluate("window.shifts") < 0.02
    assert server.labels() == []
    page.reload()
    expect(page.locator("#accuracy")).to_have_text("no answers yet")
    page.wait_for_timeout(2000)
    expect(page.locator("#hint")).to_be_visible()


@pytest.mark.parametrize("key", ["Enter", "4", "Backspace", "Escape", "Tab"])
def test_first_key_ends_the_example_and_saves_nothing(newcomer, server, key):
    page = newcomer
    reads(page, "4")
    page.keyboard.press(key)
    expect(page.locator("#hint")).to_be_visible()
    page.wait_for_timeout(500)
    expect(page.locator("#hint")).to_be_visible()
    reads(page, "")
    assert server.labels() == []


def test_first_stroke_replaces_the_example(newcomer, server):
    reads(newcomer, "4")
    draw(newcomer, SEVEN)
    reads(newcomer, "7")
    newcomer.keyboard.press("Enter")
    reads(newcomer, "")
    assert server.labels() == [("7", "7")]


def test_press_on_confirm_ends_the_example_and_saves_nothing(newcomer, server):
    reads(newcomer, "47")
    newcomer.mouse.move(*(newcomer.locator("#next").bounding_box()[side] + 9 for side in ("x", "y")))
    newcomer.mouse.down()
    newcomer.mouse.up()
    expect(newcomer.locator("#hint")).to_be_visible()
    newcomer.wait_for_timeout(300)
    assert server.labels() == []


def test_no_example_for_those_who_draw_at_once_or_have_samples(open_page, learner, browse, server):
    page = open_page(**MOTION)
    draw(page, SEVEN)
    page.keyboard.press("Escape")
    page.wait_for_timeout(2500)
    expect(page.locator("#hint")).to_be_visible()
    learner.keep("me", "canvas", [LabelledAnswer("7", SEVEN)])
    page = open_page(**MOTION)
    expect(page.locator("#accuracy")).not_to_have_text("accuracy unknown")
    page.wait_for_timeout(2500)
    expect(page.locator("#hint")).to_be_visible()


def test_no_example_with_reduced_motion(page):
    expect(page.locator("#accuracy")).to_have_text("no answers yet")
    page.wait_for_timeout(2500)
    expect(page.locator("#hint")).to_be_visible()


def test_help_has_no_serious_accessibility_finding_and_asks_no_other_server(page, server):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.click("#help")
    expect(page.locator("#help-dialog")).to_contain_text("It is read while you draw.")
    assert serious_findings(page) == []
    assert not [url for url in asked if not url.startswith((server.url, "data:"))]
