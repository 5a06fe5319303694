"""Privacy tests: programs connect to nothing but loopback, and write to Inkwise's own folders alone.

Every program runs under strace, which records native code, too. A name look-up is a connection to the port of
a name server.
"""

import os
import re
import runpy
import shutil
import signal
import subprocess
import sys
import types
from contextlib import contextmanager
from ipaddress import ip_address

import cv2
import httpx
import pytest
from extras import lacking

from inkwise.recognition import runtime

INKWISE = [sys.executable, "-c", "from inkwise.cli import main; main()"]
NAME_SERVERS = 53  # port
# "?" lets strace ignore calls that some processors do not have.
CALLS = "connect,sendto,sendmsg,sendmmsg,openat,mkdirat,symlinkat,renameat2," + ",".join(
    f"?{call}" for call in ("open", "creat", "mkdir", "symlink", "rename", "renameat")
)


@pytest.fixture(scope="module")
def strace():
    path = shutil.which("strace")
    # A container may forbid tracing.
    if path is None or subprocess.run([path, "-o", os.devnull, "true"], capture_output=True).returncode:
        lacking("no working strace, which records connections and files (Debian: apt-get install strace)")
    return path


class Sandbox:
    """Home, folder for temporary files and working folder of programs that strace records."""

    def __init__(self, folder, strace):
        self.folder, self._strace, self._trace = folder, strace, folder / "trace"
        for name in ("home", "tmp", "work"):
            (folder / name).mkdir()

    def run(self, *command):
        """Run a program and return its output."""
        return subprocess.run(check=True, timeout=120, **self._recorded(command)).stdout

    @contextmanager
    def start(self, *command):
        """Run a server, and end it with Ctrl-C."""
        with subprocess.Popen(start_new_session=True, **self._recorded(command)) as process:
            try:
                yield process
                os.killpg(process.pid, signal.SIGINT)  # strace goes on until the server has ended
                assert process.wait(60) == 0
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)

    def _recorded(self, command):
        strace = [self._strace, "-f", "--seccomp-bpf", "-qq", "-e", "signal=none", "-e", f"trace={CALLS}"]
        return {
            "args": [*strace, "-o", self._trace, *command],
            "cwd": self.folder / "work",
            "env": self._environment(),
            "stdout": subprocess.PIPE,
            "text": True,
        }

    def _environment(self):
        # Without the variables of the tests: with CI=true, for one, ONNX Runtime has no telemetry.
        homes = {
            f"XDG_{name}_HOME": self.folder / "home" / name for name in ("DATA", "CACHE", "CONFIG", "STATE")
        }
        python = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
        quick = {"RES_OPTIONS": "timeout:1 attempts:1"}  # the name servers do not answer
        base = {"PATH": os.environ["PATH"], "HOME": self.folder / "home", "TMPDIR": self.folder / "tmp"}
        return {**base, **homes, **python, **quick}

    def contacts(self):
        """Return the peers of connections and datagrams, loopback excepted: "address port"."""
        text = self._trace.read_text()
        found = re.findall(
            r'sin6?_port=htons\((\d+)\).*?(?:inet_addr\(|inet_pton\(AF_INET6, )"([^"]+)"', text
        )
        sockets = re.findall(r'sun_path=@?"([^"]+)"', text)
        return sockets + [
            f"{address} {port}"
            for port, address in found
            if int(port) == NAME_SERVERS or not loopback(address)
        ]

    def written(self):
        """Return the files and folders that programs created or replaced, relative to the sandbox."""
        found = set()
        for line in self._trace.read_text().splitlines():
            call, _, arguments = line.partition(" ")[2].strip().partition("(")
            if call.startswith("open") and "O_CREAT" not in arguments:
                continue
            if call.startswith(("open", "creat", "mkdir", "symlink", "rename")):
                path = self.folder / "work" / re.findall(r'"([^"]*)"', arguments)[-1]
                found.add(str(path.relative_to(self.folder) if path.is_relative_to(self.folder) else path))
        return found


