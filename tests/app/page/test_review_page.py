"""The review page: a key for each reading, from the first to the corrected table."""

import json

import cv2
import pytest
from browser import SCHEMES, serious_findings
from playwright.sync_api import expect

from inkwise.app import ReviewSession, create_review_app
from inkwise.batch import BatchOptions, read_rows
from inkwise.corrections import Learner, Store
from inkwise.review import ReviewedTable, ScanCrops


@pytest.fixture
def table(tmp_path, seven, number):
    """A table of readings of 7, of 714, and of a scan that has been deleted."""
    path = tmp_path / "table.jsonl"
    files = [str(tmp_path / f"{name}.png") for name in ("seven", "number", "gone")]
    for file, picture in zip(files, (seven, number, number), strict=True):
        cv2.imwrite(file, picture)
    path.write_text("".join(json.dumps(row.values) + "\n" for row in read_rows(files, BatchOptions())))
    (tmp_path / "gone.png").unlink()
    return path


@pytest.fixture
def open_review(table, start_server, database):
    """Serve a review of the table: open_review(threshold=1.0)."""
    learners = []

    def open_review(threshold=1.0):
        learners.append(Learner(database))
        session = ReviewSession(ReviewedTable(table), ScanCrops(table), threshold, learners[-1], "table")
        return start_server(create_review_app(session))

    yield open_review
    for learner in learners:
        learner.close()


@pytest.fixture
def review(open_review):
    return open_review()


@pytest.fixture
def review_process(table, start_server, database):
    return start_server("review", table, "--threshold", "1", "--database", database)


def progress(page, text):
    expect(page.locator("#progress-text")).to_have_text(text)


def test_review_continues_after_a_kill(review_process, browse, table):
    review = review_process
    page = browse(review.url)
    progress(page, "0 of 3 confirmed")
    expect(page.locator("#guess")).to_have_text("7")
    expect(page.locator("#crop")).not_to_have_js_property("naturalWidth", 0)
    page.keyboard.press("1")
    progress(page, "1 of 3 confirmed")
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
    progress(page, "2 of 3 confirmed")
    expect(page.locator("#no-crop")).to_contain_text("gone.png: is missing")
    review.kill()
    review.start()
    page.reload()
    progress(page, "2 of 3 confirmed")
    with page.expect_response("**/api/review/2"):
        page.keyboard.press("n")
    expect(page.locator("#done-text")).to_contain_text("No doubtful reading is left")
    with page.expect_download() as download:
        page.click("text=CSV")
    lines = download.value.path().read_text().splitlines()[1:]
    assert [line.split(",")[2] for line in lines] == ["7", "774", ""]
    with Store.open(review.database) as store:
        assert sorted(sample.label for sample in store.samples(writer="table")) == [*"4777"]


def test_answer_of_another_length_is_pointed_out(review, browse):
    page = browse(review.url)
    expect(page.locator("#guess")).to_have_text("7")
    page.keyboard.press("7")
    expect(page.locator("#text")).to_have_value("714")
    page.keyboard.type("77")
    page.keyboard.press("Enter")
    expect(page.locator("#toast")).to_contain_text("saved as 77: 2 digits, where 3 were read")
    page.click("#toast button")
    expect(page.locator("#text")).to_have_value("77")


def test_review_proposes_the_ink_not_the_constraint(open_review, table, browse):
    one, other, _ = [json.loads(line) for line in table.read_text().splitlines()]
    one |= {"text": "1", "unconstrained": "7", "reason": None}
    one["numbers"][0]["text"] = one["numbers"][0]["digits"][0]["label"] = "1"
    refused = other["numbers"][0]["digits"][1]
    refused |= {"label": "9", "accepted": False, "doubt": "not a digit"}
    other["numbers"][0] |= {"text": "7?4", "accepted": False}
    other |= {"text": "7?4", "accepted": False, "reason": "1 of 3 not sure enough to be accepted"}
    table.write_text("".join(json.dumps(row) + "\n" for row in (one, other)))
    page = browse(open_review().url)
    expect(page.locator("#guess")).to_have_text("7")
    expect(page.locator("#digits .chosen")).to_have_text("7")
    expect(page.locator("#reason")).to_have_text("the constraint makes it 1")
    page.keyboard.press("Enter")
    expect(page.locator("#text")).to_have_value("7?4")
    page.keyboard.press("Enter")
    expect(page.locator("#error")).to_contain_text("? is not a digit")
    page.keyboard.type("1")
    with page.expect_response("**/api/review/1"):
        page.keyboard.press("Enter")
    progress(page, "2 of 2 confirmed")
    kept = table.with_name("table.jsonl.review").read_text()
    assert [json.loads(line)["text"] for line in kept.splitlines()] == ["7", "714"]


