"""What operators start docparse with: images, compose, systemd. That what these files name is there.

No image is built here. The commands are parsed by the program's own parser, the variables are settings,
the paths exist.
"""

from __future__ import annotations

import fnmatch
import json
import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from docparse.cli import app
from docparse.settings import ServeSettings, load_serve

HOME = Path(__file__).parents[1]
IMAGES = ("Dockerfile", "Dockerfile.cuda")
UNIT = HOME / "contrib" / "docparse.service"


def parse(words: list[str]) -> dict[str, Any]:
    """The options of ``docparse WORDS``; what is no command or no option raises ``ClickException``."""
    command: Any = typer.main.get_command(app)
    while words and words[0] in getattr(command, "commands", {}):
        command, words = command.commands[words[0]], words[1:]
    params: dict[str, Any] = command.make_context(command.name, list(words)).params
    return params


def settings(variables: dict[str, str]) -> ServeSettings:
    """The settings that these variables mean; each has to be one."""
    names = {name.removeprefix("DOCPARSE_").lower() for name in variables}
    assert names <= set(ServeSettings.model_fields), names
    return load_serve(**{name.removeprefix("DOCPARSE_").lower(): value for name, value in variables.items()})


def instructions(image: str) -> list[tuple[str, str]]:
    text = re.sub(r"(?m)^\s*#.*\n", "", (HOME / image).read_text("utf-8")).replace("\\\n", " ")
    lines = [line.partition(" ") for line in text.splitlines() if line.strip()]
    return [(word, rest.strip()) for word, _, rest in lines]


def stages(image: str) -> list[list[tuple[str, str]]]:
    found: list[list[tuple[str, str]]] = []
    for word, rest in instructions(image):
        if word == "FROM":
            found.append([])
        found[-1].append((word, rest))
    return found


def comments(path: Path) -> str:
    """The comment that a file begins with, without its marks and with its lines joined."""
    lines = path.read_text("utf-8").partition("\n\n")[0].splitlines()
    return "\n".join(line.removeprefix("#").strip() for line in lines).replace("\\\n", " ")


def ignored(path: str) -> bool:
    """Whether ``.dockerignore`` keeps a path at the top out of the build."""
    out = False
    for line in (HOME / ".dockerignore").read_text("utf-8").splitlines():
        pattern = line.strip()
        if pattern and not pattern.startswith("#") and fnmatch.fnmatch(path, pattern.removeprefix("!")):
            out = not pattern.startswith("!")
    return out


