"""The form editor in a browser: boxes are drawn, named, moved, resized, undone and saved."""

import pytest
from browser import SCHEMES, drag_on_form, serious_findings
from form_paper import empty
from PIL import Image
from playwright.sync_api import expect

from inkwise.app import FormEditor, create_editor_app
from inkwise.forms import FormTemplate

PHONE = {"viewport": {"width": 390, "height": 800}, "has_touch": True, "is_mobile": True}


@pytest.fixture
def scan(tmp_path):
    Image.fromarray(empty()).save(tmp_path / "card.png")
    return tmp_path / "card.png"


@pytest.fixture
def open_editor(scan, start_server):
    return lambda: start_server(create_editor_app(FormEditor(scan)))


@pytest.fixture
def editor(open_editor):
    return open_editor()


def boxes(page):
    return page.locator("#boxes .place-box")


def saved(page, scan):
    page.click("#save")
    expect(page.locator("#saved")).to_have_text("saved as card.yaml")
    return FormTemplate.read(scan.with_name("card.yaml")).fields


def near(box, wanted):
    return all(abs(one - other) <= 2 for one, other in zip(box, wanted, strict=True))


def test_editor_shows_problems_while_drawing(editor, browse, scan):
    page = browse(editor.url)
    drag_on_form(page, (300, 250), (600, 300))
    page.keyboard.type("meter")
    page.select_option("#kind", "comb")
    expect(page.locator("#problems")).to_contain_text("field 'meter': cells: expected a number from 1 to")
    page.fill("#cells", "6")
    expect(page.locator("#problems li")).to_have_count(0)
    expect(page.locator("#boxes line")).to_have_count(5)
    drag_on_form(page, (300, 400), (360, 460))
    page.keyboard.type("meter")
    expect(page.locator("#problems")).to_contain_text("2 columns have this name")
    page.fill("#field-name", "code")
    page.select_option("#kind", "digit")
    page.click("#known summary")
    page.fill("#range", "5-1")
    expect(page.locator("#problems")).to_contain_text("the minimum, 5, is larger than the maximum, 1")
    page.click("#save")
    expect(page.locator("#error")).to_contain_text("field 'code'")
    assert not scan.with_name("card.yaml").exists()
    page.fill("#range", "1-5")
    expect(page.locator("#problems li")).to_have_count(0)
    meter, code = saved(page, scan)
    assert (meter.name, meter.kind, meter.cells, code.name, code.kind) == (
        "meter",
        "comb",
        6,
        "code",
        "digit",
    )
    assert near(meter.box, (300, 250, 300, 50))
    assert code.constraint.range == (1, 5)
    again = browse(editor.url)
    expect(boxes(again)).to_have_count(2)


def test_editor_moves_resizes_deletes_and_undoes(editor, browse, scan):
    page = browse(editor.url)
    drag_on_form(page, (300, 250), (500, 300))
    drag_on_form(page, (400, 275), (450, 375))  # moved by 50, 100
    drag_on_form(page, (550, 400), (600, 450))  # its corner
    (field,) = saved(page, scan)
    assert near(field.box, (350, 350, 250, 100))
    page.click("#add")
    expect(boxes(page)).to_have_count(2)
    page.click("#undo")
    page.locator("#boxes .place-box").click()
    page.keyboard.press("Delete")
    expect(boxes(page)).to_have_count(0)
    page.keyboard.press("Control+z")
    page.click("#undo")
    (field,) = saved(page, scan)
    assert near(field.box, (350, 350, 200, 50))


def test_editor_works_by_keyboard(editor, browse, scan):
    page = browse(editor.url)
    expect(page.locator("#page image")).to_be_visible()
    page.focus("#add")
    page.keyboard.press("Enter")
    page.keyboard.type("total")
    page.focus("#boxes .place-box")
    before = [float(page.input_value(f"#{side}")) for side in ("x", "y", "w", "h")]
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Control+s")
    expect(page.locator("#saved")).to_have_text("saved as card.yaml")
    (field,) = FormTemplate.read(scan.with_name("card.yaml")).fields
    x, y, w, h = (after - one for after, one in zip(field.box, before, strict=True))
    assert (field.name, x, h) == ("total", 0, 0)
    assert y > 0
    assert w > 0


