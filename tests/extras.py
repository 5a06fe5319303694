"""What tests need beside the base install: a missing part skips them, in one line, and in CI fails them.

A plugin of pytest, because hooks of a conftest.py do not see that another one cannot be imported.
"""

import os
import tomllib
from collections import Counter
from functools import cache
from pathlib import Path
from typing import NoReturn

import pytest
from packaging.requirements import Requirement

MODULES = {"scikit-learn": "sklearn"}
"""Names of modules that are not the names of their packages."""


def in_ci() -> bool:
    return os.environ.get("CI") == "true"


def lacking(message: str) -> NoReturn:
    """Skip the test that needs what is missing; in CI, fail it."""
    if in_ci():
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


@cache
def modules() -> dict[str, tuple[str, bool]]:
    """The modules of the extras: the extra that brings each, and whether it can be installed here."""
    project = tomllib.loads(Path(__file__).parents[1].joinpath("pyproject.toml").read_text())["project"]
    found: dict[str, tuple[str, bool]] = {}
    for extra, lines in project["optional-dependencies"].items():
        for wanted in map(Requirement, lines):
            if wanted.name == project["name"]:
                continue
            module = MODULES.get(wanted.name, wanted.name.replace("-", "_"))
            found.setdefault(module, (extra, wanted.marker is None or wanted.marker.evaluate()))
    return found


def missing_extra(error: BaseException | None) -> str:
    """What to install, if an error comes from an import of an extra that may be missing; else nothing."""
    while error is not None and not isinstance(error, ModuleNotFoundError):
        error = error.__cause__ or error.__context__
    module = (error.name or "").partition(".")[0] if error else ""
    extra, installable = modules().get(module, ("", True))
    if not extra or (in_ci() and installable):
        return ""
    return f'{module} is not installed: pip install "inkwise[{extra}]"'


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    report = yield
    return skipped_without_extra(report, report.call, collector.path)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    return skipped_without_extra(report, call, item.path)


def skipped_without_extra(report, call, path):
    """The report; where an import of an optional package failed, as one of a skip."""
    if report.failed and (reason := missing_extra(call.excinfo.value)):
        report.outcome, report.longrepr = "skipped", (str(path), 0, f"Skipped: {reason}")
    return report


def pytest_terminal_summary(terminalreporter):
    """Show a line for each reason to skip; pytest has one for each test that a fixture skips."""
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = Counter(report.longrepr[2].removeprefix("Skipped: ") for report in skipped)
    if reasons:
        terminalreporter.section("skipped tests")
    for reason, count in reasons.most_common():
        terminalreporter.line(f"{count:5} {reason}")