# ------------------------------------------------------------------------------------ images


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_is_made_of_what_is_there(image: str) -> None:
    extras = tomllib.loads((HOME / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    build, last = stages(image)
    copied = [name for word, rest in build if word == "COPY" for name in rest.split()[:-1]]
    assert {"docparse", "model", "exporters", "ui", "pyproject.toml", "constraints.txt"} <= set(copied)
    for name in copied:
        assert (HOME / name).exists(), name
        assert not ignored(name), f"{name} is kept out by .dockerignore"
    assert ignored("tests")
    assert ignored(".git")
    (install,) = [rest for word, rest in build if word == "RUN"]
    (wanted,) = re.findall(r"'\.\[([\w,]+)\]'", install)
    assert set(wanted.split(",")) <= set(extras)
    assert "-c constraints.txt" in install
    assert [rest for word, rest in last if word == "COPY"] == ["--from=build /opt/docparse /opt/docparse"]


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_serves_as_nobody_in_particular(image: str) -> None:
    last = stages(image)[-1]
    said = dict(last)
    assert said["USER"] == "docparse"
    (made,) = [rest for word, rest in last if word == "RUN"]
    assert "useradd --system --uid 10001" in made
    assert "pip uninstall -y pip" in made
    words = [word for word, _ in last]
    assert words.index("USER") > max(number for number, word in enumerate(words) if word in ("RUN", "COPY"))
    assert json.loads(said["ENTRYPOINT"]) == ["docparse", "serve"]
    assert parse(json.loads(said["ENTRYPOINT"])[1:])["check"] is False
    variables = dict(part.split("=", 1) for part in shlex.split(said["ENV"]) if part.startswith("DOCPARSE_"))
    meant = settings(variables)
    assert meant.host == "0.0.0.0"  # which is refused until there is a key
    assert str(meant.port) == said["EXPOSE"]
    assert meant.data_folder() in said["VOLUME"]
    probe = json.loads(said["HEALTHCHECK"].partition(" CMD ")[2])
    assert f"127.0.0.1:{meant.port}/healthz" in probe[-1]
    compile(probe[-1], image, "exec")


@pytest.mark.parametrize("file", [*IMAGES, "compose.yaml"])
def test_what_an_operator_is_told_to_run_is_understood(file: str) -> None:
    told = 0
    for line in comments(HOME / file).splitlines():
        words = shlex.split(line.partition(" #")[0]) if line.startswith(("docker run", "docker compose run")) else []
        # The image is the first word without an option that has a name of ours; --entrypoint's value comes before it.
        images = [number for number, word in enumerate(words) if word in ("docparse", "docparse:cuda", "api")]
        if images:
            entry = "--entrypoint" in words
            given = words[images[1 if entry else 0] + 1 :]
            parse(given if entry else ["serve", *given])
            told += 1
    assert told >= 1


# ------------------------------------------------------------------------------------ compose


def test_compose_has_a_service_two_workers_and_a_queue() -> None:
    services = yaml.safe_load((HOME / "compose.yaml").read_text("utf-8"))["services"]
    assert set(services) == {"api", "worker", "redis"}
    for name in ("api", "worker"):
        service = services[name]
        meant = settings(service["environment"])
        assert meant.queue == "redis://redis:6379/0"
        assert meant.drain < float(service["stop_grace_period"].removesuffix("s"))
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
        assert service["volumes"] == ["data:/var/lib/docparse"]
        assert service["build"] == "."
        assert parse(["serve", *service.get("command", [])])["no_http"] is (name == "worker")
    assert services["worker"]["deploy"]["replicas"] == 2
    assert services["api"]["ports"] == ["127.0.0.1:8000:8000"]
    assert "--appendonly" in services["redis"]["command"]


# ------------------------------------------------------------------------------------ systemd


def unit() -> dict[str, dict[str, list[str]]]:
    found: dict[str, dict[str, list[str]]] = {}
    section: dict[str, list[str]] = {}
    for line in UNIT.read_text("utf-8").splitlines():
        if line.startswith("["):
            section = found.setdefault(line.strip("[]"), {})
        elif line.strip() and not line.startswith("#"):
            key, _, value = line.partition("=")
            section.setdefault(key, []).append(value)
    return found


def test_the_unit_starts_what_is_there() -> None:
    service = unit()["Service"]
    for line in (*service["ExecStart"], *service["ExecStartPre"]):
        program, *words = shlex.split(line)
        assert program == "/opt/docparse/bin/docparse"
        parse(words)
    meant = settings(dict(line.split("=", 1) for line in service["Environment"]))
    assert meant.host == "127.0.0.1"
    assert meant.data_folder() == f"/var/lib/{service['StateDirectory'][0]}"
    assert meant.drain < float(service["TimeoutStopSec"][0])
    assert service["KillMode"] == ["mixed"]
    (made,) = re.findall(r"/opt/docparse/bin/docparse (serve .*)", comments(UNIT).replace("\n", " "))
    assert parse(shlex.split(made.split("--make-key me")[0] + "--make-key me"))["make_key"] == "me"


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_systemd_understands_the_unit_and_finds_it_hardened(tmp_path: Path) -> None:
    copy = tmp_path / "docparse.service"
    copy.write_text(UNIT.read_text("utf-8").replace("/opt/docparse/bin/docparse", "/bin/true"), "utf-8")
    told = subprocess.run(["systemd-analyze", "verify", copy], capture_output=True, text=True, timeout=60)
    assert (told.returncode, told.stderr) == (0, "")
    told = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--threshold=25", copy],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert told.returncode == 0, told.stdout  # an exposure of 2.5 of 10 at most
