"""The Pictures tab: boxes, readings, corrections."""

import re

import cv2
import pytest
from hand import SEVEN, answered, change_state, draw, reads, slow_down
from PIL import Image
from playwright.sync_api import expect


def test_pictures_tab_shows_and_corrects_readings(page, server, number, tmp_path):
    path = tmp_path / "number.png"
    cv2.imwrite(str(path), number)
    page.click("#tab-pictures")
    page.set_input_files("#file", path)
    expect(page.locator("#picture-text")).to_have_text("714")
    expect(page.locator("#stage button")).to_have_count(3)
    page.click("#stage button >> nth=1")
    page.click('#picture-labels [data-label="2"]')
    answered(page, "0 of 1 right")
    page.click("#all-right")
    answered(page, "2 of 3 right")
    assert sorted(server.labels()) == [("2", "1"), ("4", "4"), ("7", "7")]
    (tmp_path / "no.png").write_text("I am no picture")
    page.set_input_files("#file", tmp_path / "no.png")
    expect(page.locator("#error")).to_be_visible()


def test_backspace_undoes_answers_of_the_shown_picture(page, server, show_number):
    draw(page, SEVEN)
    reads(page, "7")
    page.keyboard.press("Enter")
    answered(page, "1 of 1 right")
    show_number(page)
    page.click("#stage button >> nth=1")
    page.keyboard.press("2")
    answered(page, "1 of 2 right")
    page.click("#all-right")
    answered(page, "3 of 4 right")
    page.keyboard.down("Backspace")
    for _ in range(4):
        page.keyboard.down("Backspace")  # held
    page.keyboard.up("Backspace")
    expect(page.locator("#toast")).to_have_text("removed the answer 74")
    answered(page, "1 of 2 right")
    page.keyboard.press("Backspace")
    answered(page, "1 of 1 right")
    page.keyboard.press("Backspace")
    expect(page.locator("#toast")).to_have_text("nothing left to undo in this picture")
    assert server.labels() == [("7", "7")]


def test_digit_undone_elsewhere_is_saved_again(page, server, show_number):
    show_number(page)
    page.keyboard.press("7")
    answered(page, "1 of 1 right")
    page.click("#tab-draw")
    page.keyboard.press("Backspace")
    answered(page, "no answers")
    page.click("#tab-pictures")
    page.click("#stage button >> nth=0")
    page.keyboard.press("1")
    answered(page, "0 of 1 right")
    expect(page.locator("#error")).to_be_hidden()
    assert server.labels() == [("1", "7")]


@pytest.mark.parametrize(("text", "shown"), [("7-1.4", "7-2.4"), ("-71 €\n4", "-72 €\n4")])
def test_text_keeps_its_separators(page, scans, text, shown):
    def answer(route):
        response = route.fetch()
        route.fulfill(response=response, json={**response.json(), "text": text})

    page.route("**/api/picture*", answer)
    page.click("#tab-pictures")
    page.set_input_files("#file", scans[2])
    expect(page.locator("#picture-text")).to_have_text(text)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("2")
    expect(page.locator("#picture-text")).to_have_text(shown)


def test_labels_typed_during_a_save_are_saved_in_their_order(page, server, scans):
    def doubt(route):
        response = route.fetch()
        reading = response.json()
        doubtful = [{**digit, "accepted": False} for digit in reading["digits"]]
        route.fulfill(response=response, json={**reading, "text": "???", "digits": doubtful})

    page.route("**/api/picture*", doubt)
    page.click("#tab-pictures")
    page.set_input_files("#file", scans[2])
    expect(page.locator("#picture-text")).to_have_text("???")
    slow_down(page, "/api/samples", rest=0.2)
    page.keyboard.type("123")
    answered(page, "0 of 3 right")
    assert server.labels() == [("1", "7"), ("2", "1"), ("3", "4")]


def test_labels_typed_after_one_that_cannot_be_saved_are_dropped(page, server, show_number):
    show_number(page)
    held = []
    page.route("**/api/samples", lambda route: held.append(route))
    page.keyboard.type("123")
    next_request(page, held).fulfill(status=503, json={"error": "locked"})
    expect(page.locator("#error")).to_contain_text("locked")
    page.unroute("**/api/samples")
    page.keyboard.press("7")
    answered(page, "1 of 1 right")
    assert server.labels() == [("7", "7")]


