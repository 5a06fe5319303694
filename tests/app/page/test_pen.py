"""Pens, palms and taps on the drawing area; a reload keeps the drawing; numbers corrected as text."""

import re

import pytest
from hand import ONE, SEVEN, answered, draw, reads
from playwright.sync_api import expect

TABLET = {"viewport": {"width": 800, "height": 900}, "has_touch": True}


class Hand:
    """A pen and touches on the canvas, sent as a device would."""

    def __init__(self, page):
        self.page, self.device = page, page.context.new_cdp_session(page)
        self.box = page.locator("#ink").bounding_box()

    def touch(self, kind, x=None, y=None, radius=10):
        points = [] if x is None else [self.place(x, y) | {"id": 0, "radiusX": radius, "radiusY": radius}]
        self.device.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def tap(self, x, y, radius=10):
        self.touch("touchStart", x, y, radius)
        self.touch("touchEnd")

    def pen(self, kind, x, y):
        values = {"type": kind, "pointerType": "pen", "button": "left", "buttons": 1, "clickCount": 1}
        self.device.send("Input.dispatchMouseEvent", values | self.place(x, y))

    def write(self, stroke):
        (x, y), *rest = stroke
        self.pen("mousePressed", x, y)
        for point in rest:
            self.pen("mouseMoved", *point)
        self.pen("mouseReleased", *stroke[-1])

    def place(self, x, y):
        return {"x": self.box["x"] + x, "y": self.box["y"] + y}


def strokes(page):
    page.wait_for_timeout(50)
    return page.evaluate("JSON.parse(sessionStorage.getItem('inkwise.drawing') ?? '[]').length")


def ink_at(page, x, y):
    """Whether the canvas is inked at a place, in CSS pixels."""
    page.wait_for_timeout(100)
    alpha = "([x, y]) => document.getElementById('ink').getContext('2d').getImageData(x, y, 1, 1).data[3]"
    return page.evaluate(alpha, [x, y]) > 0


def test_pen_wins_over_the_palm_that_came_first(open_page):
    page = open_page(**TABLET)
    hand = Hand(page)
    hand.touch("touchStart", 400, 250)
    hand.touch("touchMove", 404, 252)
    hand.write(SEVEN[0])
    hand.touch("touchEnd")
    reads(page, "7")
    assert strokes(page) == 1


def test_palm_adds_nothing_after_a_stroke_of_the_pen(open_page):
    page = open_page(**TABLET)
    hand = Hand(page)
    hand.write(SEVEN[0])
    hand.tap(400, 250)
    reads(page, "7")
    assert strokes(page) == 1
    page.keyboard.press("Enter")
    reads(page, "")
    hand.tap(400, 250)
    assert strokes(page) == 0


def test_wide_contact_is_a_palm_and_a_fingertip_draws(open_page):
    page = open_page(**TABLET)
    hand = Hand(page)
    hand.tap(400, 250, radius=45)
    assert strokes(page) == 0
    hand.tap(400, 250)
    assert strokes(page) == 1


def test_tap_draws_the_dot_that_is_read(page):
    box = page.locator("#ink").bounding_box()
    page.mouse.click(box["x"] + 200, box["y"] + 100)
    reads(page, "not a digit")
    assert ink_at(page, 200, 100)
    assert not ink_at(page, 230, 100)


def test_reload_keeps_the_drawing(page, server):
    draw(page, SEVEN, ONE)
    reads(page, "71")
    page.reload()
    reads(page, "71")
    page.keyboard.press("Enter")
    reads(page, "")
    assert server.labels() == [("7", "7"), ("1", "1")]
    page.reload()
    answered(page, "2 of 2 digits right")
    expect(page.locator("#hint")).to_be_visible()


@pytest.mark.parametrize("text", ["24", " 2.4 "])
def test_number_is_corrected_as_text(page, server, text):
    draw(page, SEVEN, ONE)
    reads(page, "71")
    page.fill("#other-label", "245")
    page.keyboard.press("Enter")
    expect(page.locator("#error")).to_contain_text("245 has 3 digits, but 2 were read")
    expect(page.locator("#other-label")).to_have_value("245")
    page.keyboard.press("Enter")  # it does not confirm the reading
    expect(page.locator("#other-label")).to_have_value("245")
    assert server.labels() == []
    page.fill("#other-label", text)
    page.keyboard.press("Enter")
    answered(page, "0 of 2 digits right")
    answered(page, "0 of 1 numbers")
    assert server.labels() == [("2", "7"), ("4", "1")]


def test_eraser_removes_the_strokes_that_it_touches(page, server):
    draw(page, SEVEN, ONE)
    reads(page, "71")
    page.click("#erase")
    expect(page.locator("#erase")).to_have_attribute("aria-pressed", "true")
    draw(page, [[(100, 160), (130, 120)]])
    reads(page, "1")
    page.click("#undo")
    reads(page, "71")
    page.click("#erase")
    draw(page, [[(350, 50), (350, 200)]])
    reads(page, "711")
    page.keyboard.press("Enter")
    reads(page, "")
    assert server.labels() == [("7", "7"), ("1", "1"), ("1", "1")]


def test_one_undo_restores_all_that_a_sweep_of_the_eraser_removed(page):
    draw(page, SEVEN, ONE, [[(350, 50), (350, 200)]])
    reads(page, "711")
    page.click("#erase")
    draw(page, [[(116, 120), (360, 120)]])
    expect(page.locator("#hint")).to_be_visible()
    page.click("#undo")
    reads(page, "711")


def test_corrections_do_not_move_to_other_strokes_when_one_is_erased(page):
    draw(page, SEVEN, ONE)
    reads(page, "71")
    page.click("#chips button >> nth=0")
    page.click('#label-row [data-label="2"]')
    reads(page, "21")
    page.click("#erase")
    draw(page, [[(100, 160), (130, 120)]])
    reads(page, "1")


def test_pen_width_changes_the_drawing_but_not_the_reading(page):
    draw(page, SEVEN)
    reads(page, "7")
    expect(page.locator("#reading")).to_have_attribute("data-latency-ms", re.compile(r"\d"))  # of all of it
    sure = page.inner_text("#reason")
    assert not ink_at(page, 95, 57)
    page.select_option("#pen", "1.7")
    assert ink_at(page, 95, 57)
    page.reload()
    reads(page, "7")
    expect(page.locator("#pen")).to_have_value("1.7")
    expect(page.locator("#reason")).to_have_text(sure)
