"""The panel Why? of the Draw tab: it follows the drawing, and delays and moves nothing."""

import numpy as np
import pytest
from browser import SCHEMES, serious_findings
from hand import FOUR, ONE, SEVEN, A, draw, new_writer, reads, slow_down
from playwright.sync_api import expect
from test_accessibility import MEASURE_SHIFTS

COLORS = """() => {
  const { data } = $("why-ink").getContext("2d").getImageData(0, 0, 28, 28);
  return Array.from(data);
}""".replace("$(", "document.getElementById(")
MAPS = """() => Array.from(document.querySelectorAll("#why-maps canvas"), (canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return data.some((value) => value > 0);
})"""


@pytest.fixture
def opened(page):
    page.click("#why summary")
    expect(page.locator("#why-maps canvas")).to_have_count(5)
    return page


def ink(page):
    """The pixels (28, 28, 4) of the coloured ink."""
    return np.array(page.evaluate(COLORS)).reshape(28, 28, 4)


def explains(page, answer):
    expect(page.locator("#why-note")).to_contain_text(f"speaks for “{answer}”")


def test_panel_is_closed_at_first_and_remembered(page):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    expect(page.locator("#why-ink")).to_be_hidden()
    draw(page, SEVEN)
    reads(page, "7")
    assert not any("explain" in url for url in asked), "nothing is computed for a closed panel"
    page.click("#why summary")
    explains(page, "7")
    page.reload()
    explains(page, "7")
    page.click("#why summary")
    page.reload()
    reads(page, "7")
    expect(page.locator("#why-ink")).to_be_hidden()


def test_panel_follows_the_drawing(opened):
    page = opened
    expect(page.locator("#why-note")).to_contain_text("Draw something")
    draw(page, ONE)
    explains(page, "1")
    first = page.locator("#why-similar figcaption").first
    expect(first).to_contain_text("1")
    expect(first).to_contain_text("plain")
    expect(page.locator("#why-bars > :first-child")).to_have_text("1")
    expect(page.locator("#why-bars")).to_contain_text("not a digit")
    assert all(page.evaluate(MAPS))
    one = ink(page)
    assert one[..., 3].max() > 200
    blue = one[..., 2].astype(int) - one[..., 0]
    assert blue.max() > 20, "without its ink it is no digit"
    draw(page, FOUR)
    reads(page, "14")
    page.click("#chips button >> nth=1")
    explains(page, "4")
    assert not np.array_equal(ink(page), one)
    page.keyboard.press("Escape")
    expect(page.locator("#why-note")).to_contain_text("Draw something")
    assert not ink(page)[..., 3].any()
    assert not any(page.evaluate(MAPS))
    expect(page.locator("#why-similar")).not_to_contain_text("plain")


def test_own_samples_are_among_the_similar_digits(opened):
    page = opened
    draw(page, SEVEN)
    reads(page, "7")
    page.keyboard.press("Enter")
    reads(page, "")
    draw(page, SEVEN)
    expect(page.locator("#why-similar figcaption").first).to_contain_text("yours")
    new_writer(page, "otto")
    expect(page.locator("#why-similar figcaption").first).to_contain_text("plain")


def test_rejection_is_explained_as_not_a_digit(opened):
    draw(opened, A)
    explains(opened, "not a digit")
    expect(opened.locator("#why-bars > :first-child")).to_have_text("not a digit")


def test_outdated_explanation_is_dropped(opened):
    page = opened
    slow_down(page, "/api/explain", rest=0.7)
    draw(page, SEVEN)
    reads(page, "7")
    page.keyboard.press("Escape")
    draw(page, ONE)
    reads(page, "1")
    page.evaluate(
        """() => {
          window.notes = [];
          new MutationObserver(() => window.notes.push(document.getElementById("why-note").textContent))
            .observe(document.getElementById("why-note"), { childList: true });
        }"""
    )
    explains(page, "1")
    assert not any("“7”, red" in note or "for “7”" in note for note in page.evaluate("window.notes"))


def test_reading_does_not_wait_for_the_explanation(opened):
    slow_down(opened, "/api/explain", rest=3)
    draw(opened, SEVEN)
    reads(opened, "7")
    expect(opened.locator("#why-note")).to_contain_text("Draw something")


def test_click_on_the_panel_leaves_enter_to_confirm(page, server):
    draw(page, SEVEN)
    reads(page, "7")
    page.click("#why summary")
    page.keyboard.press("Enter")
    reads(page, "")
    assert server.labels() == [("7", "7")]


def test_panel_is_hidden_during_an_accuracy_test(opened):
    opened.click("#trial")
    expect(opened.locator("#trial-ask")).to_be_visible()
    expect(opened.locator("#why")).to_be_hidden()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_open_panel_has_no_serious_accessibility_finding(open_page, scheme):
    page = open_page(color_scheme=scheme)
    page.click("#why summary")
    expect(page.locator("#why-maps canvas")).to_have_count(5)
    assert serious_findings(page) == []
    draw(page, SEVEN)
    explains(page, "7")
    assert serious_findings(page) == []


@pytest.mark.parametrize("size", [(1100, 1900), (320, 2600)])
def test_drawing_shifts_nothing_with_the_open_panel(open_page, size):
    page = open_page(viewport=dict(zip(("width", "height"), size, strict=True)))
    page.click("#why summary")
    expect(page.locator("#why-maps canvas")).to_have_count(5)
    page.wait_for_timeout(300)
    page.evaluate(MEASURE_SHIFTS)
    for shape, text in ((SEVEN, "7"), (ONE, "1"), (A, "not a digit")):
        draw(page, shape)
        explains(page, text)
        page.keyboard.press("Escape")
        expect(page.locator("#why-note")).to_contain_text("Draw something")
    assert page.evaluate("window.shifts") < 0.02
    assert page.evaluate("document.documentElement.scrollWidth") == size[0]
