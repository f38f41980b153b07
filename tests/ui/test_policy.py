"""What the page may do, and what of Gradio's is there at all."""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page

from docparse.errors import DocparseError
from docparse.ui.page import rewritten
from tests.api.serving import Served
from tests.ui.opening import open_frame


@pytest.fixture(scope="module")
def client(server: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=20) as it:
        yield it


def directives(policy: str) -> dict[str, list[str]]:
    return {words[0]: words[1:] for words in (part.split() for part in policy.split(";"))}


# ------------------------------------------------------------------------------------ the page


def test_nothing_runs_but_what_is_ours_or_hashed(client: httpx.Client) -> None:
    page = client.get("/")
    policy = directives(page.headers["content-security-policy"])
    scripts = re.findall(r"<script>(.*?)</script>", page.text, re.DOTALL)
    hashes = {f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in scripts}
    assert len(scripts) == 3
    assert set(policy["script-src"]) == {"'self'", *hashes}
    assert policy["default-src"] == ["'none'"]
    assert policy["connect-src"] == policy["base-uri"] == policy["form-action"] == ["'self'"]
    assert policy["frame-ancestors"] == ["'none'"]
    assert "object-src" not in policy


def test_the_page_names_no_other_site(client: httpx.Client) -> None:
    text = re.sub(r"<script>.*?</script>", "", client.get("/").text, flags=re.DOTALL)
    assert not re.search(r"(src|href|content)=\"?(https?:)?//", text)


