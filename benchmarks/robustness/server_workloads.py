"""Servers under kill tests, with clients: the app, a review, the form editor."""

from __future__ import annotations

import json
import random
import socket
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.robustness.forked_process import TIMEOUT, ForkedProcess, Group, command

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


SEVEN = [[[30, 25], [85, 25], [55, 100]]]


def seven_image() -> NDArray[np.uint8]:
    """Draw a 7, (120, 120) uint8."""
    image = np.full((120, 120), 230, np.uint8)
    cv2.polylines(image, [np.array(stroke)[:, None] for stroke in SEVEN], False, 30, 7)
    return image


class AppWorkload(ServerWorkload):
    """`inkwise app`: answers are kept and put right; what was answered with 201 or 200 is in the store."""

    def __init__(self, folder: Path, database: str | None = None, servers: int = 1) -> None:
        """Keep in this folder, or in another database."""
        super().__init__(("anna", "ben", "cy"), servers)
        self.name = "answering and teaching" if servers == 1 else f"{servers} apps on one database"
        self.database = database or f"sqlite:///{folder / 'taught.db'}"
        self.refused = 0

    def _words(self) -> tuple[object, ...]:
        return "app", "--database", self.database

    def _use(self, port: int, person: str) -> None:
        name, writer = uuid.uuid4(), person.partition("-")[0]
        sample = {"id": str(name), "label": "7", "strokes": SEVEN, "answer": "1", "probability": 0.6}
        body = {"writer": writer, "source": "canvas", "answers": [sample]}
        if self.promises.ask(name, "7", lambda: self._said(port, "POST", "/api/samples", body)):
            put_right = {"label": "8"}
            self.promises.ask(name, "8", lambda: self._said(port, "PATCH", f"/api/samples/{name}", put_right))

    def _said(self, port: int, method: str, path: str, body: object) -> bool:
        status, _ = send(port, method, path, json.dumps(body).encode())
        self.refused += status == 503
        return status in (200, 201)

    def count_missing(self) -> int:
        """Samples without what they were last said to be."""
        self.leave()
        return self.promises.count_missing(labels(self.database))


def labels(database: str) -> dict[uuid.UUID, str | None]:
    """The label of each sample in a database."""
    from inkwise.corrections import Store

    with Store.open(database) as store:
        return {sample.id: sample.label for sample in store.samples()}


class ReviewWorkload(ServerWorkload):
    """`inkwise review`: an answer is in the file beside the table, and a digit among the samples."""

    name = "2 reviews of one table"

    def __init__(self, folder: Path, rows: int = 100) -> None:
        """Make a table of so many sevens."""
        from inkwise.batch import BatchOptions
        from inkwise.batch import read_rows as rows_of

        super().__init__(("even", "odd"), 2)
        self._table, self._database = folder / "table.jsonl", f"sqlite:///{folder / 'settled.db'}"
        self._rows = rows
        self._samples = Promises()
        scans = [folder / f"{number:03}.png" for number in range(rows)]
        for scan in scans:
            cv2.imwrite(str(scan), seven_image())
        (row,) = rows_of([str(scans[0])], BatchOptions())
        lines = [json.dumps({**row.values, "file": str(scan)}) + "\n" for scan in scans]
        self._table.write_text("".join(lines))

    def _words(self) -> tuple[object, ...]:
        return "review", self._table, "--threshold", 1, "--database", self._database

    def _use(self, port: int, person: str) -> None:
        """Settle one of the readings that this person has to herself."""
        part = 2 * self._ports.index(port) + (person.startswith("odd"))
        number = random.randrange(part, self._rows, 4)
        queue = json.loads(send(port, "GET", "/api/review?threshold=1")[1] or b"{}").get("queue", [])
        before = next((entry["settled"] for entry in queue if entry["number"] == number), None)
        text = str((int(before or 0) + 1) % 10)
        body = json.dumps({"text": text, "before": before}).encode()

        def settle() -> bool:
            status, content = send(port, "PUT", f"/api/review/{number}", body)
            return status == 200 and json.loads(content) == {"settled": text, "note": None}

        self._samples.ask(number, text, lambda: self.promises.ask(number, text, settle))

    def count_missing(self) -> int:
        """Answers that are not beside the table, and digits that are not in the database as answered."""
        from inkwise.review import ReviewedTable

        self.leave()
        review, taught = ReviewedTable(self._table), labels(self._database)
        answers = {number: review.confirmed(item) for number, item in enumerate(review.items)}
        samples = {
            number: taught.get(
                uuid.uuid5(
                    uuid.NAMESPACE_URL, f"{self._table.resolve()} {item.file} {item.page} {item.place}"
                )
            )
            for number, item in enumerate(review.items)
        }
        return self.promises.count_missing(answers) + self._samples.count_missing(samples)


class FormEditorWorkload(ServerWorkload):
    """`inkwise form new`: a field that was saved is in the YAML file."""

    name = "2 editors of one form"

    def __init__(self, folder: Path) -> None:
        """Scan an empty form."""
        super().__init__(("anna",), 2)
        self._scan = folder / "card.png"
        cv2.imwrite(str(self._scan), np.full((300, 400), 255, np.uint8))

    def _words(self) -> tuple[object, ...]:
        return "form", "new", self._scan

    def _use(self, port: int, person: str) -> None:
        """Change the one field of this person, and leave the others as they are."""
        status, content = send(port, "GET", "/api/form")
        if status != 200:
            return
        form = json.loads(content)
        fields = {field["name"]: field for field in form["fields"]}
        top = 50 + 100 * self._ports.index(port)
        most = fields.get(person, {"range": [0, 0]})["range"][1] + 1
        fields[person] = {"name": person, "box": [50, top, 200, 40], "kind": "number", "range": [0, most]}
        saved: dict[str, Any] = {"name": "card", "fields": [*fields.values()], "version": form["version"]}
        body = json.dumps(saved).encode()
        self.promises.ask(person, most, lambda: send(port, "PUT", "/api/form", body)[0] == 200)

    def count_missing(self) -> int:
        """Fields that are not as they were saved."""
        from inkwise.forms import FormTemplate

        self.leave()
        path = self._scan.with_suffix(".yaml")
        fields = FormTemplate.read(path).fields if path.exists() else ()
        return self.promises.count_missing({field.name: field.to_dict()["range"][1] for field in fields})
