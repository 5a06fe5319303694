"""The container files agree with the code; no image is built or run."""

import json
import re
import subprocess
import sys
import tomllib
from inspect import signature
from pathlib import Path

import pytest
import typer.main
import yaml

from inkwise.cli import app
from inkwise.cli.serve import serve
from inkwise.http.launch import _GRACE_SECONDS
from inkwise.recognition.runtime import TELEMETRY_SWITCH
from inkwise.service import RequestLimits
from inkwise.service.schema import HEALTH_PATH

ROOT = Path(__file__).parent.parent.parent
DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", "")
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
OURS = {name: each for name, each in COMPOSE["services"].items() if "build" in each}


def test_installed_packages_exist():
    asked = re.findall(r"ARG EXTRAS=(\w+)", DOCKERFILE)
    asked += [each["build"]["args"]["EXTRAS"] for each in OURS.values() if "args" in each["build"]]
    assert {*asked} == {"serve", "app"}
    assert {*asked} <= {*PROJECT["optional-dependencies"]}


def test_copied_files_exist_and_are_not_ignored():
    (copied,) = re.findall(r"^COPY (pyproject.*) \./$", DOCKERFILE, re.MULTILINE)
    kept = (ROOT / ".dockerignore").read_text().split()
    for name in [*copied.split(), "src"]:
        assert (ROOT / name).exists()
        assert f"!{name}" in kept


@pytest.mark.parametrize(
    "words",
    [json.loads(re.search(r"^CMD (.*)$", DOCKERFILE, re.MULTILINE)[1])]
    + [each["command"] for each in OURS.values()],
)
def test_container_commands_are_valid(words, tmp_path):
    name, *options = words
    typer.main.get_command(app).commands[name].make_context(name, options)


def test_container_python_is_supported():
    (least,) = re.findall(r">=3\.(\d+)$", PROJECT["requires-python"])
    images = re.findall(r"^FROM python:3\.(\d+)-slim", DOCKERFILE, re.MULTILINE)
    assert len(images) == 2
    assert len({*images}) == 1  # build and runtime images agree
    assert int(images[0]) >= int(least)


def test_container_health_check_matches_the_service(start):
    (words,) = re.findall(r"HEALTHCHECK .* CMD (.*)$", DOCKERFILE, re.MULTILINE)
    (ours,) = re.findall(r"^EXPOSE (\d+)$", DOCKERFILE, re.MULTILINE)
    address = f"http://127.0.0.1:{ours}"
    assert f"{address}{HEALTH_PATH}" in words
    assert OURS["serve"]["ports"] == [f"127.0.0.1:{ours}:{signature(serve).parameters['port'].default}"]
    with start() as service:
        name, *rest = (word.replace(address, service.url) for word in json.loads(words))
        assert (name, subprocess.run([sys.executable, *rest]).returncode) == ("python", 0)
        assert service.end() == 0
        assert subprocess.run([sys.executable, *rest], stderr=subprocess.DEVNULL).returncode == 1


def test_stop_grace_period_covers_shutdown():
    given = int(OURS["serve"]["stop_grace_period"].removesuffix("s"))
    assert given > RequestLimits().seconds + 2 * _GRACE_SECONDS


def test_required_settings_are_documented():
    page = (ROOT / "docs" / "serve.md").read_text()
    for name in re.findall(r"\$\{(\w+)", (ROOT / "compose.yaml").read_text()):
        assert f"{name}=" in page
    for name, secret in COMPOSE["secrets"].items():
        assert f"/run/secrets/{name}" in OURS["serve"]["command"]
        assert f"> {secret['file'].removeprefix('./')} " in page


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_no_secret_is_on_a_command_line(name):
    service = COMPOSE["services"][name]
    words = [*service.get("command", []), *service.get("healthcheck", {}).get("test", [])]
    assert not [word for word in words if "$" in word]


def test_app_container_takes_its_token_from_the_environment():
    (token,) = (each for each in typer.main.get_command(app).commands["app"].params if each.name == "token")
    assert OURS["app"]["environment"][token.envvar].startswith(f"${{{token.envvar}:?")


@pytest.mark.parametrize("name", OURS)
def test_containers_disable_telemetry(name):
    assert re.search(rf"^ENV .*\b{TELEMETRY_SWITCH}=1\b", DOCKERFILE, re.MULTILINE)
    assert OURS[name]["environment"][TELEMETRY_SWITCH] == "1"


@pytest.mark.parametrize("name", OURS)
def test_containers_are_unprivileged_and_read_only(name):
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", DOCKERFILE, re.MULTILINE)
    assert (OURS[name]["read_only"], OURS[name]["tmpfs"], OURS[name]["cap_drop"]) == (True, ["/tmp"], ["ALL"])
    assert all(port.startswith("127.0.0.1:") for port in OURS[name]["ports"])
