"""The Models tab: fine-tuning and versions."""

import pytest
from hand import SEVEN, answered, change_state, draw, new_writer, reads
from playwright.sync_api import expect

from inkwise.corrections import Accuracy, Store, VersionScores


def test_learning_result_is_shown_to_its_writer(page, server):
    job = {"status": "failed", "writer": "me", "step": "", "share": 0, "error": "disk full", "version": None}
    page.route("**/api/learn", lambda route: route.fulfill(json=job))
    page.click("#tab-models")
    expect(page.locator("#learn-result")).to_contain_text("disk full")
    new_writer(page, "Ben")
    expect(page.locator("#learn-from")).to_contain_text("Ben")
    expect(page.locator("#learn-result")).to_be_empty()


def test_models_tab_shows_what_learning_needs(page, server, glyph_of_seven):
    with Store.open(server.database) as store:
        for number in range(9):
            store.add(glyph_of_seven(number), writer="me", source="import", label="7" if number else None)
    change_state(page, learn=None, learn_from=10)
    page.goto(server.url + "/#models")
    page.reload()
    expect(page.locator("#learn-from")).to_have_text("2 more labelled samples of me are needed")
    expect(page.locator("#learn")).to_be_disabled()
    change_state(page, learn=None, learn_from=8)
    page.reload()
    expect(page.locator("#learn-from")).to_have_text("from 8 labelled samples of me")
    expect(page.locator("#learn")).to_be_enabled()
    change_state(page, learn="install inkwise[train]")
    page.add_init_script(
        "const { fetch: ask } = window; window.fetch = (path, options) => new Promise((resolve) =>"
        " setTimeout(() => resolve(ask(path, options)), path.startsWith('/api/state') ? 500 : 0))"
    )
    page.reload()
    expect(page.locator("#learn-missing")).to_have_text("install inkwise[train]")
    expect(page.locator("#learn")).to_be_hidden()


def test_page_reports_a_damaged_version(page, server, default_weights):
    scores = VersionScores(Accuracy(9_950, 10_000), Accuracy(3, 4))
    with Store.open(server.database) as store:
        sound = store.versions.add("me", default_weights, 8, scores, scores).number
        damaged = store.versions.add("me", default_weights[:1000], 8, scores, scores, promote=True).number
    page.reload()
    notice = page.locator("#error")
    expect(notice).to_contain_text(f"me's version {damaged} is damaged")
    expect(notice).to_contain_text("the base model is used instead. See the Models tab.")
    draw(page, SEVEN)
    reads(page, "7")
    page.keyboard.press("Enter")
    answered(page, "1 of 1")
    page.click("#error button")
    draw(page, SEVEN)
    page.keyboard.press("Enter")
    answered(page, "2 of 2")
    expect(notice).to_be_hidden()  # dismissed above

    page.click("#tab-models")
    expect(page.locator("#damage")).to_contain_text(f"version {damaged} is damaged")
    expect(page.locator(f"#versions [data-version='{damaged}'] .badge")).to_have_text("damaged")
    page.click("#compare")
    expect(page.locator("#comparison p")).to_contain_text(f"version {damaged} is damaged")
    expect(page.locator("#comparison tbody tr")).to_have_count(2)
    new_writer(page, "Ben")
    expect(page.locator("#damage")).to_be_hidden()
    page.select_option("#writer", "me")
    expect(notice).to_contain_text(f"me's version {damaged} is damaged")
    page.locator(f"#versions [data-version='{sound}'] button").click()
    expect(page.locator("#damage")).to_be_hidden()
    expect(page.locator(f"#versions [data-version='{sound}'] .badge")).to_have_text("in use")
    expect(notice).to_be_hidden()


@pytest.mark.network
def test_models_tab_learns_and_rolls_back(page, server, glyph_of_seven):
    with Store.open(server.database) as store:
        for number in range(30):
            store.add(glyph_of_seven(number), writer="me", source="import", answer="7", label="7")
    page.reload()
    page.click("#tab-models")
    page.click("#learn")
    expect(page.locator("#learn-progress")).to_be_visible()
    page.click("#cancel-learn")
    expect(page.locator("#learn")).to_be_visible(timeout=20_000)
    page.click("#learn")
    expect(page.locator("#learn-progress")).to_be_visible()
    page.reload()  # the job continues
    page.click("#tab-models")
    expect(page.locator("#learn-result")).to_contain_text("MNIST", timeout=300_000)
    with Store.open(server.database) as store:
        (version,) = store.versions.list("me")
        assert version.after.own.n + version.samples == 30
        before = store.versions.promoted("me")
    use = page.locator("#versions button")
    with page.expect_response("**/api/versions/promote"):
        use.first.click()
    expect(use).to_have_count(1)
    with Store.open(server.database) as store:
        assert store.versions.promoted("me") != before
