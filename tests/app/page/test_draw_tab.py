"""The Draw tab: drawing, correcting and undoing by mouse, keyboard and touch."""

import re

import numpy as np
import pytest
from hand import FOUR, ONE, SEVEN, THREE, A, answered, draw, new_writer, press_toast, reads, slow_down
from playwright.sync_api import expect

from inkwise.corrections import Store


def test_drawing_is_read_corrected_and_kept_after_reload(page, server):
    draw(page, THREE)
    reads(page, "3")
    expect(page.locator("#reason")).to_contain_text("sure")
    expect(page.locator("#reading")).to_have_attribute("data-latency-ms", re.compile(r"^\d"))
    page.click('#label-row [data-label="8"]')
    reads(page, "")
    answered(page, "0 of 1 right")
    assert server.labels() == [("8", "3")]
    page.reload()
    answered(page, "0 of 1 right")
    page.click("#tab-samples")
    expect(page.locator("#gallery button")).to_have_count(1)


def test_draw_tab_corrects_digits_of_a_number(page, server):
    draw(page, SEVEN, ONE, FOUR)
    reads(page, "714")
    page.click("#chips button >> nth=1")
    page.click('#label-row [data-label="2"]')
    reads(page, "724")
    assert server.labels() == [], "nothing is kept before it is said to be right"
    page.keyboard.press("Enter")
    answered(page, "2 of 3 digits right")
    answered(page, "0 of 1 numbers")
    assert server.labels() == [("7", "7"), ("2", "1"), ("4", "4")]


def test_enter_on_a_rejected_drawing_keeps_the_rejection(page, server):
    for count in (1, 2):
        draw(page, A, shake=count)
        reads(page, "not a digit")
        expect(page.locator("#reason")).to_contain_text("% sure")
        tile = page.locator('#label-row [data-label="not a digit"]')
        expect(tile).to_have_attribute("aria-pressed", "true")
        expect(tile).to_contain_text(re.compile(r"9\d(\.\d)? %|100 %"))
        page.keyboard.press("Enter")
        answered(page, f"{count} of {count} right")
        expect(page.locator("#toast")).to_contain_text("saved as not a digit")
    assert server.labels() == [("not a digit", "not a digit")] * 2
    press_toast(page)
    expect(page.locator("#toast")).to_contain_text("removed the answer not a digit")
    reads(page, "not a digit")
    page.click('#label-row [data-label="4"]')
    answered(page, "1 of 2 right")
    assert server.labels()[1] == ("4", "not a digit")


def test_digit_is_labelled_as_not_a_digit(page, server):
    draw(page, SEVEN)
    reads(page, "7")
    page.click('#label-row [data-label="not a digit"]')
    answered(page, "0 of 1 right")
    draw(page, SEVEN, ONE)
    expect(page.locator("#reading span")).to_have_count(2)
    page.click("#chips button >> nth=0")
    page.click('#label-row [data-label="not a digit"]')
    expect(page.locator("#reading span").first).to_have_text("?")
    page.keyboard.press("Enter")
    expect(page.locator("#toast")).to_contain_text("saved as ?1")
    assert [label for label, _ in server.labels()] == ["not a digit", "not a digit", "1"]


def test_draw_tab_reads_letters_if_asked(page, server):
    page.select_option("#characters", "letters")
    expect(page.locator("#hint-what")).to_have_text("Draw a character, or a word")
    draw(page, A)
    reads(page, "A")
    expect(page.locator("#label-row .label")).to_have_count(11)
    expect(page.locator("#label-row .label").first).to_have_attribute("data-label", "A")
    page.keyboard.type("r")
    answered(page, "0 of 1 right")
    assert server.labels() == [("r", "A")]
    page.reload()
    expect(page.locator("#characters")).to_have_value("letters")
    draw(page, A)
    page.select_option("#characters", "digits")
    expect(page.locator("#label-row .label")).to_have_count(11)
    expect(page.locator("#label-row .label").first).to_have_attribute("data-label", "0")
    expect(page.locator("#reading")).not_to_have_text("A")


def test_draw_tab_drops_corrections_with_their_strokes(page, server):
    draw(page, SEVEN, ONE)
    reads(page, "71")
    page.click("#chips button >> nth=1")
    page.click('#label-row [data-label="2"]')
    reads(page, "72")
    page.click("#undo")
    draw(page, ONE)
    reads(page, "71")


def test_join_toggles_between_one_character_and_digits(page, server):
    draw(page, SEVEN, ONE)
    reads(page, "71")
    page.click("#join")
    expect(page.locator("#reading span")).to_have_count(1)
    expect(page.locator("#join")).to_have_text("Read as several digits")
    page.click("#join")
    reads(page, "71")
    page.keyboard.press("Enter")
    answered(page, "2 of 2 digits right")
    expect(page.locator("#chips")).to_be_hidden()


def test_digits_of_one_stroke_are_corrected_and_kept_one_by_one(page, server):
    angles = np.linspace(0, 2 * np.pi, 25)
    zero = np.stack([80 + 40 * np.cos(angles), 120 + 60 * np.sin(angles)], 1)
    draw(
        page,
        [np.concatenate([zero, zero + np.array([95, 0])]).tolist()],
        [[(260, 60), (350, 60), (300, 180)]],
    )
    reads(page, "007")
    page.click("#chips button >> nth=1")
    page.click('#label-row [data-label="6"]')
    reads(page, "067")
    page.keyboard.press("Enter")
    answered(page, "2 of 3 digits right")
    assert server.labels() == [("0", "0"), ("6", "0"), ("7", "7")]
    with Store.open(server.database) as store:
        assert sorted((sample.label, len(sample.strokes or ())) for sample in store.samples()) == [
            ("0", 0),
            ("6", 0),
            ("7", 1),
        ]