def test_picture_stays_in_view_once_it_is_corrected(page, scans):
    held = []
    page.click("#tab-pictures")
    page.route("**/api/picture*", lambda route: held.append(route))
    page.set_input_files("#file", [scans[2], scans[0]])
    next_request(page, held).continue_()
    expect(page.locator("#picture-text")).to_have_text("714")
    page.keyboard.press("ArrowRight")
    next_request(page, held).continue_()
    expect(page.locator("#picture-place")).to_have_text("1 of 2: one.tif")
    expect(page.locator('#stage [data-digit="1"]')).to_have_attribute("aria-pressed", "true")


def test_tap_selects_the_nearest_digit(open_page, show_number):
    page = open_page(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    show_number(page, beside=2400)
    page.locator("#stage").scroll_into_view_if_needed()
    boxes = [box.bounding_box() for box in page.locator("#stage .box").all()]
    assert max(box["width"] for box in boxes) < 30
    for number, box in enumerate(boxes):
        for x in (2, box["width"] / 2, box["width"] - 2):
            page.click(f"#stage .box >> nth={(number + 1) % 3}")
            page.touchscreen.tap(box["x"] + x, box["y"] + box["height"] / 2)
            expect(page.locator("#stage .box").nth(number)).to_have_attribute("aria-pressed", "true")
    first, *_, last = boxes
    for x, y, chosen in (
        (last["x"] + 80, 8, 2),
        (first["x"] - 2, -6, 0),
        (last["x"] + last["width"] + 12, 8, 2),
    ):
        page.touchscreen.tap(x, first["y"] + y)
        expect(page.locator("#stage .box").nth(chosen)).to_have_attribute("aria-pressed", "true")
    page.locator("#stage .box").nth(1).press("Enter")
    expect(page.locator("#stage .box").nth(1)).to_have_attribute("aria-pressed", "true")


def test_large_file_is_rejected_before_upload(page, tmp_path):
    change_state(page, limits={"upload_bytes": 2**20})
    page.reload()
    page.click("#tab-pictures")
    sent = []
    page.on("request", lambda request: sent.append(request.url))
    (tmp_path / "large.png").write_bytes(bytes(2**20 + 1))
    page.set_input_files("#file", tmp_path / "large.png")
    expect(page.locator("#error")).to_contain_text("large.png is larger than 1 MB")
    assert not any("/api/picture" in url for url in sent)


@pytest.fixture
def scans(number, tmp_path):
    """A PDF of two pages, a file that is no picture, and a TIFF, all of 714."""
    image = Image.fromarray(number)
    image.save(tmp_path / "scan.pdf", save_all=True, append_images=[image], resolution=200)
    (tmp_path / "no.png").write_text("I am no picture")
    image.save(tmp_path / "one.tif")
    return [tmp_path / name for name in ("scan.pdf", "no.png", "one.tif")]


def next_request(page, held):
    """The next request that a route holds."""
    while not held:
        page.wait_for_timeout(20)
    return held.pop()


def test_pages_of_a_pdf_and_a_tiff_are_shown_beside_an_error(page, scans):
    page.click("#tab-pictures")
    page.set_input_files("#file", scans)
    expect(page.locator("#picture-place")).to_have_text("3 of 3: one.tif")
    expect(page.locator("#error span")).to_have_text(re.compile("^no.png: .*is not a picture"))
    for place in ("2 of 3: scan.pdf, page 2", "1 of 3: scan.pdf, page 1"):
        page.click("#picture-back")
        expect(page.locator("#picture-place")).to_have_text(place)
        expect(page.locator("#picture-text")).to_have_text("714")
        assert page.locator("#shot").evaluate("image => image.complete && image.naturalWidth > 0")
    expect(page.locator("#queue")).to_be_hidden()


def test_reading_of_many_files_shows_its_progress_and_stops(page, scans):
    page.click("#tab-pictures")
    held = []
    page.route("**/api/picture*", lambda route: held.append(route))
    page.set_input_files("#file", [scans[2], scans[0]])
    expect(page.locator("#queue-text")).to_have_text("reading one.tif (file 1 of 2)")
    next_request(page, held).continue_()
    expect(page.locator("#queue-text")).to_have_text("reading scan.pdf (file 2 of 2)")
    assert page.locator("#queue-bar").evaluate("bar => bar.value / bar.max") == 0.5
    page.click("#queue-stop")
    expect(page.locator("#queue")).to_be_hidden()
    expect(page.locator("#picture-text")).to_have_text("714")
    expect(page.locator("#error")).to_be_hidden()


def test_sample_picture_is_read_at_one_click(page):
    page.click("#tab-pictures")
    page.click("#sample")
    expect(page.locator("#picture-text")).to_contain_text("0123456789")
