"""People who ask servers: what is acknowledged to them is promised."""

from __future__ import annotations

import socket
import threading
import time
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping
from typing import Any

from forked import TIMEOUT, ForkedProcess, Group, command

_PAUSE = 0.02  # seconds before a request that was not answered is sent again


class Promises:
    """The last value of each key that was acknowledged, and those asked for since: one of them is there."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.kept: dict[Hashable, Any] = {}
        self._asked: dict[Hashable, set[Any]] = defaultdict(set)

    def ask(self, key: Hashable, value: Any, send: Callable[[], bool]) -> bool:
        """Ask for a value, and remember whether it was acknowledged; one thread a key."""
        self._asked[key].add(value)
        acknowledged = send()
        if acknowledged:
            self.kept[key], self._asked[key] = value, {value}
        else:
            time.sleep(_PAUSE)
        return acknowledged

    def count_missing(self, there: Mapping[Any, Any], before: Mapping[Hashable, Any] | None = None) -> int:
        """How many keys, of those in `before` if given, have none of these values, nor that of `before`."""
        wanted = self.kept if before is None else before
        return sum(
            there.get(key) not in {value, self.kept[key], *self._asked[key]} for key, value in wanted.items()
        )


def send(port: int, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    """The status and the content of an answer; status 0 where there was none, or half of one."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, method=method)
    request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request, timeout=30) as reply:
            return reply.status, reply.read()
    except urllib.error.HTTPError as error:
        return error.code, b""
    except Exception:
        return 0, b""


class ServerWorkload:
    """One or several servers of one kind on the same files, each with a few people who use it.

    Attributes:
        promises: what was acknowledged to them.
    """

    name: str
    ends = False

    def __init__(self, people: tuple[str, ...], count: int) -> None:
        """Have so many servers."""
        self.max_seconds = 1.0  # from when they answer
        self.promises = Promises()
        self._people = people
        self._ports = [_free_port() for _ in range(count)]
        self._threads: list[threading.Thread] = []

    def _words(self) -> tuple[object, ...]:
        """The command, without the options of the server."""
        raise NotImplementedError

    def _use(self, port: int, person: str) -> None:
        """What one of the people does again and again."""
        raise NotImplementedError

    def start(self) -> Group:
        """Start them, wait until they answer, and have people use them."""
        words = [(*self._words(), "--no-browser", "--port", port) for port in self._ports]
        runs = [ForkedProcess(command, *one) for one in words]
        until = time.monotonic() + TIMEOUT
        for port, run in zip(self._ports, runs, strict=True):
            while send(port, "GET", "/")[0] != 200:
                if run.wait(0.05) or time.monotonic() > until:
                    raise AssertionError(f"the server does not answer: {run.failure_reason()}")
        group = Group(runs)
        self._threads = [
            threading.Thread(target=self._live, args=(group, port, f"{person}-{port}"), daemon=True)
            for port in self._ports
            for person in self._people
        ]
        for thread in self._threads:
            thread.start()
        return group

    def _live(self, group: Group, port: int, person: str) -> None:
        while not group.killed:
            self._use(port, person)

    def leave(self) -> None:
        """Wait until nobody asks any longer, after a kill."""
        for thread in self._threads:
            thread.join()

    @property
    def acknowledged(self) -> int:
        """How much is promised."""
        return len(self.promises.kept)

    def reset(self) -> None:
        """They have no end."""


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])
