"""Settling what is doubtful: a key for each number, from the first to the corrected table."""

import json

import cv2
import pytest
from playwright.sync_api import expect

from inkwise.batch import BatchOptions, read_rows
from inkwise.corrections import Store


@pytest.fixture
def table(tmp_path, seven, number):
    """Of a seven, of 714, and of a scan that is not there any more."""
    path = tmp_path / "table.jsonl"
    files = [str(tmp_path / f"{name}.png") for name in ("seven", "number", "gone")]
    for file, picture in zip(files, (seven, number, number), strict=True):
        cv2.imwrite(file, picture)
    path.write_text("".join(json.dumps(row.values) + "\n" for row in read_rows(files, BatchOptions())))
    (tmp_path / "gone.png").unlink()
    return path


@pytest.fixture
def review(table, tmp_path, serve_command):
    database = f"sqlite:///{tmp_path / 'taught.db'}"
    return serve_command("review", table, "--threshold", "1", "--database", database)


def progress(page, text):
    expect(page.locator("#progress-text")).to_have_text(text)


def test_a_key_settles_each_and_it_goes_on_after_a_kill(review, browse, table):
    page = browse(review.url)
    progress(page, "0 of 3 settled")
    expect(page.locator("#guess")).to_have_text("7")
    expect(page.locator("#crop")).not_to_have_js_property("naturalWidth", 0)
    page.keyboard.press("1")
    progress(page, "1 of 3 settled")
    expect(page.locator("#text")).to_have_value("714")
    page.keyboard.press("ArrowUp")
    expect(page.locator("#guess")).to_have_text("1")
    page.keyboard.press("7")
    expect(page.locator("#text")).to_have_value("714")
    page.keyboard.type("77")
    page.keyboard.press("Escape")
    expect(page.locator("#text")).to_have_value("714")
    page.keyboard.type("774")
    with page.expect_response("**/api/review/1"):
        page.keyboard.press("Enter")
    progress(page, "2 of 3 settled")
    expect(page.locator("#no-crop")).to_contain_text("gone.png: is not there")
    review.kill()
    review.start()
    page.reload()
    progress(page, "2 of 3 settled")
    with page.expect_response("**/api/review/2"):
        page.keyboard.press("n")
    expect(page.locator("#done-text")).to_contain_text("All is settled")
    with page.expect_download() as download:
        page.click("text=CSV")
    lines = download.value.path().read_text().splitlines()[1:]
    assert [line.split(",")[2] for line in lines] == ["7", "774", ""]
    with Store.open(review.database) as store:
        assert [(sample.writer, sample.label) for sample in store.samples()] == [("table", "7")]


def test_at_a_lower_threshold_there_is_less_to_do(review, browse):
    page = browse(review.url)
    progress(page, "0 of 3 settled")
    page.locator("#threshold").fill("0")
    expect(page.locator("#done-text")).to_contain_text("Nothing is doubtful")
    page.locator("#threshold").fill("100")
    expect(page.locator("#guess")).to_have_text("7")


def test_a_threshold_finer_than_the_slider_is_told_as_it_is(table, serve_command, browse, tmp_path):
    database = f"sqlite:///{tmp_path / 'taught.db'}"
    page = browse(serve_command("review", table, "--threshold", "0.995", "--database", database).url)
    expect(page.locator("#threshold-shown")).to_have_text("99.5 %")
    page.locator("#threshold").fill("29")
    expect(page.locator("#threshold-shown")).to_have_text("29 %")


def test_what_is_skipped_is_not_settled_and_comes_again(review, browse):
    page = browse(review.url)
    progress(page, "0 of 3 settled")
    page.keyboard.press("7")
    expect(page.locator("#text")).to_have_value("714")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#done-text")).to_contain_text("2 were skipped")
    page.click("#skip")
    progress(page, "1 of 3 settled")
    expect(page.locator("#text")).to_have_value("714")


def test_on_a_phone_fingers_do_it_all(review, browse):
    page = browse(review.url, viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True)
    page.tap('#digits [data-label="9"]')
    progress(page, "1 of 3 settled")
    page.tap("#none")
    page.tap("#right")
    progress(page, "3 of 3 settled")
    page.tap("#back")
    expect(page.locator("#text")).to_have_value("714")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_what_cannot_be_kept_is_shown_again(review, browse):
    page = browse(review.url)
    progress(page, "0 of 3 settled")
    review.kill()
    page.keyboard.press("1")
    expect(page.locator("#error")).to_contain_text("does not answer")
    progress(page, "0 of 3 settled")
    expect(page.locator("#guess")).to_have_text("7")
    review.start()


def test_two_processes_review_one_table(review, table, tmp_path, serve_command, browse):
    database = f"sqlite:///{tmp_path / 'taught.db'}"
    other = serve_command("review", table, "--threshold", "1", "--database", database)
    pages = [browse(server.url) for server in (review, other)]
    for page in pages:
        progress(page, "0 of 3 settled")
    with pages[0].expect_response("**/api/review/0"):
        pages[0].keyboard.press("1")
    pages[1].keyboard.press("7")
    expect(pages[1].locator("#error")).to_contain_text(
        "seven.png, page 1, 1: somebody else answered 1 meanwhile"
    )
    progress(pages[1], "1 of 3 settled")
    expect(pages[1].locator("#text")).to_have_value("714")
    with pages[1].expect_response("**/api/review/1"):
        pages[1].keyboard.press("Enter")
    pages[0].reload()
    progress(pages[0], "2 of 3 settled")
    kept = table.with_name("table.jsonl.review").read_text()
    answers = [json.loads(line)["text"] for line in kept.splitlines()]
    assert answers == ["1", "714"]
