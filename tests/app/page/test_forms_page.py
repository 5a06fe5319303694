"""The page for forms in a browser: from the scan of an empty form to the Excel table, by a clerk."""

import re

import numpy as np
import openpyxl
import pytest
from browser import SCHEMES, drag_on_form, serious_findings
from form_paper import empty, filled, turned, write
from PIL import Image
from playwright.sync_api import expect

PHONE = {"viewport": {"width": 390, "height": 800}, "has_touch": True, "is_mobile": True}


def picture(folder, name, pixels):
    Image.fromarray(pixels).save(folder / name)
    return folder / name


@pytest.fixture
def empty_scan(tmp_path):
    return picture(tmp_path, "meter card.png", empty())


@pytest.fixture
def scans(tmp_path):
    """A picture, a PDF of two pages, a page that is no form, and a file that is no picture."""
    folder = tmp_path / "from the scanner"
    folder.mkdir()
    other = write(np.full((1100, 800), 245, np.uint8), "4711", (100, 100, 400, 80))
    first, second = (Image.fromarray(turned(filled(meter), 2)) for meter in ("314159", "271828"))
    first.save(folder / "b.pdf", save_all=True, append_images=[second])
    (folder / "d.png").write_bytes(b"nothing")
    return [
        picture(folder, "a.png", turned(filled(), -2)),
        folder / "b.pdf",
        picture(folder, "c.png", other),
        folder / "d.png",
    ]


def draw(page, start, end, name, kind, cells=None):
    """Draw a box between two points of the form, and describe its field."""
    drag_on_form(page, start, end)
    page.keyboard.type(name)
    page.select_option("#kind", kind)
    if cells:
        page.fill("#cells", cells)


def make_form(page, scan):
    """Begin a form with the scan of the empty one, and draw two fields."""
    page.set_input_files("#file", scan)
    page.wait_for_url("**/fields")
    expect(page.locator("#page image")).to_be_visible()
    draw(page, (300, 250), (600, 300), "meter", "comb", "6")
    draw(page, (300, 400), (360, 460), "code", "digit")
    expect(page.locator("#problems li")).to_have_count(0)
    page.click("#save")
    page.wait_for_url(re.compile(r"/forms/\w+$"))


def drop_files(page, *names):
    """Drop empty files on the page."""
    files = """(names) => {
        const data = new DataTransfer();
        for (const name of names) data.items.add(new File([], name));
        return data;
    }"""
    page.dispatch_event("body", "drop", {"dataTransfer": page.evaluate_handle(files, names)})


def next_step(page, text):
    expect(page.locator("#next")).to_contain_text(text)


def step(page, text):
    expect(page.locator("#steps [aria-current]")).to_have_text(text)


def settle(page, item, text):
    """Type the value of an item, and wait until it is stored."""
    expect(page.locator("#where")).to_contain_text(item)
    page.keyboard.type(text)
    with page.expect_response(lambda response: response.request.method == "PUT"):
        page.keyboard.press("Enter")


@pytest.fixture
def clerk(page):
    page.click("text=Forms")
    next_step(page, "Begin with a scan of the empty form")
    return page


