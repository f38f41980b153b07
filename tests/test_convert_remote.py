"""``docparse convert --engine remote``: files in, a model on a server reads, files out.

The server plays scripts; everything between the command line and its socket is real.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import making
import pytest
from test_cli import environment

import docparse
from tests.scripted_server import Asked, Reply, ScriptedServer

PROGRAM = [sys.executable, "-m", "docparse", "convert"]
SIZE = (595, 842)


def words(number: int) -> str:
    return f"This is page number {number} of a report"


def a_report(path: Path, pages: int = 3) -> Path:
    path.write_bytes(making.pdf(*[making.text(words(n + 1), size=20) for n in range(pages)], size=SIZE))
    return path


def truth(asked: Asked, number: int, *, thousandths: bool = False) -> str:
    """What a model that sees well says of page ``number``: the place is that of the text layer."""
    data = making.pdf(*[making.text(words(n + 1), size=20) for n in range(number)], size=SIZE)
    (page,) = docparse.parse(data, engine="embedded", pages=str(number)).pages
    (block,) = page.blocks
    assert block.bbox is not None
    width, height = (1000, 1000) if thousandths else asked.size
    across, down = width / page.width, height / page.height
    x1, y1, x2, y2 = block.bbox.as_tuple()
    box = f"{x1 * across:.0f} {y1 * down:.0f} {x2 * across:.0f} {y2 * down:.0f}"
    tag = '<div class="text"' if thousandths else "<p"
    return f'<html><body>{tag} data-bbox="{box}">{words(number)}</{"div" if thousandths else "p"}></body></html>'


def convert(server: ScriptedServer, folder: Path, *more: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [*PROGRAM, *more, "-o", str(folder), "--to", "json", "--engine", "remote", "--server-url", server.url]
    done = subprocess.run(
        command,
        env=environment(DOCPARSE_CACHE="0", **variables),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "Traceback" not in done.stdout + done.stderr
    return done


def document(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found


@pytest.mark.parametrize("name", ["Qwen2.5-VL-7B-Instruct", "Qwen/Qwen3-VL-8B-Instruct"])
def test_a_file_is_read_by_the_server(name: str, tmp_path: Path) -> None:
    report = a_report(tmp_path / "report.pdf", 1)
    new = "Qwen3" in name
    with ScriptedServer(
        lambda asked: Reply(truth(asked, 1, thousandths=new), logprobs=-0.05), models=[name], key="sk-1"
    ) as server:
        done = convert(server, tmp_path / "out", str(report), DOCPARSE_API_KEY="sk-1")
    assert done.returncode == 0, done.stderr
    found = document(tmp_path / "out" / "report.json")
    assert found["engine"]["name"] == "remote"
    assert found["engine"]["model"] == f"{name} (as {'qwen3-vl' if new else 'qwen2.5-vl'})"
    (page,) = found["pages"]
    assert page["verdict"]["status"] in ("ok", "repaired")
    (block,) = page["blocks"]
    (expected,) = docparse.parse(report, engine="embedded").pages[0].blocks
    assert block["text"] == words(1)
    assert expected.bbox is not None
    assert block["bbox"] == pytest.approx(expected.bbox.as_tuple(), abs=2)
    assert block["confidence"] > 0.9
    assert "sk-1" not in (tmp_path / "out" / "report.json").read_text() + done.stdout + done.stderr
    (asked,) = server.asked
    assert (asked.question, asked.system is None) == ("qwenvl html" if new else "QwenVL HTML", new)


def test_pages_of_many_files_at_a_time_and_some_that_fail(tmp_path: Path) -> None:
    """A page that the server cannot read costs nobody anything: the embedded engine reads it, and says so."""
    files = [a_report(tmp_path / f"{n}.pdf", 3) for n in range(3)]
    text = words(1)

    def script(asked: Asked) -> Reply:
        if asked.number % 3 == 0:
            return Reply(status=500, error="the engine is dead")
        return Reply(f'<html><body><p data-bbox="60 60 1100 160">{text}</p></body></html>', until=2)

    with ScriptedServer(script) as server:
        done = convert(server, tmp_path / "out", *map(str, files), DOCPARSE_SERVER_CONCURRENCY="6")
    assert done.returncode == 0, done.stderr
    assert 2 <= server.highest <= 6
    pages = [page for file in files for page in document(tmp_path / "out" / f"{file.stem}.json")["pages"]]
    assert len(pages) == 9
    fell = [page for page in pages if page["verdict"]["status"] == "fallback"]
    assert fell
    for page in fell:
        assert page["blocks"][0]["text"] == words(page["page"])
        assert any("the engine is dead" in issue["message"] for issue in page["verdict"]["issues"])


def test_many_files_of_one_page_are_asked_side_by_side(tmp_path: Path) -> None:
    """However few processes there are: a server that batches is given what it can batch."""
    files = [a_report(tmp_path / f"{n:02}.pdf", 1) for n in range(12)]
    answer = Reply(f'<html><body><p data-bbox="60 60 1100 160">{words(1)}</p></body></html>', until=12)
    with ScriptedServer(answer) as server:
        done = convert(server, tmp_path / "out", *map(str, files), "--jobs", "1")
    assert done.returncode == 0, done.stderr
    assert server.highest == 12  # none was answered before all were asked
    assert all(document(tmp_path / "out" / f"{file.stem}.json")["pages"][0]["blocks"] for file in files)


def test_what_is_wrong_with_the_server_is_said_before_anything_is_read(tmp_path: Path) -> None:
    broken = tmp_path / "broken.pdf"
    broken.write_bytes(b"no PDF at all")
    with ScriptedServer("", key="right") as server:
        done = convert(server, tmp_path / "out", str(broken))
        assert (done.returncode, len(done.stderr.splitlines())) == (3, 1)
        assert "wants an API key. Set DOCPARSE_API_KEY" in done.stderr
        assert done.stderr.rstrip().endswith("[engine.unavailable]")
        done = convert(server, tmp_path / "out", str(broken), "--api-key", "right", "--server-model", "other")
        assert "has no model 'other'. It has: Qwen2.5-VL-7B-Instruct." in done.stderr
        done = convert(server, tmp_path / "out", str(broken), "--model", "qwen")
        assert done.returncode == 2
        assert "--server-model" in done.stderr
    done = convert(server, tmp_path / "out", str(broken))
    assert done.returncode == 3
    assert "no server can be reached at http://127.0.0.1" in done.stderr
    assert not server.asked


def test_auto_takes_the_server_that_is_configured(tmp_path: Path) -> None:
    report = a_report(tmp_path / "report.pdf", 1)
    with ScriptedServer(lambda asked: truth(asked, 1)) as server:
        command = [*PROGRAM, str(report), "-o", str(tmp_path), "--to", "json"]
        env = environment(DOCPARSE_SERVER_URL=server.url, DOCPARSE_CACHE="0")
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    engine = document(tmp_path / "report.json")["engine"]
    assert (engine["name"], engine["reason"]) == ("remote", "a server is configured")


def test_what_was_read_is_not_asked_again(tmp_path: Path) -> None:
    report = a_report(tmp_path / "report.pdf", 1)
    with ScriptedServer(lambda asked: truth(asked, 1)) as server:
        kept = {"DOCPARSE_CACHE": "1", "DOCPARSE_CACHE_DIR": str(tmp_path / "kept")}
        for _ in range(2):
            command = [*PROGRAM, str(report), "-o", str(tmp_path), "--to", "json", "--engine", "remote"]
            env = environment(DOCPARSE_SERVER_URL=server.url, **kept)
            done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
            assert done.returncode == 0, done.stderr
    assert len(server.asked) == 1
    assert document(tmp_path / "report.json")["pages"][0]["blocks"][0]["text"] == words(1)


def test_ctrl_c_ends_at_once(tmp_path: Path) -> None:
    report = a_report(tmp_path / "report.pdf", 2)
    with ScriptedServer(Reply("<html>", wait=60)) as server:
        command = [*PROGRAM, str(report), "-o", str(tmp_path / "out"), "--engine", "remote", "--server-url", server.url]
        program = subprocess.Popen(
            command, env=environment(), stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        deadline = time.monotonic() + 60
        while not server.asked and time.monotonic() < deadline:
            time.sleep(0.05)
        os.killpg(program.pid, signal.SIGINT)  # as a terminal does
        _, said = program.communicate(timeout=30)
    assert server.asked
    assert program.returncode == 130
    assert "interrupted" in said
    assert "Traceback" not in said
