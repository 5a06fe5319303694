import gc
import gzip
import hashlib
import io
import pickle
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from inkwise.datasets import mnist_sources as sources
from inkwise.datasets.mnist_sources import (
    FolderSource,
    MirrorSource,
    PackageSource,
    SourceError,
    unpickle_arrays,
)

IMAGES, LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture
def mirror(tmp_path):
    """A mirror on this machine, and the folder that it serves."""
    root = tmp_path / "served"
    root.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), lambda *args: Quiet(*args, directory=str(root)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield MirrorSource(f"http://127.0.0.1:{server.server_port}/"), root
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_folder_gives_raw_and_gzipped_files(tmp_path):
    (tmp_path / IMAGES).write_bytes(b"images")
    (tmp_path / f"{LABELS}.gz").write_bytes(gzip.compress(b"labels"))
    assert dict(FolderSource(tmp_path).files([IMAGES, LABELS])) == {IMAGES: b"images", LABELS: b"labels"}


def test_a_folder_says_what_it_lacks(tmp_path):
    with pytest.raises(SourceError, match=f"no {LABELS} there"):
        dict(FolderSource(tmp_path).files([LABELS]))


def test_a_mirror_gives_its_files_unzipped(mirror):
    source, root = mirror
    (root / f"{IMAGES}.gz").write_bytes(gzip.compress(b"images" * 100_000))
    (root / f"{LABELS}.gz").write_bytes(gzip.compress(b"labels"))
    assert dict(source.files([IMAGES, LABELS])) == {IMAGES: b"images" * 100_000, LABELS: b"labels"}


def test_a_mirror_is_given_up_at_its_first_failure(mirror):
    source, root = mirror
    (root / f"{IMAGES}.gz").write_bytes(gzip.compress(b"images"))
    files = source.files([IMAGES, LABELS])
    assert next(files) == (IMAGES, b"images")
    with pytest.raises(SourceError, match=r"answers 404"):
        next(files)


def test_a_download_that_breaks_off(mirror):
    source, root = mirror
    (root / f"{IMAGES}.gz").write_bytes(gzip.compress(b"images" * 1000)[:-20])
    with pytest.raises(SourceError, match=rf"{IMAGES}\.gz breaks off or is damaged"):
        next(source.files([IMAGES]))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the connection is dropped
def test_more_than_mnist_has_is_given_up(mirror, tmp_path, monkeypatch):
    source, root = mirror
    monkeypatch.setattr(sources, "LARGEST", 100_000)
    (root / f"{IMAGES}.gz").write_bytes(gzip.compress(bytes(200_000)))
    with pytest.raises(SourceError, match=r"\.gz is larger than 0 MB, which MNIST's are not"):
        next(source.files([IMAGES]))
    with pytest.raises(SourceError, match=r"\.gz is larger than 0 MB, which MNIST's are not"):
        next(sources.FolderSource(root).files([IMAGES]))
    (root / f"{LABELS}.gz").write_bytes(np.random.default_rng(0).bytes(400_000))
    with pytest.raises(SourceError, match="sends more than 0 MB"):
        next(source.files([LABELS]))
    gc.collect()


def test_a_dead_mirror(mirror):
    source, _ = mirror
    dead = MirrorSource(source.url.replace("http:", "https:"))  # nobody speaks TLS there
    with pytest.raises(SourceError, match="cannot be reached"):
        next(dead.files([IMAGES]))


def test_a_mirror_that_never_answers_is_left_alone(monkeypatch):
    released = threading.Event()
    monkeypatch.setattr(sources, "TIMEOUT", 0.01)
    monkeypatch.setattr(sources, "HTTPDownloader", lambda **_: lambda *_: released.wait())
    try:
        with pytest.raises(SourceError, match=r"silent for 0\.01 s"):
            next(MirrorSource("https://silent.example/").files([IMAGES]))
    finally:
        released.set()


def test_a_slow_mirror_is_waited_for_as_long_as_something_comes(monkeypatch):
    def drip(url, body, pooch):
        for _ in range(20):
            body.write(b"drop")
            threading.Event().wait(0.02)

    monkeypatch.setattr(sources, "TIMEOUT", 0.2)
    monkeypatch.setattr(sources, "HTTPDownloader", lambda **_: drip)
    assert next(MirrorSource("https://slow.example/").files([IMAGES])) == (IMAGES, b"drop" * 20)


PIP = """
import pathlib, sys, zipfile
folder = next(arg.removeprefix("--dest=") for arg in sys.argv if arg.startswith("--dest="))
with zipfile.ZipFile(pathlib.Path(folder, "digits-1.0-py3-none-any.whl"), "w") as wheel:
    wheel.write(sys.argv[1], "digits/all.pkl.gz")
"""


def old_pickle(arrays) -> bytes:
    """A pickle that calls numpy's function by the name it had when MNIST was packed."""
    return pickle.dumps(arrays, protocol=3).replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n")


@pytest.fixture
def package(tmp_path, digits):
    """A package of six digits, and a pip that needs no network to bring it."""
    pixels, labels = (digits / 256).astype(np.float32).reshape(6, 784), np.arange(6)
    thirds = tuple((pixels[i : i + 2], labels[i : i + 2]) for i in (0, 2, 4))
    packed = gzip.compress(old_pickle(thirds))
    (tmp_path / "all.pkl.gz").write_bytes(packed)
    (tmp_path / "pip.py").write_text(PIP)
    pip = (sys.executable, str(tmp_path / "pip.py"), str(tmp_path / "all.pkl.gz"))
    return PackageSource("digits==1.0", "digits/all.pkl.gz", hashlib.sha256(packed).hexdigest(), pip)


def test_a_package_gives_the_official_bytes(package, tiny_mnist):
    names = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", IMAGES, LABELS]
    files = dict(package.files(names))
    assert files == {name: (tiny_mnist / name).read_bytes() for name in names}


def failing_pip(code: str) -> PackageSource:
    return PackageSource(
        "digits==1.0", "digits/all.pkl.gz", "", (sys.executable, "-c", f"import sys; {code}")
    )


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (failing_pip("sys.exit('python: No module named pip')"), "this Python has no pip"),
        (
            failing_pip("sys.exit('WARNING: hm\\nERROR: No matching distribution')"),
            "No matching distribution",
        ),
        (failing_pip("sys.exit(1)"), "pip failed"),
        (failing_pip("pass"), "pip brought no wheel that holds digits/all.pkl.gz"),
        (
            PackageSource("digits==1.0", "", "", ("no-such-command",)),
            r"pip did not run through \(FileNotFoundError\)",
        ),
    ],
)
def test_a_package_that_cannot_be_had(source, reason):
    with pytest.raises(SourceError, match=f"^{reason}$"):
        next(source.files([LABELS]))


def test_a_package_with_other_contents_is_not_opened(package, monkeypatch):
    other = PackageSource(package.requirement, package.member, "0" * 64, package.pip)
    monkeypatch.setattr(sources, "unpickle_arrays", lambda stream: pytest.fail("was unpickled"))
    with pytest.raises(SourceError, match=r"digits/all\.pkl\.gz has another SHA-256 than expected"):
        next(other.files([LABELS]))


def test_unpickling_calls_nothing_but_numpys_arrays():
    class Attack:
        def __reduce__(self):
            return eval, ("print('gotcha')",)

    with pytest.raises(pickle.UnpicklingError, match=r"the pickle asks for builtins\.eval"):
        unpickle_arrays(io.BytesIO(pickle.dumps(Attack())))
