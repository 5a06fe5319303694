"""The Samples tab: gallery, writers, export, import."""

import zipfile

from damage import damage
from hand import SEVEN, THREE, answered, draw, new_writer, reads, slow_down
from playwright.sync_api import expect

from inkwise.corrections import Sample, Store


def answer_seven_and_three(page):
    for digit, text in ((SEVEN, "7"), (THREE, "3")):
        draw(page, digit)
        reads(page, text)
        page.keyboard.press("Enter")
        reads(page, "")


def test_samples_tab_relabels_deletes_undoes_exports_and_imports(page, server, tmp_path):
    answer_seven_and_three(page)
    page.click("#tab-samples")
    page.click("#gallery button >> nth=0")
    page.click('#sample-labels [data-label="8"]')
    answered(page, "1 of 2 right")
    page.check("#filter-wrong")
    expect(page.locator("#gallery button")).to_have_count(1)
    page.uncheck("#filter-wrong")
    with page.expect_download() as download:
        page.click("#export")
    exported = tmp_path / "export.zip"
    download.value.save_as(exported)
    page.click("#gallery button >> nth=0")
    page.click("#sample-delete")
    expect(page.locator("#gallery button")).to_have_count(1)
    page.click("#samples-undo")
    expect(page.locator("#gallery button")).to_have_count(2)
    page.click("#gallery button >> nth=0")
    page.click("#sample-delete")
    expect(page.locator("#gallery button")).to_have_count(1)
    page.set_input_files("#import", exported)
    expect(page.locator("#gallery button")).to_have_count(2)
    assert sorted(server.labels()) == [("7", "7"), ("8", "3")]


def test_all_samples_of_a_writer_are_deleted_after_a_question(page, server):
    page.click("#tab-samples")
    expect(page.locator("#erase-all")).to_be_hidden()
    page.click("#tab-draw")
    answer_seven_and_three(page)
    page.click("#tab-samples")
    expect(page.locator("#samples-labels")).to_have_text("3 × 1, 7 × 1")
    expect(page.locator("#samples-key")).to_contain_text("how sure the reading was")
    page.click("#erase-all")
    page.click("dialog >> text=Keep")
    expect(page.locator("#gallery button")).to_have_count(2)
    page.click("#erase-all")
    page.click("dialog >> text=Delete all >> nth=-1")
    expect(page.locator("#gallery button")).to_have_count(0)
    expect(page.locator("#toast")).to_contain_text("2 samples of me deleted for good")
    assert server.labels() == []


def test_samples_of_all_writers_are_undone_per_writer(page, server, glyph_of_seven):
    with Store.open(server.database) as store:
        for number, writer in enumerate(("me", "Ben", "me")):
            store.add(glyph_of_seven(number), writer=writer, source="import", answer="7", label="7")
    page.click("#tab-samples")
    expect(page.locator("#gallery button")).to_have_count(2)
    page.select_option("#filter-writer", label="everyone")
    bens = page.locator("#gallery button", has_text="Ben")
    for undo in ("#toast button", "#samples-undo"):
        bens.click()
        page.click('#sample-labels [data-label="1"]')
        expect(page.locator("#gallery .wrong")).to_have_count(1)
        page.click(undo)
        expect(page.locator("#gallery .wrong")).to_have_count(0)
    assert server.labels("Ben") == [("7", "7")]
    assert server.labels() == [("7", "7")] * 2


def test_samples_tab_reloads_as_many_samples(page, server, glyph_of_seven):
    with Store.open(server.database) as store:
        glyph, now = glyph_of_seven(0), {"writer": "me", "source": "import", "label": "7"}
        store.extend([Sample.now(glyph, **now) for _ in range(1100)])
    page.click("#tab-samples")
    page.evaluate("import('/static/samples.js').then((samples) => samples.showSamples(1060))")
    expect(page.locator("#gallery button")).to_have_count(1060)
    page.click("#gallery button >> nth=0")
    page.click("#sample-delete")
    expect(page.locator("#samples-count")).to_contain_text("1099 samples")
    expect(page.locator("#gallery button")).to_have_count(1060)


def test_samples_tab_counts_damaged_samples(page, server, glyph_of_seven):
    with Store.open(server.database) as store:
        for label in ("1", "7", "1", "7", *["1"] * 60):
            store.add(glyph_of_seven(0), writer="me", source="import", label=label)
    damage(server.database, "samples", "glyph", "substr(glyph, 1, 783)", "label = '7'")
    page.click("#tab-samples")
    expect(page.locator("#gallery button")).to_have_count(60)
    page.click("#more")
    expect(page.locator("#gallery button")).to_have_count(62)
    expect(page.locator("#more")).to_be_hidden()
    expect(page.locator("#samples-count")).to_contain_text("2 damaged ones are neither shown nor exported")


def test_import_needs_both_csv_files_in_a_zip_file(page, server, tmp_path):
    rows = {"images.csv": ",".join(["0"] * 400 + ["255"] * 384), "labels.csv": "7"}
    with zipfile.ZipFile(tmp_path / "pair.zip", "w") as pair:
        for name, row in rows.items():
            pair.writestr(name, row)
    (tmp_path / "images.csv").write_text(rows["images.csv"])
    page.click("#tab-samples")
    page.set_input_files("#import", tmp_path / "images.csv")
    expect(page.locator("#error")).to_contain_text("into one zip file")
    slow_down(page, "/api/import", rest=0.3)
    page.set_input_files("#import", tmp_path / "pair.zip")
    expect(page.locator("#import-text")).to_have_text("Importing …")
    expect(page.locator("#gallery button")).to_have_count(1)
    expect(page.locator("#import-text")).to_have_text("Import")
    assert server.labels() == [("7", None)]


def test_labels_are_shown_as_text(page, server):
    for label in ("<b>x</b>", "=1+1"):
        draw(page, SEVEN)
        expect(page.locator("#reading")).not_to_be_empty()
        page.fill("#other-label", label)
        page.keyboard.press("Enter")
        reads(page, "")
    page.click("#tab-samples")
    expect(page.locator("#gallery")).to_contain_text("<b>x</b>")
    page.click("#tab-progress")
    expect(page.locator("#confusion")).to_contain_text("=1+1")


def test_writers_are_separate_and_compared(page, server):
    draw(page, SEVEN)
    reads(page, "7")
    page.keyboard.press("Enter")
    answered(page, "1 of 1 right")
    new_writer(page, "Ben")
    answered(page, "no answers")
    draw(page, THREE)
    reads(page, "3")
    page.keyboard.press("Enter")
    answered(page, "1 of 1 right")
    assert server.labels("Ben") == [("3", "3")]
    page.click("#tab-progress")
    expect(page.locator("#writers")).to_contain_text("Ben")
    expect(page.locator("#writers")).to_contain_text("me")
