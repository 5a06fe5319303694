import errno
import os
import sys
from pathlib import Path

import numpy as np
import pytest
import typer
from numpy.typing import NDArray
from PIL import Image
from typer.testing import CliRunner, Result

from inkwise._util.errors import InkwiseError
from inkwise.cli.explain import explain
from inkwise.recognition.adaptation import reference_glyphs


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: NDArray[np.uint8]) -> None:
    """In an empty folder with a picture of a 7, a 1 and a 4, and a set of plain digits, three of each."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(number).save("number.png")
    np.savez("plain.npz", images=np.tile(reference_glyphs(), (3, 1, 1)), labels=np.tile(np.arange(10), 3))


def run(*arguments: str) -> Result:
    app = typer.Typer()
    app.command()(explain)
    return CliRunner().invoke(app, arguments, catch_exceptions=False)


def test_every_digit_is_told_with_what_is_most_like_it_and_drawn() -> None:
    outcome = run("number.png", "--among", "plain.npz")

    head, *rows = outcome.stdout.splitlines()
    assert head.split() == ["digit", "probability", "else", "most", "like", "it"]
    assert [row.split()[0] for row in rows] == ["7", "1", "4"]
    assert "  7 7 7 " in rows[0]
    assert "looking among the 30 samples of plain" in outcome.stderr
    assert "wrote number-explained.png" in outcome.stderr
    with Image.open("number-explained.png") as picture:
        assert picture.format == "PNG"


def test_out_names_the_picture() -> None:
    assert run("number.png", "--among", "plain.npz", "--out", "why.png").exit_code == 0
    assert Path("why.png").exists()
    assert not Path("number-explained.png").exists()


def test_what_is_there_is_not_overwritten() -> None:
    Path("number-explained.png").write_bytes(b"mine")
    with pytest.raises(InkwiseError, match=r"^number-explained\.png: is there already; name another"):
        run("number.png", "--among", "plain.npz")
    assert Path("number-explained.png").read_bytes() == b"mine"


def test_a_full_disk_leaves_no_half_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InkwiseError, match=r"explained\.png: cannot be written \(No space left on device\)$"):
        run("number.png", "--among", "plain.npz")
    assert not list(Path().glob("*explained*"))


def test_of_a_page_full_the_first_are_explained(number: NDArray[np.uint8]) -> None:
    Image.fromarray(np.tile(number, (5, 3))).save("page.png")
    outcome = run("page.png", "--among", "plain.npz")
    assert len(outcome.stdout.splitlines()) == 1 + 40
    assert "explaining the first 40 of 45 digits" in outcome.stderr


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["none.png"], r"none.png: cannot be opened \(No such file or directory\)"),
        (["blank.png"], "blank.png: no ink"),
        (["plain.npz"], "plain.npz: "),
        (["number.png", "--model", "none.onnx"], "none.onnx: cannot be opened"),
        (["number.png", "--model", "number.png"], "number.png: is not an ONNX model"),
        (["number.png", "--among", "none.npz"], "none.npz: no such data set or path"),
        (["number.png", "--among", "unlabelled.npz"], "unlabelled: nothing to compare with"),
        (["number.png", "--among", "plain.npz", "--out", "why.jpg"], "why.jpg: .* must end in .png"),
        (["number.png", "--among", "plain.npz", "--out", "none/why.png"], "none/why.png: cannot be written"),
    ],
)
def test_bad_input_is_one_line(arguments: list[str], reason: str) -> None:
    Image.new("L", (50, 50), 255).save("blank.png")
    np.savez("unlabelled.npz", images=reference_glyphs())
    with pytest.raises(InkwiseError, match=f"^{reason}") as caught:
        run(*arguments)
    assert "\n" not in str(caught.value)
    assert not list(Path().glob("*explained*"))


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("inkwise.evaluation")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "sklearn.metrics", None)
    with pytest.raises(InkwiseError, match=r'explaining needs .*pip install "inkwise\[train\]"'):
        run("number.png")