def test_single_non_digit_has_no_label_preselected(open_review, table, browse):
    row = json.loads(table.read_text().splitlines()[0])
    row["numbers"][0]["digits"][0] |= {"accepted": False, "doubt": "not a digit"}
    row["numbers"][0] |= {"text": "?", "accepted": False}
    row |= {"text": "?", "accepted": False, "reason": "not a digit"}
    table.write_text(json.dumps(row) + "\n")
    page = browse(open_review().url)
    expect(page.locator("#guess")).to_have_text("?")
    expect(page.locator("#digits .chosen")).to_have_count(0)
    page.keyboard.press("Enter")
    expect(page.locator("#error")).to_contain_text("? is not a digit")
    page.keyboard.press("7")
    progress(page, "1 of 1 confirmed")


def test_lower_threshold_shortens_the_queue(review, browse):
    page = browse(review.url)
    progress(page, "0 of 3 confirmed")
    page.locator("#threshold").fill("0")
    expect(page.locator("#done-text")).to_contain_text("No reading is doubtful")
    page.locator("#threshold").fill("100")
    expect(page.locator("#guess")).to_have_text("7")


def test_threshold_finer_than_the_slider_is_shown(open_review, browse):
    page = browse(open_review(threshold=0.995).url)
    expect(page.locator("#threshold-shown")).to_have_text("99.5 %")
    page.locator("#threshold").fill("29")
    expect(page.locator("#threshold-shown")).to_have_text("29 %")


def test_skipped_readings_come_again(review, browse):
    page = browse(review.url)
    progress(page, "0 of 3 confirmed")
    page.keyboard.press("7")
    expect(page.locator("#text")).to_have_value("714")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#done-text")).to_contain_text("2 were skipped")
    page.click("#skip")
    progress(page, "1 of 3 confirmed")
    expect(page.locator("#text")).to_have_value("714")


def test_review_works_by_touch(review, browse):
    page = browse(review.url, viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True)
    page.tap('#digits [data-label="9"]')
    progress(page, "1 of 3 confirmed")
    page.tap("#none")
    page.tap("#right")
    progress(page, "3 of 3 confirmed")
    page.tap("#back")
    expect(page.locator("#text")).to_have_value("714")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_answer_that_cannot_be_saved_is_shown_again(review_process, browse):
    review = review_process
    page = browse(review.url)
    progress(page, "0 of 3 confirmed")
    review.kill()
    page.keyboard.press("1")
    expect(page.locator("#error")).to_contain_text("does not answer")
    progress(page, "0 of 3 confirmed")
    expect(page.locator("#guess")).to_have_text("7")
    review.start()


def test_two_servers_review_one_table(open_review, table, browse):
    pages = [browse(open_review().url) for _ in range(2)]
    for page in pages:
        progress(page, "0 of 3 confirmed")
    with pages[0].expect_response("**/api/review/0"):
        pages[0].keyboard.press("1")
    pages[1].keyboard.press("7")
    expect(pages[1].locator("#error")).to_contain_text(
        "seven.png, page 1, 1: somebody else answered 1 meanwhile"
    )
    progress(pages[1], "1 of 3 confirmed")
    expect(pages[1].locator("#text")).to_have_value("714")
    with pages[1].expect_response("**/api/review/1"):
        pages[1].keyboard.press("Enter")
    pages[0].reload()
    progress(pages[0], "2 of 3 confirmed")
    kept = table.with_name("table.jsonl.review").read_text()
    answers = [json.loads(line)["text"] for line in kept.splitlines()]
    assert answers == ["1", "714"]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_review_has_no_serious_accessibility_finding(review, browse, scheme):
    page = browse(review.url, color_scheme=scheme)
    progress(page, "0 of 3 confirmed")
    assert serious_findings(page) == []
