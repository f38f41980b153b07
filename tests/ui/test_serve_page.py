"""``docparse serve`` with its page and without."""

from __future__ import annotations

import sys
import webbrowser
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from docparse.cli import app
from docparse.commands import serve
from tests.api.serving import Served

USAGE = 2
runner = CliRunner()


def test_without_the_viewer_there_is_no_page(tmp_path: Path) -> None:
    with Served(tmp_path, "--workers", "1") as served:
        for path in ("/", "/login", "/viewer/static/viewer.js", "/config"):
            assert httpx.get(served.url + path, headers={"Accept": "text/html"}).status_code == 404
        maps = Path(f"/proc/{served.pid}/maps").read_text() if sys.platform == "linux" else ""
        assert "brotli" not in maps  # comes with Gradio alone
        assert not (tmp_path / "session-secret").exists()


def test_while_gradio_is_imported_the_service_answers(tmp_path: Path) -> None:
    with Served(tmp_path, "--workers", "1", viewer=True) as served:
        first = httpx.get(served.url)
        assert httpx.get(f"{served.url}/healthz").status_code == 200
        # It was quick, or says that it is not there yet and has the browser come again.
        assert first.status_code == 200 or (first.status_code, first.headers["refresh"]) == (503, "1")
        assert served.stop() == 0


@pytest.mark.parametrize("other", ["--no-viewer", "--no-http"])
def test_what_is_not_there_cannot_be_opened(tmp_path: Path, other: str) -> None:
    told = runner.invoke(app, ["serve", "--data-dir", str(tmp_path), "--open", other])
    assert told.exit_code == USAGE
    assert "--open: there is no page" in told.stderr


def test_without_gradio_it_is_said_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve.importlib.util, "find_spec", lambda name: None if name == "gradio" else True)
    told = runner.invoke(app, ["serve", "--data-dir", str(tmp_path), "--port", "0"])
    assert told.exit_code == USAGE
    assert "needs gradio, which is not installed" in told.stderr
    assert "--no-viewer" in told.stderr


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://0.0.0.0:80", "http://localhost:80"),
        ("http://[::]:8000", "http://localhost:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_the_page_is_shown_where_it_can_be_reached(
    address: str, shown: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda url: bool(asked.append(url)))
    serve.show(address)
    assert asked == [shown]
    assert f"no browser can be opened here. The page is at {shown}" in capsys.readouterr().err
