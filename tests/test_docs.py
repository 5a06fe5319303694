"""The docs are held to the code: what exists is named, and what is named exists."""

import re
from dataclasses import fields
from pathlib import Path

import pytest
import typer.main

import inkwise
from inkwise.cli import app
from inkwise.training import RECIPES

ROOT = Path(__file__).parent.parent
DOCS = {
    path.relative_to(ROOT).as_posix(): path.read_text()
    for path in [ROOT / "README.md", *ROOT.glob("docs/*.md")]
}
EVERYTHING = "\n".join(DOCS.values())


def commands():
    """Each command's words and the options it takes."""
    todo = [(("inkwise",), typer.main.get_command(app))]
    while todo:
        words, command = todo.pop()
        todo += [((*words, name), sub) for name, sub in getattr(command, "commands", {}).items()]
        options = [
            option for parameter in command.params for option in parameter.opts if option.startswith("--")
        ]
        yield " ".join(words), [option for option in options if option != "--help"]


@pytest.mark.parametrize(("command", "options"), list(commands()))
def test_every_command_and_option_is_in_the_docs(command, options):
    assert command in EVERYTHING
    missing = [option for option in options if option not in EVERYTHING]
    assert not missing, f"{command}: {missing}"


def test_every_recipe_and_every_key_is_in_the_docs():
    text = DOCS["docs/training.md"]
    names = [*RECIPES, *(field.name for field in fields(RECIPES["default"]))]
    assert not [name for name in names if f"`{name}`" not in text]


def test_every_public_name_is_in_the_docs():
    assert not [
        name for name in inkwise.__all__ if not name.startswith("__") and f"`{name}" not in EVERYTHING
    ]


@pytest.mark.parametrize("name", DOCS)
def test_every_link_and_picture_is_there(name):
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", DOCS[name])
    local = [target for target in targets if "://" not in target]
    assert not [target for target in local if not (ROOT / name).parent.joinpath(target).exists()]


def test_every_option_that_the_docs_use_exists():
    known = {option for _, options in commands() for option in options} | {"--help"}
    used = {
        (line, option)
        for line in re.findall(r"^    inkwise .*$", EVERYTHING, re.MULTILINE)
        for option in re.findall(r"(?<=\s)--[a-z-]+", line)
    }
    assert used
    assert not [pair for pair in used if pair[1] not in known]


def test_every_script_that_the_docs_name_exists():
    scripts = re.findall(r"\b(?:benchmarks|examples|docs)/\w+\.py\b", EVERYTHING)
    assert scripts
    assert not [script for script in scripts if not (ROOT / script).exists()]