def test_clerk_gets_from_an_empty_form_to_a_table(clerk, empty_scan, scans, tmp_path):
    page = clerk
    step(page, "1 Form")
    make_form(page, empty_scan)
    step(page, "3 Scans")
    next_step(page, "drop the filled scans here")
    page.set_input_files("#file", scans)
    next_step(page, "4 values to check")
    step(page, "4 Check")
    expect(page.locator("#rows tbody tr")).to_have_count(5)
    names = ["a.png", "b.pdf, page 1", "b.pdf, page 2", "c.png", "d.png"]
    for row, name in enumerate(names):
        expect(page.locator("#rows tbody th").nth(row)).to_contain_text(name)
    expect(page.locator("#rows tbody tr").nth(2).locator(".cell")).to_have_text(["271828", "3"])
    expect(page.locator("#rows .cell.current")).to_have_accessible_name("meter of c.png: nothing")
    expect(page.locator(".crop.whole img")).not_to_have_js_property("naturalWidth", 0)
    settle(page, "meter · c.png", "004711")
    settle(page, "code · c.png", "3")
    expect(page.locator("#no-crop")).to_contain_text("d.png: is not a picture")
    page.click("text=Leave this page out >> visible=true")
    next_step(page, "No doubtful value is left. Next: download")
    step(page, "5 Table")
    expect(page.locator("#done-table")).to_be_focused()
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert re.fullmatch(r"meter-card-\d{4}-\d\d-\d\d-reviewed\.xlsx", download.value.suggested_filename)
    download.value.save_as(tmp_path / "table.xlsx")
    head, *rows = openpyxl.load_workbook(tmp_path / "table.xlsx").active.values
    place = head.index("code")
    assert [(row[0], row[2], row[place]) for row in rows] == [
        ("a.png", "014752", 3),
        ("b.pdf", "314159", 3),
        ("b.pdf", "271828", 3),
        ("c.png", "004711", 3),
        ("d.png", None, None),
    ]


def test_any_cell_can_be_corrected(clerk, empty_scan, scans):
    page = clerk
    make_form(page, empty_scan)
    page.set_input_files("#file", scans[:2])
    next_step(page, "No doubtful value is left")
    page.click("[aria-label='meter of b.pdf, page 2: 271828']")
    expect(page.locator("#text")).to_have_value("271828")
    settle(page, "meter · b.pdf, page 2", "271820")
    cell = page.locator("#rows tbody tr").nth(2).locator(".cell").first
    expect(cell).to_have_text("271820")
    page.reload()
    expect(cell).to_have_text("271820")


def test_looking_at_a_sure_value_changes_nothing(clerk, empty_scan, scans):
    page = clerk
    make_form(page, empty_scan)
    page.set_input_files("#file", scans[:2])
    next_step(page, "No doubtful value is left")
    page.click("[aria-label='meter of a.png: 014752']")
    expect(page.locator("#where")).to_contain_text("meter · a.png")
    next_step(page, "No doubtful value is left")
    page.click("[aria-label='code of a.png: 3']")
    expect(page.locator("#where")).to_contain_text("code · a.png")
    expect(page.locator("#progress-text")).to_have_text("0 of 1 confirmed")
    expect(page.locator("#rows .doubtful")).to_have_count(0)
    page.click("#files summary")
    page.click("[aria-label='Remove b.pdf']")
    expect(page.locator("dialog")).to_be_visible()
    page.keyboard.press("n")
    page.keyboard.press("5")
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_have_count(0)
    expect(page.locator("#rows .settled")).to_have_count(0)
    expect(page.locator("#next-batch")).to_be_visible()


def long_stack(folder):
    """A PDF of twelve filled forms."""
    pages = [Image.fromarray(filled(f"{number:06}")) for number in range(12)]
    pages[0].save(folder / "stack.pdf", save_all=True, append_images=pages[1:])
    return folder / "stack.pdf"


def test_work_survives_a_kill(start_server, browse, empty_scan, scans, tmp_path):
    server = start_server()
    page = browse(f"{server.url}/forms")
    make_form(page, empty_scan)
    page.set_input_files("#file", [scans[0], scans[2]])
    next_step(page, "2 values to check")
    settle(page, "meter · c.png", "004711")
    server.kill()
    server.start()
    page.reload()
    next_step(page, "1 value to check")
    expect(page.locator("#rows .cell.settled")).to_have_text("004711")
    page.set_input_files("#more-files", scans[1])
    expect(page.locator("#rows tbody tr")).to_have_count(4)
    next_step(page, "1 value to check")
    page.set_input_files("#more-files", long_stack(tmp_path))
    expect(page.locator("#queue-text")).to_have_text(re.compile(r"reading: ([5-9]|1\d) of 16 pages"))
    server.kill()
    server.start()
    page.reload()
    expect(page.locator("#rows tbody tr")).to_have_count(16)
    expect(page.locator("#rows .cell.settled")).to_have_text("004711")