@pytest.fixture
def phone(editor, browse):
    page = browse(editor.url, **PHONE)
    expect(page.locator("#page image")).to_be_visible()
    return page


@pytest.fixture
def touch(phone):
    """Touch the phone: touch(frames), each with the positions of all fingers relative to the form's width."""
    session = phone.context.new_cdp_session(phone)
    box = phone.locator("#page").bounding_box()

    def touch(frames):
        down = 0
        for frame in [*frames, []]:
            kind = "touchEnd" if not frame else "touchStart" if len(frame) > down else "touchMove"
            down = len(frame)
            points = [
                {"x": box["x"] + x * box["width"], "y": box["y"] + y * box["width"], "id": finger}
                for finger, (x, y) in enumerate(frame)
            ]
            session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    return touch


def test_editor_draws_by_touch(phone, touch, scan):
    touch([[(0.4, 0.4)], [(0.5, 0.43)], [(0.8, 0.5)]])
    phone.tap("#save")
    expect(phone.locator("#saved")).to_have_text("saved as card.yaml")
    (field,) = FormTemplate.read(scan.with_name("card.yaml")).fields
    assert near(field.box[::2], (0.4 * 840, 0.4 * 840))
    assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_pinch_zoom_draws_nothing(phone, touch):
    phone.tap("#add")
    handle = phone.locator(".handle").first
    before = float(handle.get_attribute("r"))
    apart = [[(0.4 - way, 0.4), (0.5 + way, 0.5)] for way in (0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3)]
    touch([[(0.45, 0.4)], [(0.42, 0.4)], *apart])
    phone.wait_for_function("visualViewport.scale > 1.5")
    expect(boxes(phone)).to_have_count(1)
    assert float(handle.get_attribute("r")) < before / 1.5  # handles keep their size on the screen


def test_change_during_saving_stays_unsaved(editor, browse):
    page = browse(editor.url)
    drag_on_form(page, (300, 250), (500, 300))
    asked = []
    page.route("**/api/form", lambda route: asked.append(route))
    with page.expect_request("**/api/form"):
        page.click("#save")
    page.fill("#field-name", "meter")
    with page.expect_response("**/api/form"):
        asked[0].continue_()
    expect(page.locator("#saved")).to_have_text("not saved yet")
    page.unroute("**/api/form")
    page.click("#save")
    expect(page.locator("#saved")).to_have_text("saved as card.yaml")


def test_two_editors_do_not_overwrite_each_other(open_editor, scan, browse):
    first, late = (browse(open_editor().url) for _ in range(2))
    drag_on_form(late, (300, 400), (360, 460))
    drag_on_form(first, (300, 250), (600, 300))
    (field,) = saved(first, scan)
    late.click("#save")
    expect(late.locator("#error")).to_contain_text("card.yaml: has changed since this page read it; reload")
    expect(boxes(late)).to_have_count(1)
    assert FormTemplate.read(scan.with_name("card.yaml")).fields == (field,)
    late.on("dialog", lambda dialog: dialog.accept())
    late.click("#saved button")
    expect(late.locator("#saved")).to_have_text("")
    drag_on_form(late, (300, 400), (360, 460))
    assert saved(late, scan)[0] == field


@pytest.mark.parametrize("scheme", SCHEMES)
def test_editor_has_no_serious_accessibility_finding(editor, browse, scheme):
    page = browse(editor.url, color_scheme=scheme)
    drag_on_form(page, (300, 250), (600, 300))
    page.keyboard.type("meter")
    assert serious_findings(page) == []
