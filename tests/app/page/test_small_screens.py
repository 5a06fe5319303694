"""Numbers of many digits, small and zoomed screens: the reading stays in view, nothing scrolls sideways."""

import pytest
from hand import FOUR, ONE, SEVEN, THREE, draw, reads
from playwright.sync_api import expect

PHONE = {"viewport": {"width": 320, "height": 640}, "has_touch": True, "is_mobile": True}
UPRIGHT = {"viewport": {"width": 390, "height": 664}, "has_touch": True, "is_mobile": True}
LANDSCAPE = {"viewport": {"width": 740, "height": 360}, "has_touch": True, "is_mobile": True}
ZOOMED = {"viewport": {"width": 550, "height": 425}, "device_scale_factor": 2}  # 1100 x 850 at 200 %


def row_of_digits(page, count):
    """Strokes of 7, 1, 4, 3, 7, ... side by side over the width of the canvas."""
    step = (page.locator("#ink").bounding_box()["width"] - 20) / count
    scale = min(step / 160, 0.6)
    shapes = [(SEVEN, 50), (ONE, 240), (FOUR, 320), (THREE, 55)]
    digits = []
    for place in range(count):
        shape, left = shapes[place % 4]
        moved = [[(scale * (x - left) + step * place + 10, scale * y) for x, y in stroke] for stroke in shape]
        digits.append(moved)
    return digits


def overlap(page, one, other):
    """Whether two elements overlap on the screen."""
    a, b = (page.locator(name).bounding_box() for name in (one, other))
    across = a["x"] < b["x"] + b["width"] and b["x"] < a["x"] + a["width"]
    return across and a["y"] < b["y"] + b["height"] and b["y"] < a["y"] + a["height"]


@pytest.mark.parametrize("count", [8, 12])
def test_long_number_keeps_the_layout(page, count):
    draw(page, SEVEN)
    reads(page, "7")
    labels = page.locator("#label-row").bounding_box()["y"]
    page.keyboard.press("Escape")
    draw(page, *row_of_digits(page, count))
    expect(page.locator("#reading span")).to_have_count(count)
    assert page.locator("#reading").bounding_box()["height"] < 110, "one line"
    assert page.locator("#chips").bounding_box()["height"] < 60, "one line"
    assert page.locator("#label-row").bounding_box()["y"] - labels < 60, "moved by the row of digits alone"


@pytest.mark.parametrize("screen", [PHONE, UPRIGHT, LANDSCAPE, ZOOMED])
@pytest.mark.parametrize("count", [1, 8])
def test_reading_stays_in_view_on_small_screens(open_page, screen, count):
    page = open_page(**screen)
    draw(page, *row_of_digits(page, count))
    expect(page.locator("#reading span")).to_have_count(count)
    reading = page.locator("#reading").bounding_box()
    assert page.evaluate("scrollY") == 0
    assert reading["y"] >= 0
    assert reading["y"] + reading["height"] <= screen["viewport"]["height"]
    assert page.evaluate("document.documentElement.scrollWidth") == screen["viewport"]["width"]
    for covered in ("#reading", "#label-row", "#next", ".foot button >> nth=0", ".foot button >> nth=1"):
        assert not overlap(page, "#accuracy", covered)


def test_upright_phone_has_all_tools_in_view(open_page):
    page = open_page(**UPRIGHT)
    draw(page, SEVEN)
    reads(page, "7")
    for name in ("undo", "clear", "erase", "pen", "characters", "next"):
        box = page.locator(f"#{name}").bounding_box()
        assert box["width"] >= 44, name
        assert box["x"] + box["width"] <= 390, name
    page.tap("#erase")
    place = page.locator("#ink").bounding_box()
    page.touchscreen.tap(place["x"] + SEVEN[0][0][0], place["y"] + SEVEN[0][0][1])
    expect(page.locator("#reading span")).to_have_count(0)


@pytest.mark.parametrize("tab", ["pictures", "samples", "progress", "models"])
def test_no_tab_scrolls_sideways_at_320_pixels(open_page, server, tab):
    page = open_page(**PHONE)
    page.click(f"#tab-{tab}")
    page.wait_for_load_state("networkidle")
    assert page.evaluate("document.documentElement.scrollWidth") == 320
