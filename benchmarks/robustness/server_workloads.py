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

_PAUSE = 0.02  # seconds before the next request after one without a response


class AcknowledgedValues:
    """Last acknowledged value of each key. It or a later, unacknowledged one must be stored."""

    def __init__(self) -> None:
        """Start without values."""
        self.values: dict[Hashable, Any] = {}
        self._asked: dict[Hashable, set[Any]] = defaultdict(set)

    def ask(self, key: Hashable, value: Any, send: Callable[[], bool]) -> bool:
        """Send a value and record it if it is acknowledged. Each key belongs to one thread."""
        self._asked[key].add(value)
        acknowledged = send()
        if acknowledged:
            self.values[key], self._asked[key] = value, {value}
        else:
            time.sleep(_PAUSE)
        return acknowledged

    def count_missing(self, stored: Mapping[Any, Any], before: Mapping[Hashable, Any] | None = None) -> int:
        """Count keys, of `before` if given, whose stored value is none of these nor that of `before`."""
        wanted = self.values if before is None else before
        return sum(
            stored.get(key) not in {value, self.values[key], *self._asked[key]}
            for key, value in wanted.items()
        )


def send(port: int, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    """Return status and body of a response; status 0 if it is missing or incomplete."""
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
    """One or several servers on the same files, each with a few clients.

    Attributes:
        acks: what the servers have acknowledged to the clients.
    """

    name: str
    ends = False

    def __init__(self, clients: tuple[str, ...], count: int) -> None:
        """Reserve a port for each of `count` servers."""
        self.max_seconds = 1.0  # after they respond
        self.acks = AcknowledgedValues()
        self._clients = clients
        self._ports = [_free_port() for _ in range(count)]
        self._threads: list[threading.Thread] = []

    def _command(self) -> tuple[object, ...]:
        """Return the command without the server options."""
        raise NotImplementedError

    def _send_requests(self, port: int, client: str) -> None:
        """Send the requests of one client; called repeatedly."""
        raise NotImplementedError

    def start(self) -> Group:
        """Start the servers, wait until they respond, and start the clients."""
        words = [(*self._command(), "--no-browser", "--port", port) for port in self._ports]
        runs = [ForkedProcess(command, *one) for one in words]
        until = time.monotonic() + TIMEOUT
        for port, run in zip(self._ports, runs, strict=True):
            while send(port, "GET", "/")[0] != 200:
                if run.wait(0.05) or time.monotonic() > until:
                    raise AssertionError(f"the server does not respond: {run.failure_reason()}")
        group = Group(runs)
        self._threads = [
            threading.Thread(target=self._run_client, args=(group, port, f"{client}-{port}"), daemon=True)
            for port in self._ports
            for client in self._clients
        ]
        for thread in self._threads:
            thread.start()
        return group

    def _run_client(self, group: Group, port: int, client: str) -> None:
        while not group.killed:
            self._send_requests(port, client)

    def join_clients(self) -> None:
        """Wait for the clients to stop, after a kill."""
        for thread in self._threads:
            thread.join()

    @property
    def acknowledged(self) -> int:
        """Number of acknowledged keys."""
        return len(self.acks.values)

    def reset(self) -> None:
        """Do nothing: servers do not finish."""


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
    """`inkwise app`: samples are added and corrected. Those acknowledged with 201 or 200 must be stored."""

    def __init__(self, folder: Path, database: str | None = None, servers: int = 1) -> None:
        """Store samples in the folder, or in another database."""
        super().__init__(("anna", "ben", "cy"), servers)
        self.name = "answering and teaching" if servers == 1 else f"{servers} apps on one database"
        self.database = database or f"sqlite:///{folder / 'taught.db'}"
        self.refused = 0

    def _command(self) -> tuple[object, ...]:
        return "app", "--database", self.database

    def _send_requests(self, port: int, client: str) -> None:
        name, writer = uuid.uuid4(), client.partition("-")[0]
        sample = {"id": str(name), "label": "7", "strokes": SEVEN, "answer": "1", "probability": 0.6}
        body = {"writer": writer, "source": "canvas", "answers": [sample]}
        if self.acks.ask(name, "7", lambda: self._send_json(port, "POST", "/api/samples", body)):
            correction = {"label": "8"}
            self.acks.ask(
                name, "8", lambda: self._send_json(port, "PATCH", f"/api/samples/{name}", correction)
            )

    def _send_json(self, port: int, method: str, path: str, body: object) -> bool:
        status, _ = send(port, method, path, json.dumps(body).encode())
        self.refused += status == 503
        return status in (200, 201)

    def count_missing(self) -> int:
        """Count samples without their last acknowledged label."""
        self.join_clients()
        return self.acks.count_missing(labels(self.database))


def labels(database: str) -> dict[uuid.UUID, str | None]:
    """Return the label of each sample in a database."""
    from inkwise.corrections import Store

    with Store.open(database) as store:
        return {sample.id: sample.label for sample in store.samples()}


class ReviewWorkload(ServerWorkload):
    """`inkwise review`: an answer must be in the file beside the table, and its digit among the samples."""

    name = "2 reviews of one table"

    def __init__(self, folder: Path, rows: int = 100) -> None:
        """Make a table of sevens."""
        from inkwise.batch import BatchOptions, read_rows

        super().__init__(("even", "odd"), 2)
        self._table, self._database = folder / "table.jsonl", f"sqlite:///{folder / 'settled.db'}"
        self._rows = rows
        self._samples = AcknowledgedValues()
        scans = [folder / f"{number:03}.png" for number in range(rows)]
        for scan in scans:
            cv2.imwrite(str(scan), seven_image())
        (row,) = read_rows([str(scans[0])], BatchOptions())
        lines = [json.dumps({**row.values, "file": str(scan)}) + "\n" for scan in scans]
        self._table.write_text("".join(lines))

    def _command(self) -> tuple[object, ...]:
        return "review", self._table, "--threshold", 1, "--database", self._database

    def _send_requests(self, port: int, client: str) -> None:
        """Confirm one of the rows that belong to this client."""
        part = 2 * self._ports.index(port) + (client.startswith("odd"))
        number = random.randrange(part, self._rows, 4)
        queue = json.loads(send(port, "GET", "/api/review?threshold=1")[1] or b"{}").get("queue", [])
        before = next((entry["settled"] for entry in queue if entry["number"] == number), None)
        text = str((int(before or 0) + 1) % 10)
        body = json.dumps({"text": text, "before": before}).encode()

        def settle() -> bool:
            status, content = send(port, "PUT", f"/api/review/{number}", body)
            return status == 200 and json.loads(content) == {"settled": text, "note": None}

        self._samples.ask(number, text, lambda: self.acks.ask(number, text, settle))

    def count_missing(self) -> int:
        """Count answers missing beside the table and digits missing in the database."""
        from inkwise.review import ReviewedTable

        self.join_clients()
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
        return self.acks.count_missing(answers) + self._samples.count_missing(samples)


class FormEditorWorkload(ServerWorkload):
    """`inkwise form new`: a saved field must be in the YAML file."""

    name = "2 editors of one form"

    def __init__(self, folder: Path) -> None:
        """Make an empty form."""
        super().__init__(("anna",), 2)
        self._scan = folder / "card.png"
        cv2.imwrite(str(self._scan), np.full((300, 400), 255, np.uint8))

    def _command(self) -> tuple[object, ...]:
        return "form", "new", self._scan

    def _send_requests(self, port: int, client: str) -> None:
        """Change the field of this client and keep the others."""
        status, content = send(port, "GET", "/api/form")
        if status != 200:
            return
        form = json.loads(content)
        fields = {field["name"]: field for field in form["fields"]}
        top = 50 + 100 * self._ports.index(port)
        most = fields.get(client, {"range": [0, 0]})["range"][1] + 1
        fields[client] = {"name": client, "box": [50, top, 200, 40], "kind": "number", "range": [0, most]}
        saved: dict[str, Any] = {"name": "card", "fields": [*fields.values()], "version": form["version"]}
        body = json.dumps(saved).encode()
        self.acks.ask(client, most, lambda: send(port, "PUT", "/api/form", body)[0] == 200)

    def count_missing(self) -> int:
        """Count fields that differ from their last acknowledged state."""
        from inkwise.forms import FormTemplate

        self.join_clients()
        path = self._scan.with_suffix(".yaml")
        fields = FormTemplate.read(path).fields if path.exists() else ()
        return self.acks.count_missing({field.name: field.to_dict()["range"][1] for field in fields})