@pytest.mark.parametrize("key", ["Enter", "7"])
def test_stroke_begun_before_the_reading_is_a_new_drawing(page, server, key):
    slow_down(page, "/api/read", rest=0.4)
    draw(page, SEVEN)
    page.keyboard.press(key)
    box = page.locator("#ink").bounding_box()
    page.mouse.move(box["x"] + 240, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + 240, box["y"] + 120, steps=8)
    answered(page, "1 of 1 right")
    assert server.labels() == [("7", "7")]
    with Store.open(server.database) as store:
        assert len(store.samples()[0].strokes) == 1
    page.mouse.move(box["x"] + 240, box["y"] + 200, steps=8)
    page.mouse.up()
    reads(page, "1")
    page.keyboard.press("Enter")
    answered(page, "2 of 2 right")
    assert server.labels() == [("7", "7"), ("1", "1")]


def test_drawing_cleared_before_its_reading_is_not_kept(page, server):
    slow_down(page, "/api/read", rest=0.3)
    draw(page, SEVEN)
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    draw(page, ONE)
    reads(page, "1")
    assert server.labels() == []


def test_toast_undo_is_all_or_nothing(page, server):
    draw(page, SEVEN, ONE, FOUR)
    reads(page, "714")
    page.keyboard.press("Enter")
    answered(page, "3 of 3 digits right")
    press_toast(page)
    answered(page, "no answers")
    reads(page, "714")
    assert server.labels() == []
    page.keyboard.press("Enter")
    answered(page, "3 of 3 digits right")
    with Store.open(server.database) as store:
        store.label(store.samples(writer="me")[0].id, "9")  # from elsewhere
    press_toast(page)
    expect(page.locator("#error")).to_contain_text("something else was done since")
    assert server.labels() == [("7", "7"), ("1", "1"), ("9", "4")]


def test_toast_undo_disappears_with_its_context(page, server):
    draw(page, SEVEN)
    reads(page, "7")
    page.keyboard.press("Enter")
    expect(page.locator("#toast button")).to_be_visible()
    new_writer(page, "Ben")
    expect(page.locator("#toast")).to_be_hidden()
    draw(page, SEVEN)
    reads(page, "7")
    page.keyboard.press("Enter")
    expect(page.locator("#toast button")).to_be_visible()
    page.click("#trial")
    expect(page.locator("#toast")).to_be_hidden()
    assert server.labels() == server.labels("Ben") == [("7", "7")]


def test_draw_tab_works_by_keyboard(page, server):
    page.keyboard.press("Tab")
    for _ in range(20):
        if page.evaluate("document.activeElement.id") == "ink":
            break
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "ink"
    page.keyboard.press("Space")
    for _ in range(16):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    reads(page, "1")
    page.keyboard.press("Enter")
    answered(page, "1 of 1 right")
    page.keyboard.press("Space")
    for _ in range(12):
        page.keyboard.press("ArrowUp")
    page.keyboard.press("Space")
    page.keyboard.press("7")
    answered(page, "1 of 2 right")
    page.keyboard.press("Backspace")
    answered(page, "1 of 1 right")
    assert server.labels() == [("1", "1")]


def test_draw_tab_works_by_touch(open_page, server):
    page = open_page(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    box = page.locator("#ink").bounding_box()
    touch = page.context.new_cdp_session(page)

    def send(kind, *points):
        where = [{"x": box["x"] + x, "y": box["y"] + y, "id": number} for number, (x, y) in enumerate(points)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": where})

    other = [(300, 60)]  # a second finger touches half-way and moves
    path = np.linspace(SEVEN[0][:-1], SEVEN[0][1:], 6).transpose(1, 0, 2).reshape(-1, 2).tolist()
    send("touchStart", path[0])
    for number, point in enumerate(path):
        if number == 6:
            send("touchStart", point, *other)
        send("touchMove", point, *[(x, y + 5 * number) for x, y in other if number >= 6])
    send("touchEnd")
    reads(page, "7")
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide == 0, "nothing sticks out at the side"
    page.wait_for_timeout(400)  # earlier taps count as part of the two-finger gesture in Chromium
    page.tap("#next")
    answered(page, "1 of 1 right")
    with Store.open(server.database) as store:
        assert len(store.samples()[0].strokes) == 1


def test_tap_after_a_quick_stroke_is_handled(open_page):
    page = open_page(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    box = page.locator("#ink").bounding_box()
    touch = page.context.new_cdp_session(page)
    for right in range(1, 5):
        for kind, place in (("touchStart", 40), ("touchMove", 70), ("touchMove", 180), ("touchEnd", None)):
            points = [] if place is None else [{"x": box["x"] + 150, "y": box["y"] + place, "id": 0}]
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        page.tap('#label-row [data-label="1"]')
        answered(page, f"{right} of {right} right")


def test_number_and_labels_fit_on_a_phone(open_page):
    page = open_page(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    small = [[[(0.55 * x, 0.55 * y) for x, y in stroke] for stroke in digit] for digit in (SEVEN, ONE, FOUR)]
    draw(page, *small)
    reads(page, "714")
    bar = page.locator("#accuracy").bounding_box()
    for label in "0123456789":
        button = page.locator(f'#label-row [data-label="{label}"]').bounding_box()
        assert button["y"] + button["height"] <= bar["y"]
    page.tap("#next")
    expect(page.locator("#toast button")).to_be_visible()
    toast = page.locator("#toast").bounding_box()
    assert toast["y"] > page.locator("#next").bounding_box()["y"] + 44
    assert toast["y"] + toast["height"] <= bar["y"]
