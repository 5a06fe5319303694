"""Every option that names a file or a folder, with unusable paths: one error line and exit status 1.

The options are taken from the commands: a new one is tested too, or must be classified here.
"""

import inspect
import json
import os
import subprocess
import sys
import typing
from pathlib import Path

import numpy as np
import pytest
import typer.main
from PIL import Image

from inkwise.cli import app
from inkwise.cli.options import Reads, Writes

TEXTS = {
    *("writer", "host", "token", "device", "sampler", "name", "names", "on", "address"),
    *("expect", "length", "pattern", "range_", "check", "decimal", "format_", "cors"),
}
"""Parameters of text that is not a path; `evaluate` and `read` each have their own `on`."""

SOUND = {
    "read": {"files": "scan.png"},
    "review": {"table": "table.jsonl"},
    "train": {"recipe": "recipe.json", "out": "run"},
    "sweep": {
        "recipe": "recipe.json",
        "space": "optimization.lr=0.001,0.002",
        "sampler": "grid",
        "out": "swept",
    },
    "reproduce": {"names": "mlp-50", "hands": "hands", "out": "runs"},
    "evaluate": {"model": "tiny", "on": "digits.csv"},
    "explain": {"image": "scan.png", "model": "tiny", "among": "digits.csv"},
    "predict": {"source": "digits.csv", "model": "tiny", "submission": "out.csv"},
    "ensemble": {"runs": "tiny", "out": "out.onnx"},
    "learn": {"writer": "anna", "database": "sqlite:///new.db", "model": "tiny"},
    "app": {"no_browser": True},
    "serve": {"port": "0"},
    "data get": {"name": "unipen", "source": "hands"},
    "data info": {"source": "digits.csv"},
    "corrections export": {"folder": "exported", "database": "sqlite:///new.db"},
    "corrections import": {"source": "samples.jsonl", "database": "sqlite:///new.db"},
    "corrections check": {"database": "sqlite:///new.db"},
    "corrections backup": {"file": "copy.db", "database": "sqlite:///new.db"},
    "form new": {"scan": "scan.png", "no_browser": True},
    "form check": {"form": "form.yaml"},
    "export page": {"file": "digits.html"},
    "export pad": {"file": "pad.js"},
}
"""Valid values of the required parameters of each command."""

BESIDE = {("read", "out"): {"json": True}}
"""Additional values that a parameter needs."""

UNTRIED = {
    ("app", "database"): "the app starts without its database and waits for it",
    ("review", "database"): "the same",
    ("reproduce", "page"): "is written after hours of training",
    ("sweep", "space"): "passed to processes that take seconds to start; tested with train",
    ("sweep", "set_"): "the same",
}


def leaves(command, path=()):
    """Yield each command with its name."""
    if not hasattr(command, "commands"):
        yield " ".join(path), command
        return
    for name, inner in command.commands.items():
        yield from leaves(inner, (*path, name))


COMMANDS = dict(leaves(typer.main.get_command(app)))


def marks(command):
    """Yield each parameter of text or a path with its marker, or None."""
    function = inspect.unwrap(command.callback)
    hints = typing.get_type_hints(function, include_extras=True)
    kinds = typing.get_type_hints(function)
    for parameter in command.params:
        if parameter.name in hints and any(kind in str(kinds[parameter.name]) for kind in ("str", "Path")):
            extras = getattr(hints[parameter.name], "__metadata__", ())
            yield parameter, next((extra for extra in extras if isinstance(extra, Reads | Writes)), None)


def test_every_parameter_is_classified():
    for name, command in COMMANDS.items():
        for parameter, mark in marks(command):
            named = f"{name}: {parameter.name}"
            if mark is None:
                assert parameter.name in TEXTS, f"{named} needs a mark, Reads or Writes, or is one of TEXTS"


