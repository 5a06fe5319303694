"""Documentation tests: commands, options, names, links and navigation agree with the code."""

import re
from pathlib import Path

import numpy as np
import pytest
import typer.main
import yaml

import inkwise
from inkwise.cli import app
from inkwise.training import RECIPES, load_plugins

ROOT = Path(__file__).parent.parent
DOCS = {
    path.relative_to(ROOT).as_posix(): path.read_text()
    for path in [ROOT / "README.md", *ROOT.glob("docs/**/*.md")]
}
EVERYTHING = "\n".join(DOCS.values())


def commands():
    """Yield each command's words and its options."""
    todo = [(("inkwise",), typer.main.get_command(app))]
    while todo:
        words, command = todo.pop()
        todo += [((*words, name), sub) for name, sub in getattr(command, "commands", {}).items()]
        options = [
            option for parameter in command.params for option in parameter.opts if option.startswith("--")
        ]
        yield " ".join(words), [option for option in options if option != "--help"]


@pytest.mark.parametrize(("command", "options"), list(commands()))
def test_docs_name_every_command_and_option(command, options):
    assert command in EVERYTHING
    missing = [option for option in options if option not in EVERYTHING]
    assert not missing, f"{command}: {missing}"


def test_training_page_names_every_recipe_and_key():
    text = DOCS["docs/training.md"]
    load_plugins()
    names = [*RECIPES, *RECIPES["default"].values()]
    assert not [name for name in names if f"`{name}`" not in text]


def test_docs_name_every_public_symbol():
    assert not [
        name for name in inkwise.__all__ if not name.startswith("__") and f"`{name}" not in EVERYTHING
    ]


def test_json_page_names_every_key():
    glyph = np.zeros((28, 28), np.uint8)
    digit = inkwise.Digit("4", 0.9, True, None, (("4", 0.9),), (0, 0, 9, 9), None, glyph)
    ignored = inkwise.IgnoredRegion((0, 0, 5, 5), "print")
    reading = inkwise.Reading.from_numbers(
        [inkwise.Number.from_digits((digit,))], model="m", reason=None, ignored=[ignored]
    )
    whole = reading.to_dict()
    (number,) = whole["numbers"]
    parts = DOCS["docs/json.md"].split("\n## ")
    for section, keys in zip(parts, (whole, number, number["digits"][0], whole["ignored"][0]), strict=False):
        rows = " ".join(line.split("|")[1] for line in section.splitlines() if line.startswith("| `"))
        assert sorted(re.findall(r"`(\w+)`", rows)) == sorted(keys)


@pytest.mark.parametrize("name", DOCS)
def test_links_and_images_point_to_existing_files(name):
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", DOCS[name])
    local = [target for target in targets if "://" not in target]
    assert not [target for target in local if not (ROOT / name).parent.joinpath(target).exists()]


def test_options_used_in_docs_exist():
    known = {option for _, options in commands() for option in options} | {"--help"}
    used = {
        (line, option)
        for line in re.findall(r"^    inkwise .*$", EVERYTHING, re.MULTILINE)
        for option in re.findall(r"(?<=\s)--[a-z-]+", line)
    }
    assert used
    assert not [pair for pair in used if pair[1] not in known]


def test_scripts_named_in_docs_exist():
    scripts = re.findall(r"\b(?:benchmarks|examples|docs)/\w+\.py\b", EVERYTHING)
    assert scripts
    assert not [script for script in scripts if not (ROOT / script).exists()]


def nav_pages(entry):
    """Yield the paths of a navigation entry of mkdocs.yml."""
    if isinstance(entry, str):
        yield entry
    else:
        for child in entry if isinstance(entry, list) else entry.values():
            yield from nav_pages(child)


def test_navigation_holds_every_page_once():
    pages = sorted(nav_pages(yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"]))
    assert pages == sorted(name.removeprefix("docs/") for name in DOCS if name.startswith("docs/"))


def test_reference_pages_name_every_public_symbol():
    documented = set(re.findall(r"^::: inkwise\.(\w+)$", EVERYTHING, re.MULTILINE))
    assert documented >= {name for name in inkwise.__all__ if not name.startswith("__")}


def test_cli_reference_describes_every_command_and_option(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs")
    from cli_reference import cli_reference

    page = cli_reference()
    groups = {"inkwise data", "inkwise corrections", "inkwise form", "inkwise export"}
    for command, options in commands():
        assert command in groups or f"## {command}\n" in page
        assert not [option for option in options if option not in page]


GENERATED = {"docs/benchmarks.md", "docs/papers.md"}


@pytest.mark.parametrize("name", sorted(DOCS.keys() - GENERATED))
def test_prose_lines_are_shorter_than_120_columns(name):
    exempt = re.compile(r"[|]|!?\[|    |.*Python 3\.\d+\.\d|Accepted most,")  # tables, links, code, figures
    assert not [line for line in DOCS[name].splitlines() if len(line) >= 120 and not exempt.match(line)]


def test_site_holds_the_exported_page():
    from mkdocs.config import load_config
    from mkdocs.structure.files import Files

    config = load_config(str(ROOT / "mkdocs.yml"))
    files = config.plugins.on_files(Files([]), config=config)
    assert "<inkwise-pad" in files.get_file_from_path("digits.html").content_string
    assert '<iframe src="digits.html"' in DOCS["docs/index.md"]
