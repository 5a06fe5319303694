"""The exported page and the element <inkwise-pad> in Chromium, opened from files."""

import numpy as np
import pytest
from browser import SCHEMES, serious_findings
from drawings import ONE, READ, SEVEN, A, assert_read_as_python_does, hinted
from playwright.sync_api import expect

from inkwise import Recognizer
from inkwise.page_export import export_pad, export_page
from inkwise.preprocessing.strokes import strokes_to_glyph

pytestmark = pytest.mark.browser


@pytest.fixture
def open_page(tmp_path, browse):
    """Open the exported page from its file; its requests are recorded."""

    def open_page(model="tiny", **options):
        path = tmp_path / "digits.html"
        path.write_bytes(export_page(model))
        page = browse("about:blank", **options)
        page.requests = []
        page.on("request", lambda request: page.requests.append(request.url))
        page.goto(path.as_uri())
        return page

    return open_page


@pytest.fixture
def open_pad(tmp_path, browse):
    """Open a page of an app with one pad, and collect the details of its events."""

    def open_pad(attributes=""):
        (tmp_path / "inkwise-pad.js").write_bytes(export_pad("tiny"))
        path = tmp_path / "app.html"
        path.write_text(
            f"""<!doctype html><script src="inkwise-pad.js"></script>
            <inkwise-pad {attributes}>write here</inkwise-pad>
            <script>
              window.readings = [];
              document.addEventListener("reading", (event) => readings.push(event.detail));
            </script>"""
        )
        return browse(path.as_uri())

    return open_pad


def draw(page, *digits):
    """Draw strokes with the mouse."""
    box = page.locator("inkwise-pad canvas").bounding_box()
    for stroke in (stroke for digit in digits for stroke in digit):
        (x, y), *rest = [(box["x"] + x, box["y"] + y) for x, y in stroke]
        page.mouse.move(x, y)
        page.mouse.down()
        for to_x, to_y in rest:
            page.mouse.move(to_x, to_y, steps=8)
        page.mouse.up()


def last_reading(page):
    """The detail of the last event, once the frame after the last stroke has been drawn."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return page.evaluate("readings.at(-1)")


def test_page_reads_as_python_does(open_page):
    assert_read_as_python_does(open_page().evaluate(READ, hinted()))


def test_page_thickens_thin_strokes_as_python_does(open_page, monkeypatch):
    monkeypatch.setattr("inkwise.page_export.bundle.PEN_WIDTH", 1.0)
    page = open_page()
    (found,) = page.evaluate(READ, [([SEVEN[0]], "digit")])
    np.testing.assert_allclose(
        np.reshape(found["digits"][0]["glyph"], (28, 28)), strokes_to_glyph(SEVEN, 1.0), atol=1
    )


def test_page_runs_models_with_float16_weights(open_page):
    page = open_page("letters")
    recognizer = Recognizer("letters", threads=1)
    for strokes, found in zip((SEVEN, A), page.evaluate(READ, [(SEVEN, "digit"), (A, "digit")]), strict=True):
        wanted = recognizer.read_strokes(strokes, expect="digit")
        assert found["text"] == wanted.text
        assert found["confidence"] == pytest.approx(wanted.confidence, abs=1e-4)


def test_page_shows_digits_and_refusals_and_makes_no_request(open_page):
    page = open_page()
    reading, best = page.locator("#reading"), page.locator("#probabilities .best")
    draw(page, SEVEN)
    expect(reading).to_have_text("7")
    expect(page.locator("#reason")).to_contain_text("% sure")
    expect(best).to_have_text("7")
    draw(page, ONE)
    expect(reading).to_have_text("71")
    expect(best).to_have_text("1")
    page.click("#chips button:first-child")
    expect(best).to_have_text("7")
    page.get_by_role("button", name="Clear").click()
    expect(reading).to_have_text("")
    draw(page, A)
    expect(reading).to_have_text("not a digit")
    expect(best).to_have_text("not a digit")
    assert page.requests == [page.url]


def test_page_shows_the_feature_maps_of_each_layer(open_page):
    page = open_page()
    painted = """() => [...document.querySelectorAll("#maps canvas")].map((canvas) =>
      canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.some(Boolean))"""
    assert page.evaluate(painted) == [False] * 5
    draw(page, SEVEN)
    expect(page.locator("#reading")).to_have_text("7")
    assert page.evaluate(painted) == [True] * 5
    assert page.locator("#maps figcaption").first.inner_text() == "layer 1: 12 maps of 14 × 14"


@pytest.mark.parametrize("scheme", SCHEMES)
def test_page_has_no_serious_accessibility_finding(open_page, scheme):
    page = open_page(color_scheme=scheme)
    assert serious_findings(page) == []
    draw(page, SEVEN)
    expect(page.locator("#reading")).to_have_text("7")
    assert serious_findings(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_fits_a_phone(open_page, scheme):
    page = open_page(viewport={"width": 320, "height": 640}, color_scheme=scheme)
    draw(page, SEVEN)
    assert page.evaluate("document.documentElement.scrollWidth") == 320


def test_pad_reports_readings_while_a_stroke_is_drawn(open_pad):
    page = open_pad()
    box = page.locator("inkwise-pad canvas").bounding_box()
    page.mouse.move(box["x"] + 50, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + 140, box["y"] + 50, steps=5)
    assert last_reading(page)["drawing"]
    page.mouse.move(box["x"] + 90, box["y"] + 200, steps=5)
    page.mouse.up()
    reading = last_reading(page)
    assert (reading["text"], reading["accepted"], reading["drawing"]) == ("7", True, False)
    assert reading["confidence"] > 0.9
    assert reading["digits"][0]["label"] == "7"
    assert reading["strokes"][0][0] == [50, 50]


def test_pad_undoes_clears_and_takes_strokes(open_pad):
    page = open_pad()
    draw(page, SEVEN, ONE)
    assert last_reading(page)["text"] == "71"
    page.keyboard.press("Tab")
    page.keyboard.press("Backspace")
    assert last_reading(page)["text"] == "7"
    page.keyboard.press("Escape")
    assert last_reading(page)["reason"] == "no ink was found"
    page.evaluate("(strokes) => (document.querySelector('inkwise-pad').strokes = strokes)", SEVEN)
    assert last_reading(page)["text"] == "7"


@pytest.mark.parametrize(
    ("attributes", "text", "reason"),
    [
        ('expect="number"', "71", None),
        ('expect="number" length="2"', "71", None),
        ('expect="number" length="1-4"', "71", None),
        ('length="3"', "71", "2 digits, 3 expected"),
        ('length="3-4"', "71", "2 digits, 3 to 4 expected"),
    ],
)
def test_pad_reads_what_is_expected(open_pad, attributes, text, reason):
    page = open_pad(attributes)
    draw(page, SEVEN, ONE)
    reading = last_reading(page)
    assert (reading["text"], reading["reason"], reading["accepted"]) == (text, reason, reason is None)


@pytest.mark.parametrize("attributes", ['expect="digit"', 'length="1"'])
def test_pad_reads_all_strokes_as_one_digit(open_pad, attributes):
    page = open_pad(attributes)
    draw(page, SEVEN, ONE)
    assert len(last_reading(page)["digits"]) == 1
