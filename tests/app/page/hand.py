"""Actions of a user on the page, and what the user sees."""

import numpy as np
from playwright.sync_api import expect

THREE = [[(60, 50), (110, 40), (130, 75), (90, 105), (135, 140), (110, 185), (55, 175)]]
SEVEN = [[(50, 50), (140, 50), (90, 200)]]
ONE = [[(240, 50), (240, 200)]]
FOUR = [[(350, 50), (320, 140), (420, 140)], [(390, 100), (390, 220)]]
A = [[(50, 200), (100, 40), (150, 200)], [(70, 140), (130, 140)]]


def draw(page, *digits, shake=0.0):
    """Draw strokes with the mouse; `shake` is the random deviation of their points in pixels."""
    box = page.locator("#ink").bounding_box()
    rng = np.random.default_rng(int(1000 * shake))
    for stroke in (stroke for digit in digits for stroke in digit):
        points = np.array(stroke, float) + rng.normal(0, min(shake, 3), (len(stroke), 2))
        (x, y), *rest = (points + np.array([box["x"], box["y"]])).tolist()
        page.mouse.move(x, y)
        page.mouse.down()
        for to_x, to_y in rest:
            page.mouse.move(to_x, to_y, steps=8)
        page.mouse.up()


def reads(page, text):
    expect(page.locator("#reading")).to_have_text(text)


def answered(page, text):
    expect(page.locator("#accuracy")).to_contain_text(text)


def press_toast(page):
    page.click("#toast button")
    expect(page.locator("#toast button")).to_be_hidden()


def slow_down(page, path, rest=0.0, until=0.0):
    """Delay requests of a path by `rest` seconds, or until a time."""
    page.evaluate(
        """([path, rest, until]) => {
          const { fetch } = window;
          window.fetch = async (asked, options) => {
            const pause = Math.max(1000 * rest, 1000 * until - Date.now());
            if (asked.startsWith(path)) await new Promise((resolve) => setTimeout(resolve, pause));
            return fetch(asked, options);
          };
        }""",
        [path, rest, until],
    )


def lose_a_reply(page, path):
    """Lose the response to the next request of a path."""
    page.evaluate(
        """(path) => {
          const { fetch } = window;
          window.fetch = async (asked, options) => {
            const reply = await fetch(asked, options);
            if (!asked.startsWith(path)) return reply;
            window.fetch = fetch;
            throw new TypeError("connection lost");
          };
        }""",
        path,
    )


def change_state(page, **values):
    """Replace values of /api/state."""
    page.route("**/api/state?*", lambda route: route.fulfill(json={**route.fetch().json(), **values}))


def new_writer(page, name):
    page.select_option("#writer", label="new writer …")
    page.fill("#writer-name", name)
    page.click("#writer-ok")