def arguments(command, values):
    """The arguments of a command line."""
    words = []
    for parameter in command.params:
        value = values.get(parameter.name)
        if value is not None:
            option = [parameter.opts[0]] if parameter.param_type_name == "option" else []
            words += [*option, *([] if value is True else [value])]
    return words


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of valid inputs, and folders for the unusable paths to read and to write."""
    folder = tmp_path_factory.mktemp("paths")
    for role in (Reads, Writes):
        (folder / role.__name__).mkdir()
    sound = folder / "sound"
    sound.mkdir()
    picture = np.full((120, 120), 230, np.uint8)
    picture[20:100, 50:60] = 30
    Image.fromarray(picture).save(sound / "scan.png")
    glyphs = np.random.default_rng(0).integers(0, 60, (30, 784), np.uint8)
    rows = [",".join(["label", *(f"pixel{i}" for i in range(784))])]
    rows += [",".join([str(number % 3), *map(str, glyph)]) for number, glyph in enumerate(glyphs.tolist())]
    (sound / "digits.csv").write_text("\n".join(rows))
    recipe = {"recipe": "default", "epochs": 1, "channels": [2, 2, 2], "data": ["digits.csv"], "test": []}
    (sound / "recipe.json").write_text(json.dumps(recipe))
    (sound / "table.jsonl").touch()
    (sound / "samples.jsonl").touch()
    (sound / "form.yaml").write_text(
        "name: card\nreference: scan.png\nfields: [{name: a, box: [9, 9, 90, 90]}]"
    )
    (sound / "hands").mkdir()
    for name in ("unipen_digits.npz", "hwd1000.npz"):
        (sound / "hands" / name).touch()
    return folder


INSIDE = (
    *(
        "model.onnx",
        "recipe.json",
        "history.csv",
        "checkpoint.pt",
        "samples.jsonl",
        "images.csv",
        "labels.csv",
    ),
    *("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "unipen_digits.npz", "hwd1000.npz", "a.png"),
)
"""File names that commands look for in a folder."""


def links(to):
    def make(path):
        path.symlink_to(to)

    return make


def closed(path):
    path.touch()
    path.chmod(0)


def in_closed_folder(path):
    path.mkdir(0)


def large(path):
    path.touch()
    os.truncate(path, 20 * 2**30)


def pipes(path):
    path.mkdir()
    for name in INSIDE:
        os.mkfifo(path / name)


def zeros(path):
    path.mkdir()
    for name in INSIDE:
        (path / name).symlink_to("/dev/zero")


def nothing(path):
    """Create nothing: only the name is used."""


UNREADABLE = {
    "a pipe": os.mkfifo,
    "a device without end": links("/dev/zero"),
    "an empty folder": Path.mkdir,
    "a folder of pipes": pipes,
    "a folder of devices": zeros,
    "a dangling link": links("nowhere"),
    "a link to itself": lambda path: path.symlink_to(path.name),
    "a closed file": closed,
    "a damaged disk": links("/proc/self/mem"),
    "20 GB": large,
    "0 bytes": Path.touch,
    "a name of 300 bytes": nothing,
    "below a file": nothing,
    "in a closed folder": in_closed_folder,
}

UNWRITABLE = {
    "a folder": Path.mkdir,
    "a file": Path.touch,
    "a full device": links("/dev/full"),
    "a dangling link": links("/proc/nowhere"),
    "a link to itself": lambda path: path.symlink_to(path.name),
    "a name of 300 bytes": nothing,
    "below a file": nothing,
    "in a closed folder": in_closed_folder,
}

USABLE = {
    "review scans": {"an empty folder", "a folder of pipes", "a folder of devices"},
    "review table": {"0 bytes"},
    "corrections import source": {"0 bytes"},
    "database": {"0 bytes", "a dangling link"},
    "storage": {"0 bytes", "a dangling link"},
    "out": {"a folder"},
    "read out": {"a file"},
    "ensemble out": {"a file"},
    "explain out": set(),
    "predict submission": {"a file"},
    "form check picture": {"a file"},
    "corrections export folder": {"a folder"},
    "export page file": {"a file"},
    "export pad file": {"a file"},
}
"""Kinds that are usable nevertheless, by command and parameter or by parameter alone."""


def placed(folder, kind, make, form):
    """The argument for a path of this kind, in a form such as with a suffix."""
    name = "x" * 300 if "300" in kind else kind.replace(" ", "-")
    path = folder / form.rpartition("=")[2].removeprefix("sqlite:///").format(name)
    if make is not nothing and not path.is_symlink() and not path.exists():
        make(path)
    if kind == "below a file":
        path = folder.parent / "sound" / "digits.csv" / path.name
    if kind == "in a closed folder":
        path = path / path.name
    return form[: form.index("{")] + str(path)


def cases(folder, role, kinds):
    for name, command in COMMANDS.items():
        for parameter, mark in marks(command):
            if not isinstance(mark, role) or (name, parameter.name) in UNTRIED:
                continue
            usable = USABLE.get(f"{name} {parameter.name}", USABLE.get(parameter.name, ()))
            for form in mark.forms:
                for kind, make in kinds.items():
                    if kind not in usable:
                        path = placed(folder / role.__name__, kind, make, form)
                        values = SOUND[name] | BESIDE.get((name, parameter.name), {})
                        words = [*name.split(), *arguments(command, values | {parameter.name: path})]
                        yield f"{name}: {parameter.opts[0]} {form}, {kind}", words


def complaint(result):
    """What is wrong with how a case ended; None if nothing is."""
    lines = [line for line in result["err"].splitlines() if line.startswith("inkwise: ")]
    if result["code"] != 1:
        return f"exit status {result['code']}: {result['err'][-300:]}"
    if len(lines) != 1 or "Traceback" in result["err"]:
        return f"not one line: {result['err'][-600:]}"
    if result["megabytes"] > 500:
        return f"{result['megabytes']} MB"
    return None


@pytest.mark.slow
def test_every_unusable_path_exits_with_one_line_and_little_memory(folder):
    named = {**dict(cases(folder, Reads, UNREADABLE)), **dict(cases(folder, Writes, UNWRITABLE))}
    assert set(COMMANDS) - {case.partition(":")[0] for case in named} == {"data list"}
    orders = [{"arguments": words, "folder": str(folder / "sound")} for words in named.values()]
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("path_runner.py")],
        input=json.dumps(orders),
        capture_output=True,
        text=True,
        check=True,
    )
    results = zip(named, json.loads(done.stdout), strict=True)
    complaints = [f"{case}: {why}" for case, result in results if (why := complaint(result))]
    assert not complaints, "\n".join(complaints)
