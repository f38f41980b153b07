"""``docparse serve`` up to where it serves: keys, where it may listen, what it says of the machine."""

from __future__ import annotations

import io
import socket
import stat
import sys
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from docparse.api.auth import Gate, read_keys
from docparse.cli import NOTHING_READ, OK, SOME_FAILED, USAGE, app
from docparse.commands import serve
from docparse.errors import KeyRefused

runner = CliRunner()


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import os

    for name in [name for name in os.environ if name.upper().startswith("DOCPARSE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data-home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache-home"))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as door:
        port: int = door.getsockname()[1]
        return port


# ------------------------------------------------------------------------------------ keys


def test_a_key_is_made_shown_once_and_known_by_its_hash(tmp_path: Path) -> None:
    made = runner.invoke(app, ["serve", "--data-dir", str(tmp_path), "--make-key", "me"])
    assert made.exit_code == OK, made.stderr
    key = made.stdout.strip()
    assert key.startswith("docparse_")
    path = tmp_path / "keys"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert key not in path.read_text()
    assert key not in made.stderr
    assert "shown only now" in made.stderr

    known = Gate(read_keys(path))
    assert known.owner(key, address="127.0.0.1") == "me"
    with pytest.raises(KeyRefused):
        known.owner(key[:-1], address="127.0.0.1")


def test_keys_are_added_also_after_a_line_without_its_end(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text("# ours\nold:" + "0" * 64)
    for name in ("me", "me", "you"):
        assert runner.invoke(app, ["serve", "--keys-file", str(path), "--make-key", name]).exit_code == OK
    assert [key.name for key in read_keys(path)] == ["old", "me", "me", "you"]
    again = runner.invoke(app, ["serve", "--keys-file", str(path), "--make-key", "me"])
    assert "It has 3 keys now" in again.stderr


@pytest.mark.parametrize("name", ["", "two words", "a:b", "local", "x" * 65, "é"])
def test_a_name_that_cannot_be_one_makes_no_key(tmp_path: Path, name: str) -> None:
    made = runner.invoke(app, ["serve", "--data-dir", str(tmp_path), "--make-key", name])
    assert made.exit_code == USAGE
    assert made.stdout == ""
    assert not (tmp_path / "keys").exists()


def test_a_key_that_cannot_be_kept_is_not_shown(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    made = runner.invoke(app, ["serve", "--keys-file", str(tmp_path / "file" / "keys"), "--make-key", "me"])
    assert made.exit_code == NOTHING_READ
    assert made.stdout == ""
    assert "[output.failed]" in made.stderr


# ------------------------------------------------------------------------------------ where it may listen


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "docs.example.org"])
def test_nobody_is_let_in_from_elsewhere_without_a_key(tmp_path: Path, host: str) -> None:
    told = runner.invoke(app, ["serve", "--data-dir", str(tmp_path), "--host", host])
    assert told.exit_code == USAGE
    assert f"--host {host}: others could reach the service there" in told.stderr
    assert "docparse serve --make-key NAME" in told.stderr


def test_with_a_key_it_may_listen_wider(tmp_path: Path) -> None:
    settings = serve.load_serve(host="0.0.0.0", data_dir=str(tmp_path))
    runner.invoke(app, ["serve", "--data-dir", str(tmp_path), "--make-key", "me"])
    serve.check_address(settings, serve.keys(settings))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_this_machine_is_this_machine(host: str) -> None:
    assert serve.is_loopback(host)
    serve.check_address(serve.load_serve(host=host), ())


def test_a_file_of_keys_that_is_named_has_to_be_there(tmp_path: Path) -> None:
    # Else a misspelled path would let everybody in.
    told = runner.invoke(app, ["serve", "--data-dir", str(tmp_path), "--keys-file", str(tmp_path / "none")])
    assert told.exit_code == USAGE
    assert "the keys cannot be read" in told.stderr


def test_an_empty_file_of_keys_lets_nobody_in_from_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("# none yet\n")
    told = runner.invoke(app, ["serve", "--data-dir", str(tmp_path), "--host", "0.0.0.0"])
    assert told.exit_code == USAGE


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
        told = runner.invoke(app, ["serve", "--data-dir", str(tmp_path), "--port", str(port)])
    assert told.exit_code == USAGE
    assert f"cannot listen on 127.0.0.1, port {port}" in told.stderr
    assert "--port" in told.stderr


def test_what_is_not_installed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve.importlib.util, "find_spec", lambda name: None if name in ("huey", "redis") else True)
    told = runner.invoke(app, ["serve", "--data-dir", str(tmp_path)])
    assert told.exit_code == USAGE
    assert "needs huey, which is not installed" in told.stderr
    assert "pip install 'docparse[server]'" in told.stderr
    told = runner.invoke(app, ["serve", "--data-dir", str(tmp_path), "--queue", "redis://127.0.0.1:1"])
    assert "needs huey and redis, which are not installed" in told.stderr
    assert "pip install 'docparse[redis]'" in told.stderr


# ------------------------------------------------------------------------------------ --check


def check(*words: str) -> tuple[int, dict[str, tuple[str, str]], str]:
    """Exit code; by name of a check its mark and its text; all that was said."""
    told = runner.invoke(app, ["serve", "--check", *words])
    lines = [line.rstrip().split(None, 2) for line in told.stdout.splitlines()]
    return told.exit_code, {line[1]: (line[0], line[2]) for line in lines if len(line) == 3}, told.stdout


