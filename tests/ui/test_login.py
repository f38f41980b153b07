"""Coming in with a key, in a browser and by hand; what a session may and may not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from docparse.api.auth import new_key, parse_keys
from docparse.api.session import COOKIE, SECONDS, Sessions, read_secret
from docparse.commands.serve import SECRET
from docparse.errors import OutputError
from tests.api.serving import Served
from tests.ui.opening import SAMPLES, finished, ready

ANNA, BEN = new_key("anna"), new_key("b.en")
HTML = {"Accept": "text/html,*/*"}


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("keyed")
    (folder / "keys").write_text(f"{ANNA[1]}\n{BEN[1]}\n")
    with Served(folder, "--workers", "1", viewer=True) as served:
        with httpx.Client(base_url=served.url) as client:
            log_in(client)
            ready(served, cookies=dict(client.cookies))
        yield served


def log_in(client: httpx.Client, key: str = ANNA[0], **fields: str) -> httpx.Response:
    return client.post("/login", data={"key": key, **fields}, headers=HTML)


# ------------------------------------------------------------------------------------ in a browser


def test_a_person_comes_in_with_a_key_and_goes_again(keyed: Served, page: Page) -> None:
    page.goto(f"{keyed.url}/?job={'0' * 32}")
    expect(page.locator("gradio-app")).to_have_count(0)
    page.get_by_label("API key").fill("docparse_not-a-key")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("this API key is none of the service's")

    page.get_by_label("API key").fill(ANNA[0])
    page.get_by_role("button", name="Log in").click()
    expect(page).to_have_url(f"{keyed.url}/?job={'0' * 32}")
    page.locator("#upload input[type=file]").wait_for(state="attached")
    assert page.evaluate("document.cookie") == ""
    (cookie,) = page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Strict", "/")

    page.set_input_files("#upload input[type=file]", str(SAMPLES / "form.pdf"))
    link = page.locator("#opened a").first
    expect(link).to_have_attribute("href", re.compile("job="))
    job = str(link.get_attribute("href")).rpartition("=")[2]
    anna = {"Authorization": f"Bearer {ANNA[0]}"}
    assert finished(keyed, job, headers=anna)["state"] == "done"
    ben = httpx.get(f"{keyed.url}/v1/jobs/{job}", headers={"Authorization": f"Bearer {BEN[0]}"})
    assert ben.status_code == 404

    page.goto(keyed.url)
    page.get_by_role("button", name="Log out").click()
    page.get_by_label("API key").wait_for()
    assert page.context.cookies() == []


# ------------------------------------------------------------------------------------ by hand


def test_a_session_is_a_key(keyed: Served) -> None:
    with httpx.Client(base_url=keyed.url) as client:
        answer = log_in(client, next="/?job=1")
        assert (answer.status_code, answer.headers["location"]) == (303, "/?job=1")
        said = answer.headers["set-cookie"]
        assert re.fullmatch(
            rf"{COOKIE}=anna\.\d+\.[0-9a-f]{{64}}; Max-Age={SECONDS}; Path=/; HttpOnly; SameSite=Strict", said
        )
        assert client.get("/v1/jobs").status_code == 200
        assert client.get("/", headers=HTML).status_code == 200
        gone = client.post("/logout")
        assert (gone.status_code, gone.headers["location"]) == (303, "/")
        assert "Max-Age=0" in gone.headers["set-cookie"]
        assert client.get("/v1/jobs").status_code == 401


def test_over_tls_the_cookie_stays_there(keyed: Served) -> None:
    name = keyed.url.removeprefix("http://")
    answer = httpx.post(f"{keyed.url}/login", data={"key": ANNA[0]}, headers={"Origin": f"https://{name}"})
    assert answer.headers["set-cookie"].endswith("; Secure")


@pytest.mark.parametrize(
    "onward",
    ["//evil.example/", "https://evil.example", "/\\evil.example", "/?\r\nX-A: b", "/v1/jobs", "javascript:1", ""],
)
def test_nobody_is_sent_on_to_elsewhere(keyed: Served, onward: str) -> None:
    with httpx.Client(base_url=keyed.url) as client:
        answer = log_in(client, next=onward)
        assert answer.headers["location"] == "/"
        assert "x-a" not in answer.headers


def test_what_is_wrong_is_told_without_saying_it_back(keyed: Served) -> None:
    with httpx.Client(base_url=keyed.url) as client:
        answer = log_in(client, "<script>alert(1)</script>", next='"><script>alert(2)</script>')
        assert answer.status_code == 401
        assert "set-cookie" not in answer.headers
        assert "<script" not in answer.text
        assert "script-src" not in answer.headers["content-security-policy"]
        page = client.get('/?job="><script>alert(3)</script>', headers=HTML)
        assert page.status_code == 401
        assert "<script" not in page.text


def test_a_form_of_another_site_is_refused(keyed: Served) -> None:
    with httpx.Client(base_url=keyed.url) as client:
        log_in(client)
        origin = {"Origin": "https://evil.example"}
        assert client.post("/login", data={"key": BEN[0]}, headers=origin).status_code == 403
        assert client.post("/logout", headers=origin).status_code == 403
        assert client.post("/gradio_api/upload", files={"files": b"%PDF-"}, headers=origin).status_code == 403


def test_guessing_is_slowed_down(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(ANNA[1])
    with Served(tmp_path, "--workers", "1", viewer=True) as served, httpx.Client(base_url=served.url) as client:
        codes = [log_in(client, "x" * 50).status_code for _ in range(30)]
        assert codes[0] == 401
        assert codes[-1] == 429


def test_without_a_session_a_program_is_told_so_as_everywhere(keyed: Served) -> None:
    for path in ("/", "/config", "/viewer/static/viewer.js", "/assets/x.js", "/gradio_api/upload_progress"):
        answer = httpx.get(keyed.url + path, headers={"Accept": "*/*"})
        assert answer.status_code == 401
        assert answer.json()["error"]["code"] == "access.key_required"
    assert httpx.post(keyed.url + "/gradio_api/upload", files={"files": b"%PDF-"}).status_code == 401
    assert httpx.post(keyed.url + "/login", data={"key": "x" * 5000}, headers=HTML).status_code == 413


# ------------------------------------------------------------------------------------ what is signed


def test_sessions_end_with_their_time_and_with_their_key() -> None:
    keys = parse_keys(f"{ANNA[1]}\n{BEN[1]}")
    now = [1_000_000.0]
    sessions = Sessions(keys, b"s" * 32, clock=lambda: now[0])
    value = sessions.issued(next(key for key in keys if key.name == "b.en"))
    assert sessions.key(value) == keys[1]
    assert Sessions(keys[:1], b"s" * 32, clock=lambda: now[0]).key(value) is None
    assert Sessions(keys, b"t" * 32, clock=lambda: now[0]).key(value) is None
    replaced = parse_keys(new_key("b.en")[1])
    assert Sessions(replaced, b"s" * 32, clock=lambda: now[0]).key(value) is None
    now[0] += SECONDS - 1
    assert sessions.key(value) == keys[1]
    now[0] += 1
    assert sessions.key(value) is None


def test_a_session_ends_with_the_key_that_was_shown(tmp_path: Path) -> None:
    lost, new = new_key("anna"), new_key("anna")
    (tmp_path / "keys").write_text(f"{new[1]}\n{lost[1]}\n")
    with Served(tmp_path, "--workers", "1", viewer=True) as served, httpx.Client(base_url=served.url) as client:
        log_in(client, lost[0])
        session = client.cookies[COOKIE]
    secret = read_secret(tmp_path / SECRET)
    assert Sessions(parse_keys(f"{new[1]}\n{lost[1]}"), secret).key(session) == parse_keys(lost[1])[0]
    assert Sessions(parse_keys(new[1]), secret).key(session) is None


def test_what_was_changed_is_no_session() -> None:
    keys = parse_keys(f"{ANNA[1]}\n{BEN[1]}")
    sessions = Sessions(keys, b"s" * 32)
    name, until, signature = sessions.issued(keys[0]).split(".")
    assert sessions.key(f"{name}.{until}.{signature}") is not None
    for value in (
        f"b.en.{until}.{signature}",
        f"{name}.{int(until) + 1}.{signature}",
        f"{name}.{until}.{signature[:-1]}",
        f"{name}.{until}.é",
        f"{name}.{'9' * 400}.{signature}",
        f"{name}.²{until}.{signature}",
        f"{name}.-1.{signature}",
        "",
        "...",
    ):
        assert sessions.key(value) is None, value


def test_the_secret_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "data" / "secret"
    secret = read_secret(path)
    assert len(secret) == 32
    assert read_secret(path) == secret
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_bytes(b"short")
    with pytest.raises(OutputError, match="too short"):
        read_secret(path)