def loopback(text):
    address = ip_address(text)
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


@pytest.fixture
def sandbox(strace, tmp_path):
    return Sandbox(tmp_path, strace)


@pytest.fixture
def picture(sandbox, seven):
    path = sandbox.folder / "work" / "seven.png"
    cv2.imwrite(str(path), seven)
    return path


def address(process):
    """Return the address that a server printed."""
    return process.stdout.readline().split()[3]


def test_sandbox_records_connections_and_files(sandbox):
    code = """
import os, pathlib, socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
    probe.connect(("192.0.2.1", 9))  # sends nothing
try:
    socket.getaddrinfo("inkwise.invalid", 80)
except OSError:
    pass
pathlib.Path.home().joinpath(".cache/else").mkdir(parents=True)
pathlib.Path(os.environ["TMPDIR"], ".ses").touch()
pathlib.Path("here").touch()
"""
    sandbox.run(sys.executable, "-c", code)
    contacts = sandbox.contacts()
    assert "192.0.2.1 9" in contacts
    assert any(contact.endswith(f" {NAME_SERVERS}") for contact in contacts)
    assert {"home/.cache/else", "tmp/.ses", "work/here"} <= sandbox.written()


def test_read_command_connects_and_writes_nothing(sandbox, picture):
    assert '"text": "7"' in sandbox.run(*INKWISE, "read", picture.name)
    assert (sandbox.contacts(), sandbox.written()) == ([], set())


def test_read_function_connects_and_writes_nothing(sandbox, picture):
    code = "import inkwise; print(inkwise.read('seven.png').text)"
    assert sandbox.run(sys.executable, "-c", code) == "7\n"
    assert (sandbox.contacts(), sandbox.written()) == ([], set())


@pytest.mark.slow
def test_app_connects_nowhere_and_writes_its_own_folder_alone(sandbox, picture):
    app = sandbox.start(*INKWISE, "app", "--no-browser", "--port", "0")
    with app as process, httpx.Client(base_url=address(process), timeout=60) as client:
        assert "<title>Inkwise</title>" in client.get("/").text
        read = client.post("/api/picture?writer=anna", content=picture.read_bytes()).json()
        answer = {"label": "7", "glyph": read["digits"][0]["glyph"]}
        sample = {"writer": "anna", "source": "picture", "answers": [answer]}
        assert client.post("/api/samples", json=sample).status_code == 201
    assert sandbox.contacts() == []
    home = "home/DATA/inkwise"
    assert {path for path in sandbox.written() if not path.startswith(home)} <= {"home/DATA"}
    assert (sandbox.folder / home / "corrections.db").exists()


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
def test_service_connects_nowhere_and_leaves_no_file(sandbox, picture, workers):
    service = sandbox.start(*INKWISE, "serve", "--port", "0", "--workers", workers)
    with service as process, httpx.Client(base_url=address(process), timeout=60) as client:
        headers = {"Content-Type": "image/png"}
        read = client.post("/v1/read", content=picture.read_bytes(), headers=headers)
        assert read.json()["text"] == "7"
        assert client.get("/metrics").status_code == 200
    assert sandbox.contacts() == []
    # Python probes the folder for temporary files with a file whose name has eight characters.
    assert [path for path in sandbox.written() if not re.match(r"tmp/(inkwise-|\w{8}$)", path)] == []
    assert [*(sandbox.folder / "tmp").iterdir()] == []


def test_earlier_import_of_onnxruntime_warns(monkeypatch):
    stopped = []
    before = types.SimpleNamespace(disable_telemetry_events=lambda: stopped.append(True))
    monkeypatch.setitem(sys.modules, "onnxruntime", before)
    monkeypatch.delenv(runtime.TELEMETRY_SWITCH)
    with pytest.warns(RuntimeWarning, match="onnxruntime was imported before inkwise"):
        runpy.run_path(runtime.__file__)
    assert (os.environ[runtime.TELEMETRY_SWITCH], stopped) == ("1", [True])
    runpy.run_path(runtime.__file__)  # the switch is set: no warning
