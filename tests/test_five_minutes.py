"""The section "A form in five minutes" of the docs, by page and by command line, as it is written."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import httpx
import openpyxl
import pytest
from form_paper import BOXES, empty, filled, turned
from PIL import Image
from playwright.sync_api import expect

DOCS = (Path(__file__).parent.parent / "docs" / "forms.md").read_text()
SECTION = DOCS.partition("## A form in five minutes\n")[2].partition("\n## ")[0]
IN_BROWSER, ON_COMMAND_LINE = SECTION.partition("### On the command line\n")[::2]
pytestmark = pytest.mark.slow
INKWISE = Path(sys.executable).with_name("inkwise")


@pytest.fixture
def folder(tmp_path):
    """The scan of the empty form, one filled form, and a folder of them of which one is doubtful."""
    Image.fromarray(empty()).save(tmp_path / "form.png")
    Image.fromarray(turned(filled(), 2)).save(tmp_path / "one.jpg")
    (tmp_path / "scans").mkdir()
    for number, meter in enumerate(("314159", "271828")):
        Image.fromarray(turned(filled(meter), number - 1)).save(tmp_path / "scans" / f"{number}.png")
    return tmp_path


@pytest.fixture
def serve(folder):
    """Start a command that serves a page, and return the page's address."""
    processes = []

    def serve(words):
        options = ["--no-browser", "--port", "0"]
        if "new" not in words:
            options += ["--database", f"sqlite:///{folder}/taught.db"]
        processes.append(
            subprocess.Popen([INKWISE, *words, *options], cwd=folder, stdout=subprocess.PIPE, text=True)
        )
        return processes[-1].stdout.readline().split()[3]

    yield serve
    for process in processes:
        process.terminate()
        process.wait()
        process.stdout.close()


def test_commands_run_as_written(folder, serve):
    template = re.search(r"```yaml\n(.*?)```", ON_COMMAND_LINE, re.DOTALL)[1]
    lines = re.findall(r"^    inkwise (.*)$", ON_COMMAND_LINE, re.MULTILINE)
    commands = [shlex.split(line, comments=True) for line in lines]
    assert [words[0] for words in commands] == ["form", "form", "read", "read", "review"]
    for words in commands:
        if words[0] == "review" or "new" in words:
            url = serve(words)
            httpx.get(url).raise_for_status()
            if "new" in words:
                assert httpx.get(f"{url}api/form").json()["file"] == "form.yaml"
                (folder / "form.yaml").write_text(template)
            continue
        done = subprocess.run([INKWISE, *words], cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        if "one.jpg" in words:
            row = json.loads(done.stdout)
            assert (row["meter"], row["code"], row["amount"]) == ("014752", "3", "1250")
    assert (folder / "fields.png").exists()
    book = httpx.get(f"{url}api/review/table.xlsx").raise_for_status().content
    (folder / "table.xlsx").write_bytes(book)
    _, *rows = openpyxl.load_workbook(folder / "table.xlsx").active.values
    assert [(row[0], row[2]) for row in rows] == [("scans/0.png", 314159), ("scans/1.png", 271828)]


@pytest.mark.browser
def test_page_is_used_as_written(folder, serve, browse):
    page = browse(serve(re.search(r"Start `inkwise (.*?)`", IN_BROWSER)[1].split()))
    steps = re.findall(r"\*\*(.+?)\*\*", IN_BROWSER)
    assert len(steps) == 6
    blank = folder / "scans" / "blank.png"  # is typed in, so that there is something to confirm
    Image.new("L", (600, 800), 245).save(blank)
    for step in steps:
        named = [page.get_by_role(role, name=step) for role in ("button", "link")]
        button = page.get_by_text(step, exact=True).or_(named[0]).or_(named[1]).first
        expect(button).to_be_visible()
        if "scan" in step:
            expect(page.locator("#next")).not_to_be_empty()
            files = folder / "form.png" if "empty" in step else [*(folder / "scans").iterdir()]
            button.locator("input").set_input_files(files)
        elif step == "Confirm":
            expect(page.locator("#next")).to_contain_text("3 values to check")
            for text in ("7", "1", "42"):
                page.keyboard.type(text)
                button.click()
        elif step == "Download the Excel table":
            with page.expect_download() as download:
                button.click()
            download.value.save_as(folder / "page.xlsx")
        else:
            if step == "Save and go on":
                draw_fields(page)
            button.click()
    _, *rows = openpyxl.load_workbook(folder / "page.xlsx").active.values
    assert [(row[0], row[2]) for row in rows] == [("0.png", 314159), ("1.png", 271828), ("blank.png", 7)]


def draw_fields(page):
    """Draw the three fields of the form."""
    expect(page.locator("#page image")).to_be_visible()
    for name, kind in (("meter", "comb"), ("code", "digit"), ("amount", "number")):
        x, y, w, h = BOXES[name]
        sheet = page.locator("#page").bounding_box()
        scale = sheet["width"] / 840
        page.mouse.move(sheet["x"] + x * scale, sheet["y"] + y * scale)
        page.mouse.down()
        page.mouse.move(sheet["x"] + (x + w) * scale, sheet["y"] + (y + h) * scale, steps=3)
        page.mouse.up()
        page.keyboard.type(name)
        page.select_option("#kind", kind)
        if kind == "comb":
            page.fill("#cells", "6")
