"""No tab of the app has a serious finding of axe-core, in light and dark, and drawing shifts nothing."""

import pytest
from browser import SCHEMES, serious_findings
from hand import FOUR, ONE, SEVEN, A, answered, draw, reads
from playwright.sync_api import expect

MEASURE_SHIFTS = """
window.shifts = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.shifts += entry.value;
}).observe({ type: "layout-shift" });
"""


@pytest.mark.parametrize("scheme", SCHEMES)
def test_tabs_have_no_serious_accessibility_finding(open_page, show_number, scheme):
    page = open_page(color_scheme=scheme)
    assert serious_findings(page) == []
    draw(page, SEVEN, FOUR)
    reads(page, "74")
    assert serious_findings(page) == []
    page.keyboard.press("Enter")
    answered(page, "2 of 2 digits right")
    draw(page, A)
    reads(page, "not a digit")
    assert serious_findings(page) == []
    show_number(page)
    assert serious_findings(page) == []
    for tab in ("samples", "progress", "models"):
        page.click(f"#tab-{tab}")
        expect(page.locator(f"#panel-{tab}")).to_be_visible()
        page.wait_for_load_state("networkidle")
        assert serious_findings(page) == []


def test_drawing_shifts_nothing(page):
    page.evaluate(MEASURE_SHIFTS)
    for shapes, text in (((SEVEN,), "7"), ((SEVEN, FOUR), "74"), ((ONE,), "1"), ((A,), "not a digit")):
        draw(page, *shapes)
        reads(page, text)
        page.keyboard.press("Escape")
    assert page.evaluate("window.shifts") < 0.02  # cumulative layout shift, by the browser's own measure
