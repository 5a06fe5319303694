"""Answers on the page: learnt, kept once, never lost; accuracy tests."""

import re
import sqlite3
import time
from contextlib import closing

import pytest
from hand import ONE, SEVEN, THREE, A, answered, draw, lose_a_reply, reads, slow_down
from playwright.sync_api import expect


def test_five_examples_teach_a_letter(page, server):
    for number in range(5):
        draw(page, A, shake=1 + number / 10)
        expect(page.locator("#reading")).not_to_be_empty()
        if page.locator("#chips").is_visible():
            page.click("#join")
        page.fill("#other-label", "A")
        page.keyboard.press("Enter")
        expect(page.locator("#accuracy")).to_contain_text(f"of {number + 1} right")
    draw(page, A, shake=2)
    expect(page.locator('#label-row [data-label="A"]')).to_be_visible()
    reads(page, "A")
    assert {label for label, _ in server.labels()} == {"A"}


def test_corrections_change_the_next_reading_on_the_page(page):
    for number in range(4):
        draw(page, SEVEN, shake=1 + number / 10)
        expect(page.locator("#reading")).not_to_be_empty()
        page.click('#label-row [data-label="1"]')
        answered(page, f"of {number + 1} right")
    draw(page, SEVEN, shake=2)
    reads(page, "1")


def test_two_tabs_keep_answers_at_once(open_page, server):
    tabs = [open_page(), open_page()]
    moment = time.time() + 5  # time at which both answers are sent
    for tab, digit, text in zip(tabs, (SEVEN, THREE), "73", strict=True):
        draw(tab, digit)
        reads(tab, text)
        slow_down(tab, "/api/samples", until=moment)
    for tab in tabs:
        tab.keyboard.press("Enter")
    for tab in tabs:
        assert server.labels() == []
        expect(tab.locator("#next")).to_have_attribute("aria-busy", "true")
    for tab in tabs:
        expect(tab.locator("#reading")).to_be_empty(timeout=10_000)
    assert sorted(server.labels()) == [("3", "3"), ("7", "7")]
    for tab in tabs:
        tab.reload()
        answered(tab, "2 of 2 right")


def test_killed_server_loses_no_acknowledged_answer(browse, start_server):
    server = start_server()
    page = browse(server.url)
    draw(page, SEVEN)
    reads(page, "7")
    page.keyboard.press("Enter")
    answered(page, "1 of 1 right")
    server.kill()
    assert server.labels() == [("7", "7")]
    draw(page, THREE)
    expect(page.locator("#error")).to_be_visible()
    server.start()
    draw(page, [[(250, 100), (250, 101)]])  # a dot, so that the drawing is read again
    page.click("#undo")
    reads(page, "3")
    page.keyboard.press("Enter")
    answered(page, "2 of 2 right")
    assert server.labels() == [("7", "7"), ("3", "3")]


def test_answer_sent_again_after_lost_reply_is_kept_once(page, server):
    draw(page, SEVEN, ONE)
    reads(page, "71")
    lose_a_reply(page, "/api/samples")
    page.keyboard.press("Enter")
    expect(page.locator("#error")).to_be_visible()
    assert server.labels() == [("7", "7"), ("1", "1")]
    page.click("#chips button >> nth=1")
    page.click('#label-row [data-label="2"]')
    page.keyboard.press("Enter")
    reads(page, "")
    answered(page, "1 of 2 digits right")
    assert server.labels() == [("7", "7"), ("2", "1")]


def test_page_keeps_the_drawing_after_a_database_error(page, server, tmp_path):
    with closing(sqlite3.connect(tmp_path / "taught.db", isolation_level=None)) as somebody:
        somebody.execute("BEGIN IMMEDIATE")
        draw(page, SEVEN)
        reads(page, "7")
        page.keyboard.press("Enter")
        expect(page.locator("#error")).to_contain_text("locked", timeout=15_000)
        reads(page, "7")
    page.keyboard.press("Enter")
    answered(page, "1 of 1 right")
    expect(page.locator("#error")).to_be_hidden()


def test_correction_that_cannot_be_saved_is_shown(page, server):
    draw(page, SEVEN)
    reads(page, "7")
    page.route("**/api/samples", lambda route: route.fulfill(status=503, json={"error": "locked"}))
    page.keyboard.press("1")
    expect(page.locator("#error")).to_contain_text("locked")
    reads(page, "1")
    page.unroute("**/api/samples")
    page.keyboard.press("Enter")
    answered(page, "0 of 1 right")
    assert server.labels() == [("1", "7")]


def test_number_is_undone_as_a_whole(page, server):
    draw(page, SEVEN, ONE)
    reads(page, "71")
    page.keyboard.press("Enter")
    answered(page, "2 of 2 digits right")
    page.reload()
    answered(page, "2 of 2 digits right")
    page.keyboard.press("Backspace")
    expect(page.locator("#toast")).to_have_text("removed the answer 71")
    reads(page, "71")
    assert server.labels() == []


def test_accuracy_test_undoes_no_earlier_answer(page, server):
    draw(page, SEVEN)
    reads(page, "7")
    page.keyboard.press("Enter")
    answered(page, "1 of 1 right")
    draw(page, ONE)
    page.click("#trial")
    expect(page.locator("#trial-ask")).to_contain_text("Draw a")
    for _ in range(2):
        page.keyboard.press("Backspace")
        expect(page.locator("#toast")).to_have_text("nothing left to undo in this test")
    expect(page.locator("#hint")).to_be_visible()
    assert server.labels() == [("7", "7")]


def test_page_reads_without_database_and_keeps_the_error(page, server):
    broken = {"error": "taught.db: disk I/O error"}
    page.route("**/api/state?*", lambda route: route.fulfill(status=503, json=broken))
    page.reload()
    expect(page.locator("#error")).to_contain_text("disk I/O error")
    assert page.locator("#label-row .label").all_inner_texts() == [
        *"0123456789",
        "not a digit",
    ]
    assert page.locator("#writer").input_value() == "me"
    expect(page.locator("#accuracy")).to_have_text("accuracy unknown")
    draw(page, SEVEN)
    reads(page, "7")
    expect(page.locator("#error")).to_contain_text("disk I/O error")
    page.unroute("**/api/state?*")
    page.keyboard.press("Enter")
    answered(page, "1 of 1 right")
    expect(page.locator("#error")).to_be_hidden()


def test_rejected_drawing_is_a_miss_of_the_accuracy_test(page, server):
    page.click("#trial")
    expect(page.locator("#trial-ask")).to_contain_text("Draw a")
    draw(page, A)
    page.keyboard.press("Enter")
    expect(page.locator("#trial-status")).to_contain_text("was read as not a digit")
    answered(page, "0 of 1 right")
    ((label, answer),) = server.labels()
    assert label in "0123456789"
    assert answer == "not a digit"


@pytest.mark.slow
def test_accuracy_test_ends_with_a_narrow_interval(page, server):
    page.click("#trial")
    page.select_option("#trial-width", "0.2")
    answers = 0
    while True:
        expect(page.locator("#trial-ask")).to_have_attribute("data-n", str(answers))
        if page.locator("#trial-again").is_visible():
            break
        asked = re.search(r"\d", page.inner_text("#trial-ask")).group()
        draw(page, SEVEN)
        page.keyboard.press("Enter")
        answers += 1
        answered(page, f"of {answers} right")
        assert server.labels()[-1][0] == asked
        assert answers < 100
    assert answers >= 10, "an interval as narrow takes that many even if all is right"
    page.click("#trial-leave")
    expect(page.locator("#trial-panel")).to_be_hidden()
