"""The exported page in Firefox, opened from its file."""

import pytest
from drawings import ONE, READ, SEVEN, assert_read_as_python_does, hinted

from inkwise.page_export import export_page

pytestmark = pytest.mark.browser

CANVAS = """() => {
  const canvas = document.querySelector("inkwise-pad").shadowRoot.querySelector("canvas");
  const { x, y } = canvas.getBoundingClientRect();
  return [x, y];
}"""
SHOWN = """() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() =>
  done(["reading", "reason"].map((id) => document.getElementById(id).textContent)))))"""


@pytest.fixture
def page(firefox, tmp_path):
    """The exported page, which makes no request."""
    path = tmp_path / "digits.html"
    path.write_bytes(export_page("tiny"))
    firefox.requests.clear()
    firefox.open(path.as_uri())
    yield firefox
    assert [url for url in firefox.requests if not url.startswith("data:")] == []


def test_firefox_reads_as_python_does(page):
    assert_read_as_python_does(page.evaluate(READ, hinted()))


def test_firefox_reads_what_is_drawn(page):
    left, top = page.evaluate(CANVAS)
    page.draw([[(left + x, top + y) for x, y in stroke] for stroke in SEVEN + ONE])
    reading, reason = page.evaluate(SHOWN)
    assert reading == "71"
    assert "% sure" in reason