def test_a_machine_on_which_all_is_well(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    code, found, told = check("--data-dir", str(folder), "--port", str(free_port()), "--workers", "3")
    assert code == OK, told
    assert {name: mark for name, (mark, _) in found.items()} == dict.fromkeys(
        ("disk", "store", "queue", "engine", "sandbox", "fonts", "port", "keys", "limits"), "ok"
    )
    assert "embedded, 3 processes" in found["engine"][1]
    assert "no jobs yet" in found["store"][1]
    assert str(folder) in found["disk"][1]
    # Nothing is left that a start would not have left.
    assert not list(folder.rglob("check-*"))
    assert not list(folder.glob("jobs/*"))
    assert not list(folder.glob("incoming/*"))


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("me:no hash\n")
    (tmp_path / "jobs.sqlite").write_bytes(b"this is no database, whatever its name says" * 100)
    with socket.create_server(("127.0.0.1", 0)) as door:
        words = ["--data-dir", str(tmp_path), "--port", str(door.getsockname()[1]), "--engine", "qwen"]
        code, found, told = check(*words)
    assert code == SOME_FAILED
    wrong = {name for name, (mark, _) in found.items() if mark == "not"}
    assert wrong == {"store", "engine", "port", "keys", "limits"}, told
    assert "the qwen engine needs a model" in found["engine"][1]
    assert "line 1 is no key" in found["keys"][1]


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code, found, told = check("--data-dir", str(tmp_path / "file"))
    assert code == SOME_FAILED
    assert found["disk"][0] == found["store"][0] == found["queue"][0] == "not", told


def test_a_redis_that_is_not_there_is_told(tmp_path: Path) -> None:
    where = f"redis://:secret@127.0.0.1:{free_port()}/0"
    code, found, told = check("--data-dir", str(tmp_path), "--queue", where)
    assert code == SOME_FAILED
    assert found["store"][0] == found["queue"][0] == "not", told
    assert "secret" not in told


def test_listening_wider_without_a_key_is_found_before_it_is_tried(tmp_path: Path) -> None:
    code, found, _ = check("--data-dir", str(tmp_path), "--host", "0.0.0.0", "--port", str(free_port()))
    assert code == SOME_FAILED
    assert found["keys"][0] == "not"
    assert "--make-key" in found["keys"][1]
    runner.invoke(app, ["serve", "--data-dir", str(tmp_path), "--make-key", "me"])
    code, found, _ = check("--data-dir", str(tmp_path), "--host", "0.0.0.0", "--port", str(free_port()))
    assert (code, found["keys"]) == (OK, ("ok", "1 of me"))


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of POSIX")
def test_a_file_of_keys_that_others_can_write_is_told(tmp_path: Path) -> None:
    runner.invoke(app, ["serve", "--data-dir", str(tmp_path), "--make-key", "me"])
    (tmp_path / "keys").chmod(0o666)
    code, found, _ = check("--data-dir", str(tmp_path), "--port", str(free_port()))
    assert code == SOME_FAILED
    assert "others can write" in found["keys"][1]


def test_a_worker_without_a_door_is_asked_neither_for_keys_nor_for_a_port(tmp_path: Path) -> None:
    code, found, told = check("--data-dir", str(tmp_path), "--host", "0.0.0.0", "--no-http")
    assert code == OK, told
    assert not {"port", "keys", "limits"} & set(found)


def test_an_unreadable_schema_of_the_operator_is_told(tmp_path: Path) -> None:
    schemas = tmp_path / "schemas"
    schemas.mkdir()
    (schemas / "order.json").write_text("{")
    code, found, _ = check("--data-dir", str(tmp_path / "d"), "--port", str(free_port()), "--schemas-dir", str(schemas))
    assert code == SOME_FAILED
    assert "the schemas cannot be read" in found["limits"][1]


@pytest.mark.usefixtures("logging_put_back")
def test_webhooks_want_a_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("--data-dir", str(tmp_path / "d"), "--port", str(free_port()), "--webhook-hosts", "hooks.example.org")
    code, found, _ = check(*words)
    assert code == SOME_FAILED
    assert "DOCPARSE_WEBHOOK_SECRET" in found["limits"][1]
    told = runner.invoke(app, ["serve", *words])
    assert told.exit_code == USAGE
    assert "DOCPARSE_WEBHOOK_SECRET" in told.stderr
    monkeypatch.setenv("DOCPARSE_WEBHOOK_SECRET", "a-long-random-text")
    assert check(*words)[0] == OK


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://jobs:6379/0", "redis://jobs:6379/0"),
        ("redis://:secret@jobs/0", "redis://***@jobs/0"),
        ("rediss://me:se@cret@jobs", "rediss://***@jobs"),
        ("/var/lib/docparse", "/var/lib/docparse"),
    ],
)
def test_passwords_are_not_shown(url: str, shown: str) -> None:
    assert serve.without_password(url) == shown


def test_a_person_is_told_where_it_listens_who_reads_and_where_things_lie() -> None:
    said = io.StringIO()
    facts = {"engine": "embedded: no model checkpoint is configured", "data": "/srv/[d]", "keys": "me", "unfinished": 3}
    serve._tell(Console(file=said, width=100), "http://127.0.0.1:8000", facts)
    lines = [line.rstrip() for line in said.getvalue().splitlines()]
    assert lines[0].endswith("listens on http://127.0.0.1:8000")
    assert [line.split(None, 1) for line in lines[1:]] == [
        ["engine", "embedded: no model checkpoint is configured"],
        ["data", "/srv/[d]"],
        ["keys", "me"],
        ["jobs", "goes on with 3 that were not finished"],
    ]
