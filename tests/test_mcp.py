"""``docparse mcp``: the real process, spoken to with the client of the protocol's makers."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import making
import pytest
from mcp import Client, StdioServerParameters
from scripted_server import ScriptedServer

import docparse
from docparse.commands import mcp as command
from docparse.errors import AccessError, EngineUnavailable, SettingsError, TooLargeSource, UnreadableSource
from docparse.extract.output.bounded import bounded
from docparse.roots import Roots

SAMPLES = Path(__file__).parents[1] / "samples"
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.upper().startswith("DOCPARSE_")}


def talk(words: Sequence[str], *calls: tuple[str, dict[str, Any]]) -> list[tuple[bool, str]]:
    """What a fresh process answers to each call, one after the other: whether it is an error, and the text."""

    async def run() -> list[tuple[bool, str]]:
        found = []
        how = StdioServerParameters(command=sys.executable, args=["-m", "docparse", "mcp", *words], env=ENVIRONMENT)
        async with asyncio.timeout(100), Client(how) as client:
            for name, arguments in calls:
                answer = await client.call_tool(name, arguments)
                (content,) = answer.content
                found.append((bool(answer.is_error), content.text))  # type: ignore[union-attr]
        return found

    return asyncio.run(run())


# ------------------------------------------------------------------------------------ the tools


def test_what_it_says_of_itself(tmp_path: Path) -> None:
    async def run() -> None:
        how = StdioServerParameters(
            command=sys.executable, args=["-m", "docparse", "mcp", str(SAMPLES), str(tmp_path)], env=ENVIRONMENT
        )
        async with asyncio.timeout(60), Client(how) as client:
            assert client.server_info is not None
            assert (client.server_info.name, client.server_info.version) == ("docparse", docparse.__version__)
            assert str(SAMPLES) in (client.instructions or "")
            assert str(tmp_path) in (client.instructions or "")
            tools = {tool.name: tool for tool in (await client.list_tools()).tools}
            assert set(tools) == {"parse", "extract", "ground"}
            for tool in tools.values():
                assert tool.description
                assert "\n  " not in tool.description
                assert tool.annotations is not None
                assert tool.annotations.read_only_hint
                assert all("description" in each for each in tool.input_schema["properties"].values())
            told: list[tuple[float, float | None]] = []

            async def progress(done: float, total: float | None, message: str | None) -> None:
                told.append((done, total))

            await client.call_tool("parse", {"path": "report.pdf"}, progress_callback=progress)
            assert told[-1] == (3, 3)

    asyncio.run(run())


def test_documents_are_read(tmp_path: Path) -> None:
    (tmp_path / "three.pdf").write_bytes(making.pdf(*[making.text(f"This is page {n}") for n in (1, 2, 3)]))
    (tmp_path / "locked.pdf").write_bytes(making.pdf(making.text("A secret"), password="geheim"))
    answers = talk(
        [str(tmp_path)],
        ("parse", {"path": "three.pdf"}),
        ("parse", {"path": str(tmp_path / "three.pdf"), "pages": "r1,1", "to": "text"}),
        ("parse", {"path": "three.pdf", "pages": "2", "to": "html"}),
        ("parse", {"path": "locked.pdf", "password": "geheim"}),
        ("parse", {"path": "locked.pdf"}),
        ("parse", {"path": "three.pdf", "pages": "9"}),
        ("parse", {"path": "three.pdf", "to": "docx"}),
    )
    assert [error for error, _ in answers] == [False] * 4 + [True] * 3
    said = [text for _, text in answers]
    assert said[0].startswith("three.pdf: pages 1-3 of 3.\n\n--- page 1 ---\n\n")
    assert re.findall(r"This is page \d", said[0]) == ["This is page 1", "This is page 2", "This is page 3"]
    assert said[1].startswith("three.pdf: pages 1,3 of 3.")
    assert "page 2" not in said[1]
    assert re.search(r'data-bbox="\d+ \d+ \d+ \d+"', said[2])
    assert "A secret" in said[3]
    assert "locked.pdf: " in said[4]
    assert said[4].endswith("[source.encrypted]")
    assert said[5].endswith("[range.invalid]")
    assert "'markdown', 'text' or 'html'" in said[6]
    assert "Traceback" not in "".join(said)


def test_a_page_that_is_not_ok_says_so(tmp_path: Path) -> None:
    broken = making.pdf(making.text("Whole"), making.text("Also")).replace(b"/Contents", b"/Contemps", 1)
    (tmp_path / "a.pdf").write_bytes(broken)
    ((error, said),) = talk([str(tmp_path)], ("parse", {"path": "a.pdf"}))
    assert not error
    whole = docparse.parse(broken)
    for page in whole.pages:
        if page.verdict.status != "ok":
            assert f"Page {page.number} is {page.verdict.status}" in said
    assert any(page.verdict.status != "ok" for page in whole.pages) == ("Page " in said.split("\n\n")[0])


def test_a_long_document_comes_in_pieces(tmp_path: Path) -> None:
    pages = [making.text(f"Page number {n} " + "word " * 12, at=(20, 80), size=8) for n in range(1, 61)]
    (tmp_path / "long.pdf").write_bytes(making.pdf(*pages))

    async def run() -> None:
        words = ["-m", "docparse", "mcp", str(tmp_path), "--max-chars", "2000"]
        how = StdioServerParameters(command=sys.executable, args=words, env=ENVIRONMENT)
        async with asyncio.timeout(60), Client(how) as client:
            seen: list[int] = []
            asked, wanted = 0, "all"
            while wanted:
                answer = await client.call_tool("parse", {"path": "long.pdf", "pages": wanted})
                text: str = answer.content[0].text  # type: ignore[union-attr]
                assert len(text) < 2400
                seen += map(int, re.findall(r"Page number (\d+)", text))
                found = re.search(r"ask again with pages='([^']+)'", text)
                wanted = found[1] if found else ""
                asked += 1
            assert seen == list(range(1, 61))
            assert asked > 2

    asyncio.run(run())


def test_fields_are_extracted() -> None:
    schema = {"type": "object", "properties": {"invoice_number": {"type": "string"}}}
    answers = talk(
        [str(SAMPLES)],
        ("extract", {"path": "invoice.pdf"}),
        ("extract", {"path": "invoice.pdf", "schema": "receipt"}),
        ("extract", {"path": "invoice.pdf", "schema": schema}),
        ("extract", {"path": "invoice.pdf", "schema": json.dumps(schema)}),
        ("extract", {"path": "invoice.pdf", "schema": str(SAMPLES / "schema.json")}),
        ("ground", {"path": "invoice.pdf", "question": "the total"}),
        ("ground", {"path": "invoice.pdf"}),
    )
    assert [error for error, _ in answers] == [False] * 4 + [True] * 3
    here = docparse.extract(SAMPLES / "invoice.pdf")
    found = json.loads(answers[0][1])
    assert found["fields"] == here.to_dict()["fields"]
    assert found["evidence"] == here.to_dict()["evidence"]
    assert json.loads(answers[1][1])["schema"] == "receipt"
    assert json.loads(answers[2][1]) == json.loads(answers[3][1])
    assert answers[4][1].endswith("[schema.invalid]")
    assert "docparse models pull" in answers[5][1]
    assert "nothing is asked for" in answers[6][1]


def test_a_model_is_asked(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(making.pdf(making.text("Total 12.00")))
    answer = '[{"bbox_2d": [10, 20, 110, 40], "label": "total"}]'
    with ScriptedServer(answer) as server:
        ((error, said),) = talk(
            [str(tmp_path), "--server-url", server.url], ("ground", {"path": "a.pdf", "question": "the total"})
        )
    assert not error, said
    (place,) = json.loads(said)["places"]
    assert place["label"] == "total"
    assert len(place["bbox"]) == 4


# ------------------------------------------------------------------------------------ folders


def test_nothing_outside_is_read(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "inside-not"
    for folder in (inside, outside):
        folder.mkdir()
        (folder / "a.pdf").write_bytes(making.pdf(making.text(f"In {folder.name}")))
    (inside / "link.pdf").symlink_to(outside / "a.pdf")
    (inside / "folder").symlink_to(outside)
    (inside / "good.pdf").symlink_to("a.pdf")
    os.mkfifo(inside / "pipe.pdf")
    paths = [
        *(str(outside / "a.pdf"), "../inside-not/a.pdf", "link.pdf", "folder/a.pdf", "/etc/passwd", "a.pdf\0", ""),
        *("../inside-not/none.pdf", "none.pdf", "pipe.pdf", ".", "good.pdf", str(inside / "a.pdf")),
    ]
    answers = talk([str(inside)], *[("parse", {"path": path}) for path in paths])
    codes = [re.findall(r"\[([a-z.]+_?[a-z]*)\]$", text)[-1] if error else "" for error, text in answers]
    assert codes == ["access.denied"] * 8 + ["source.unreadable"] * 3 + [""] * 2
    assert "In inside\n" in answers[-1][1] + "\n"
    assert "In inside-not" not in "".join(text for _, text in answers)


def test_paths_are_looked_for_in_each_folder(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.txt").write_text(name)
    roots = Roots([str(tmp_path / "a"), str(tmp_path / "b")])
    assert roots.read("b.txt", max_bytes=10) == (b"b", "b.txt")
    assert roots.read("a.txt", max_bytes=1) == (b"a", "a.txt")
    with pytest.raises(TooLargeSource):
        roots.read("a.txt", max_bytes=0)
    with pytest.raises(UnreadableSource):
        roots.read("c.txt", max_bytes=10)
    with pytest.raises(UnreadableSource, match="folder"):
        roots.read("../a", max_bytes=10)
    with pytest.raises(AccessError):
        roots.read("../c", max_bytes=10)
    assert Roots(["/"]).read(str(tmp_path / "a" / "a.txt"), max_bytes=10)[0] == b"a"


@pytest.mark.parametrize("swapped", ["file", "folder"])
def test_a_link_that_changes_in_between_leads_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, swapped: str
) -> None:
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "out").mkdir()
    (tmp_path / "in" / "deep" / "a.txt").write_text("mine")
    (tmp_path / "out" / "a.txt").write_text("secret")
    really = os.open

    def swap(path: str, flags: int) -> int:
        victim = tmp_path / "in" / "deep" if swapped == "folder" else tmp_path / "in" / "deep" / "a.txt"
        victim.rename(tmp_path / "away")
        victim.symlink_to(tmp_path / "out" if swapped == "folder" else tmp_path / "out" / "a.txt")
        return really(path, flags)

    monkeypatch.setattr("docparse.roots.os.open", swap)
    with pytest.raises((AccessError, UnreadableSource)):
        Roots([str(tmp_path / "in")]).read("deep/a.txt", max_bytes=100)


# ------------------------------------------------------------------------------------ bounds


@pytest.mark.parametrize("most", [1000, 2000, 4000, 8000, 100_000])
def test_fields_fit_into_an_answer(most: int) -> None:
    found = docparse.extract(SAMPLES / "invoice.pdf")
    said = bounded(found, most)
    assert len(json.dumps(said)) <= most
    if most == 100_000:
        assert "left_out" not in said
    if most == 1000:
        assert "evidence" in said["left_out"]
    assert said["verdict"]["status"] == found.verdict.status


# ------------------------------------------------------------------------------------ the command


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 2, "Missing argument"),
        (["nowhere"], 2, "there is no such folder"),
        ([".", "--max-chars", "10"], 2, "--max-chars: 10 are too few"),
        ([".", "--engine", "none"], 2, "there is no engine 'none'"),
        ([".", "--engine", "qwen"], 3, "needs a model"),
    ],
)
def test_what_is_wrong_at_once(tmp_path: Path, words: list[str], code: int, said: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "docparse", "mcp", *words],
        cwd=tmp_path,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == code
    assert said in done.stderr
    assert done.stdout == ""


def test_it_ends_with_its_stdin(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "docparse", "mcp", str(tmp_path)],
        env=ENVIRONMENT,
        input="no JSON\n",
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


def test_without_the_package_it_is_said_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(EngineUnavailable, match=r"pip install 'docparse\[mcp\]'"):
        command.run(command.Request([str(tmp_path)]))
    with pytest.raises(SettingsError):
        command.run(command.Request([str(tmp_path / "none")]))
