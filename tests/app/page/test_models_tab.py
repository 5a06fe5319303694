"""The Models tab: fine-tuning and versions."""

import re

import pytest
from browser import serious_findings
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
    change_state(page, install=[], learn_from=10)
    page.goto(server.url + "/#models")
    page.reload()
    expect(page.locator("#learn-from")).to_have_text("2 more labelled samples of me are needed")
    expect(page.locator("#learn")).to_be_disabled()
    change_state(page, install=[], learn_from=8)
    page.reload()
    expect(page.locator("#learn-from")).to_have_text("from 8 labelled samples of me")
    expect(page.locator("#learn")).to_be_enabled()
    change_state(page, install=["python -m pip install torch", "python -m pip install inkwise[train]"])
    page.add_init_script(
        "const { fetch: ask } = window; window.fetch = (path, options) => new Promise((resolve) =>"
        " setTimeout(() => resolve(ask(path, options)), path.startsWith('/api/state') ? 500 : 0))"
    )
    page.reload()
    expect(page.locator("#install")).to_have_text(re.compile(r"install torch\s+python .*inkwise\[train\]$"))
    expect(page.locator("#learn-missing")).to_contain_text("needs PyTorch")
    assert serious_findings(page) == []
    expect(page.locator("#learn")).to_be_hidden()


def test_models_tab_says_how_long_learning_takes(page, server):
    job = {"status": "running", "writer": "me", "step": "learning 43 samples", "share": 0.1, "error": None}
    job |= {"version": None, "seconds": 31, "seconds_left": None}
    page.route("**/api/learn", lambda route: route.fulfill(json=job))
    page.click("#tab-models")
    expect(page.locator("#learn-step")).to_have_text("learning 43 samples · 31 s so far")
    job |= {"share": 0.5, "seconds": 95, "seconds_left": 130}
    expect(page.locator("#learn-step")).to_have_text("learning 43 samples · 95 s so far, about 2 min left")


OWN, STANDARD = Accuracy(9, 15), Accuracy(9_965, 10_000)
NOT_USED = "Version 1 is kept, but not used, because it reads"


@pytest.mark.parametrize(
    ("after", "numbers", "promote", "words"),
    [
        (
            (Accuracy(12, 15), Accuracy(9_966, 10_000)),
            (Accuracy(60, 100), Accuracy(87, 100)),
            True,
            [
                "Version 1 is in use. It was trained on 30 of your samples.",
                "Of 15 of your samples that were held back from training, it reads 12 right, instead of 9.",
                "Of 100 numbers composed of them, it reads 87 right, instead of 60.",
                "Of 10,000 standard test digits (MNIST), it reads 9,966 right, instead of 9,965.",
            ],
        ),
        (
            (Accuracy(7, 15), STANDARD),
            (),
            False,
            [f"{NOT_USED} 2 fewer of your own digits right.", "it reads 9,965 right, as many as before."],
        ),
        (
            (Accuracy(8, 15), Accuracy(9_955, 10_000)),
            (),
            False,
            [
                f"{NOT_USED} 10 fewer of the standard digits right (up to 5 fewer are tolerated, as trainings"
                " differ by as many), and because it reads 1 fewer of your own digits right."
            ],
        ),
        ((OWN, STANDARD), (), False, ["Version 1 is kept, but not in use."]),
    ],
)
def test_result_of_learning_is_said_in_words(page, server, default_weights, after, numbers, promote, words):
    old, new = numbers or (Accuracy(0, 0), Accuracy(0, 0))
    before, after = VersionScores(STANDARD, OWN, old), VersionScores(after[1], after[0], new)
    with Store.open(server.database) as store:
        store.versions.add("me", default_weights, 30, before, after, promote=promote)
    job = {"status": "done", "writer": "me", "step": "", "share": 1, "error": None, "version": 1}
    page.route("**/api/learn", lambda route: route.fulfill(json=job))
    page.click("#tab-models")
    for sentence in words:
        expect(page.locator("#learn-result")).to_contain_text(sentence)


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