def test_reading_is_stopped_and_continued(clerk, empty_scan, tmp_path):
    page = clerk
    make_form(page, empty_scan)
    page.set_input_files("#file", long_stack(tmp_path))
    expect(page.locator("#queue-text")).to_have_text(re.compile(r"reading: [1-9]\d* of 12 pages"))
    page.click("#queue-stop")
    next_step(page, "1 scan is not read yet, since you stopped. Next: read the rest")
    page.reload()
    next_step(page, "1 scan is not read yet")
    page.click("#again")
    expect(page.locator("#rows tbody tr")).to_have_count(12)


def test_files_that_are_not_taken_are_named(clerk, empty_scan, scans, tmp_path):
    page = clerk
    (tmp_path / "notes.txt").write_text("x")
    page.set_input_files("#file", tmp_path / "notes.txt")
    expect(page.locator("#error")).to_contain_text("notes.txt: is not a picture")
    page.set_input_files("#file", scans[3])
    expect(page.locator("#error")).to_contain_text("d.png: is not a picture that can be read")
    drop_files(page, "one.png", "two.png")
    expect(page.locator("#error")).to_contain_text("A new form begins with one scan")
    make_form(page, empty_scan)
    page.set_input_files("#file", [tmp_path / "notes.txt", scans[0]])
    next_step(page, "No doubtful value is left")
    expect(page.locator("#error")).to_contain_text("notes.txt: is not a picture or a PDF")
    expect(page.locator("#error")).to_be_visible()
    page.set_input_files("#more-files", scans[1])
    expect(page.locator("#error")).to_be_hidden()


def test_scans_and_forms_are_deleted_after_a_question(clerk, empty_scan, scans, server):
    page = clerk
    make_form(page, empty_scan)
    page.set_input_files("#file", scans[:2])
    next_step(page, "No doubtful value is left")
    page.click("#files summary")
    page.click("[aria-label='Remove b.pdf']")
    page.click("dialog >> text=Keep")
    expect(page.locator("#scans li")).to_have_count(2)
    page.click("[aria-label='Remove b.pdf']")
    page.click("dialog >> text=Remove >> nth=-1")
    expect(page.locator("#scans li")).to_have_text(["a.pngRemove"])
    expect(page.locator("#rows tbody tr")).to_have_count(1)
    page.click("#clear")
    page.click("dialog >> text=Delete >> nth=-1")
    next_step(page, "drop the filled scans here")
    page.goto(f"{server.url}/forms")
    page.click("[aria-label='Delete meter card']")
    page.click("dialog >> text=Delete >> nth=-1")
    next_step(page, "Begin with a scan of the empty form")


def test_form_is_used_again_on_a_phone(clerk, empty_scan, scans, browse, server):
    make_form(clerk, empty_scan)
    page = browse(f"{server.url}/forms", **PHONE)
    page.tap("#forms >> text=Open")
    next_step(page, "drop the filled scans here")
    page.set_input_files("#file", scans[0])
    next_step(page, "No doubtful value is left")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.tap("#next-batch")
    page.tap("dialog >> text=Delete >> nth=-1")
    next_step(page, "drop the filled scans here")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_pages_of_forms_have_no_serious_accessibility_finding(browse, server, empty_scan, scans, scheme):
    page = browse(f"{server.url}/forms", color_scheme=scheme)
    assert serious_findings(page) == []
    make_form(page, empty_scan)
    assert serious_findings(page) == []
    page.set_input_files("#file", [scans[0], scans[2]])
    next_step(page, "2 values to check")
    assert serious_findings(page) == []
    page.click("#files summary")
    page.click("[aria-label='Remove a.png']")
    expect(page.locator("dialog")).to_be_visible()
    assert serious_findings(page) == []
    page.goto(f"{server.url}/forms")
    expect(page.locator("#forms >> text=Open")).to_be_visible()
    assert serious_findings(page) == []