def test_a_browser_asks_no_other_site(server: Served, page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    open_frame(page, server)
    page.get_by_role("button", name="Options").click()
    page.get_by_label("Password").wait_for()
    assert asked
    assert [url for url in asked if not url.startswith((server.url, "data:", "blob:"))] == []


def test_text_is_never_run(server: Served, browser: Browser) -> None:
    page = browser.new_page()  # its policy is meant to stop something
    open_frame(page, server)
    ran = page.evaluate(
        """async () => {
            const stopped = [], ran = window.ran = [];
            document.addEventListener('securitypolicyviolation', (event) => stopped.push(event.effectiveDirective));
            const script = document.createElement('script');
            script.textContent = "window.ran.push('inline')";
            document.head.append(script);
            const image = document.createElement('img');
            image.setAttribute('onerror', "window.ran.push('handler')");
            image.src = 'data:,';
            document.body.append(image);
            setTimeout("window.ran.push('text')");
            const frame = document.createElement('iframe');
            frame.src = 'data:text/html,x';
            document.body.append(frame);
            await new Promise((done) => setTimeout(done, 300));
            return { ran, stopped: [...new Set(stopped)].sort() };
        }"""
    )
    page.close()
    assert ran == {"ran": [], "stopped": ["frame-src", "script-src", "script-src-attr", "script-src-elem"]}


def test_what_is_asked_for_is_not_said_back(client: httpx.Client) -> None:
    plain = client.get("/").text
    for query in ("?__theme=dark", "?job=<script>alert(1)</script>", "?view=api", "?deep_link=x", "?logs=container"):
        assert client.get(f"/{query}").text == plain


def test_a_page_of_another_gradio_is_no_page() -> None:
    with pytest.raises(DocparseError, match="another one") as caught:
        rewritten("<html><script>window.gradio_config = {};</script></html>", title="t", head="", no_script="n")
    assert "--no-viewer" in (caught.value.hint or "")


# ------------------------------------------------------------------------------------ addresses


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/info",
        "/gradio_api/openapi.json",
        "/gradio_api/file=/etc/passwd",
        "/gradio_api/file/etc/passwd",
        "/gradio_api/proxy=https://example.org",
        "/gradio_api/queue/data",
        "/gradio_api/heartbeat/abc",
        "/gradio_api/runs",
        "/gradio_api/vibe-code",
        "/monitoring",
        "/logout",
        "/robots.txt",
        "/manifest.json",
        "/v1/nothing",
        "/viewer",
    ],
)
def test_what_the_page_needs_not_is_not_there(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "request.not_found"


@pytest.mark.parametrize("path", ["/", "/config", "/gradio_api/queue/join", "/gradio_api/call/x"])
def test_nothing_else_is_posted_to(client: httpx.Client, path: str) -> None:
    assert client.post(path, json={}).status_code in (404, 405)


@pytest.mark.parametrize(
    "path",
    ["../app.py", "..%2fapp.py", "%2e%2e/app.py", "/etc/passwd", "none.js", "", "samples", "%00", "viewer.css%00"],
)
def test_only_files_of_the_viewer_are_served(client: httpx.Client, path: str) -> None:
    assert client.get(f"/viewer/static/{path}").status_code == 404


def test_what_gradio_is_sent_is_short(client: httpx.Client) -> None:
    def data() -> Iterator[bytes]:
        yield b'{"data":["'
        for _ in range(64):
            yield b"x" * 1024 * 1024

    answer = client.post("/gradio_api/run/predict", content=data(), headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "request.too_large")


def test_what_has_not_changed_is_not_sent_again(client: httpx.Client) -> None:
    first = client.get("/viewer/static/frame.js")
    assert first.headers["content-type"].startswith("text/javascript")
    assert first.headers["cache-control"] == "no-cache"
    tag = first.headers["etag"]
    again = client.get("/viewer/static/frame.js", headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get("/viewer/static/frame.css", headers={"If-None-Match": tag}).status_code == 200
    assert first.headers["x-content-type-options"] == "nosniff"


def test_files_are_sent_small_and_kept(client: httpx.Client) -> None:
    small = client.get("/viewer/static/frame.css", headers={"Accept-Encoding": "gzip"})
    whole = client.get("/viewer/static/frame.css", headers={"Accept-Encoding": "identity"})
    assert small.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in whole.headers
    assert small.content == whole.content
    assert int(small.headers["content-length"]) < int(whole.headers["content-length"]) / 2
    (script,) = re.findall(r'src="(/assets/[^"]+)"', client.get("/").text)
    assert client.get(script).headers["cache-control"] == "private, max-age=31536000, immutable"
    assert client.get("/assets/none.js").headers["cache-control"] == "no-store"


def test_another_site_is_told_nothing(client: httpx.Client) -> None:
    for path in ("/", "/config", "/viewer/static/frame.js"):
        answer = client.get(path, headers={"Origin": "https://evil.example"})
        assert not [name for name in answer.headers if name.startswith("access-control-allow-origin")]
    upload = client.post("/gradio_api/upload", files={"files": b"%PDF-"}, headers={"Origin": "https://evil.example"})
    assert upload.status_code == 403
    assert client.get("/", headers={"Host": "evil.example"}).status_code == 421


# ------------------------------------------------------------------------------------ uploads


def test_an_upload_belongs_to_whoever_knows_its_name(client: httpx.Client) -> None:
    answer = client.post("/gradio_api/upload", files={"files": ("a.pdf", b"%PDF-1.7\n")})
    (path,) = answer.json()
    assert path.endswith("/a.pdf")
    again = client.post("/gradio_api/upload", files={"files": ("a.pdf", b"%PDF-1.7\n")})
    assert again.json() != [path]


def test_uploads_that_are_no_form_of_files_are_refused(client: httpx.Client) -> None:
    assert client.post("/gradio_api/upload", json={}).status_code == 415
    broken = client.post(
        "/gradio_api/upload", content=b"--x\r\n", headers={"Content-Type": "multipart/form-data; boundary=x"}
    )
    assert broken.status_code == 422
    assert broken.text.startswith("the form ends in the middle.")


# ------------------------------------------------------------------------------------ weight


def test_the_viewer_is_light_until_it_is_asked_for() -> None:
    code = "import sys, docparse.ui, docparse.ui.mount; print('gradio' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "False"
