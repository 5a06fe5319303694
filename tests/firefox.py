"""Firefox for the tests of the exported page, driven by WebDriver BiDi: a plugin of pytest.

Playwright drives a Firefox build of its own only.
"""

import json
import re
import shutil
import subprocess
from itertools import count

import pytest
from extras import lacking

_LISTENING = re.compile(r"WebDriver BiDi listening on (ws://\S+)")

# All other machines are behind a proxy that does not exist, so that Firefox itself sends nothing.
_OFFLINE = """
user_pref("network.proxy.type", 1);
user_pref("network.proxy.socks", "127.0.0.1");
user_pref("network.proxy.socks_port", 9);
"""


class FirefoxTab:
    """A tab of Firefox; https://w3c.github.io/webdriver-bidi has the commands."""

    def __init__(self, socket):
        self._socket, self._numbers = socket, count(1)
        self.requests = []
        self.call("session.new", capabilities={})
        self._context = self.call("browsingContext.getTree")["contexts"][0]["context"]
        self.call("session.subscribe", events=["network.beforeRequestSent"])

    def call(self, method, **params):
        """The result of a command; requests of pages that are reported before it are kept."""
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            message = json.loads(self._socket.recv(timeout=60))
            if message.get("method") == "network.beforeRequestSent":
                self.requests.append(message["params"]["request"]["url"])
            elif message.get("id") == number:
                assert message["type"] == "success", message
                return message["result"]

    def open(self, url):
        self.call("browsingContext.navigate", context=self._context, url=url, wait="complete")

    def evaluate(self, function, argument=None):
        """The result of a JavaScript function of one argument, as JSON values."""
        code = f"(async () => JSON.stringify(await ({function})({json.dumps(argument)})))()"
        found = self.call(
            "script.evaluate", expression=code, target={"context": self._context}, awaitPromise=True
        )
        assert found["type"] == "success", found
        return json.loads(found["result"]["value"])

    def draw(self, strokes):
        """Draw strokes of the window's coordinates with the mouse."""
        actions = []
        for first, *rest in strokes:
            actions += [_move(first), {"type": "pointerDown", "button": 0}]
            actions += [*map(_move, rest), {"type": "pointerUp", "button": 0}]
        mouse = {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": actions}
        self.call("input.performActions", context=self._context, actions=[mouse])


def _move(point):
    return {"type": "pointerMove", "x": round(point[0]), "y": round(point[1])}


@pytest.fixture(scope="session")
def firefox(tmp_path_factory):
    """One tab for all tests; without Firefox they are skipped."""
    from websockets.sync.client import connect

    path = shutil.which("firefox-esr") or shutil.which("firefox")
    if path is None:
        lacking("no Firefox on this machine: a page is tested in it (Debian: apt-get install firefox-esr)")
    profile = tmp_path_factory.mktemp("firefox")
    (profile / "user.js").write_text(_OFFLINE)
    command = [path, "--headless", "--remote-debugging-port=0", "--profile", str(profile)]
    browser = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        address = next(found[1] for line in browser.stderr if (found := _LISTENING.search(line)))
        with connect(f"{address}/session", max_size=None) as socket:
            yield FirefoxTab(socket)
    finally:
        browser.terminate()
        browser.communicate()
