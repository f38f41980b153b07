"""Settings: a flag wins over the environment, the environment over the default."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from docparse.engines.options import ModelOptions, RemoteOptions
from docparse.errors import EngineUnavailable, SettingsError
from docparse.limits import Limits
from docparse.result_cache import CacheOptions
from docparse.settings import PREFIX, ServeSettings, Settings, cores, load, load_serve, unknown_variables

# Every setting: its default, what the environment says and what that means, what a flag says.
TABLE: dict[str, tuple[Any, str, Any, Any]] = {
    "engine": ("auto", "embedded", "embedded", "auto"),
    "dpi": (None, "200", 200.0, "150"),
    "renderer": ("auto", "pdf2image", "pdf2image", "pymupdf"),
    "jobs": (0, "4", 4, 2),
    "fail_on": ("failed", "partial", "partial", "failed"),
    "max_bytes": (Limits().max_bytes, "1000000", 1_000_000, 2_000_000),
    "max_pages": (Limits().max_pages, "10", 10, 20),
    "page_pixels": (Limits().page_pixels, "500000", 500_000, 600_000),
    "page_seconds": (60.0, "2.5", 2.5, 5.0),
    "model": (None, "7b", "7b", "/srv/checkpoint"),
    "prompt": ("html", "markdown", "markdown", "html"),
    "check": ("text-layer", "ocr", "ocr", "text-layer"),
    "model_device": ("auto", "cuda:1", "cuda:1", "cpu"),
    "model_dtype": ("auto", "bfloat16", "bfloat16", "float32"),
    "model_attention": ("auto", "sdpa", "sdpa", "torch-varlen"),
    "model_batch": (0, "2", 2, 4),
    "model_pixels": (4096 * 784, "1000000", 1_000_000, 2_000_000),
    "model_tokens": (8192, "1000", 1_000, 2_000),
    "model_penalty": (1.0, "1.05", 1.05, 1.1),
    "model_page_seconds": (600.0, "30", 30.0, 60.0),
    "models_dir": (None, "/srv/models", "/srv/models", "/tmp/models"),
    "server_url": (None, "http://gpu:8000", "http://gpu:8000", "https://example.org/v1"),
    "server_model": (None, "qwen", "qwen", "other"),
    "server_family": ("auto", "qwen3-vl", "qwen3-vl", "qwen2.5-vl"),
    "server_concurrency": (32, "4", 4, 8),
    "server_send_pixels": (False, "1", True, False),
    "api_key": (None, "sk-1", SecretStr("sk-1"), "sk-2"),
    "cache": (True, "0", False, True),
    "cache_dir": (None, "/srv/results", "/srv/results", "/tmp/results"),
    "cache_bytes": (1024**3, "5000000", 5_000_000, 6_000_000),
}

# Those of the service; and what is another default there.
SERVE: dict[str, tuple[Any, str, Any, Any]] = {
    "max_bytes": (100 * 1024**2, "1000000", 1_000_000, 2_000_000),
    "max_pages": (2_000, "10", 10, 20),
    "host": ("127.0.0.1", "0.0.0.0", "0.0.0.0", "::1"),
    "port": (8000, "9000", 9000, 9001),
    "data_dir": (None, "/srv/docparse", "/srv/docparse", "s3://bucket/docparse"),
    "queue": (None, "redis://jobs:6379/0", "redis://jobs:6379/0", "rediss://:secret@jobs"),
    "keys_file": (None, "/etc/docparse/keys", "/etc/docparse/keys", "keys"),
    "workers": (0, "4", 4, 2),
    "worker_bytes": (Limits().memory_bytes, "1000000000", 1_000_000_000, 2_000_000_000),
    "max_uploads": (64, "2", 2, 4),
    "max_queue": (1_000, "10", 10, 20),
    "result_bytes": (1024**3, "5000000", 5_000_000, 6_000_000),
    "sync_seconds": (60.0, "5", 5.0, 10.0),
    "sync_pages": (10, "1", 1, 2),
    "keep_hours": (24.0, "1", 1.0, 0.5),
    "drain": (30.0, "5", 5.0, 0.0),
    "webhook_hosts": ("", "hooks.example.org", "hooks.example.org", "a.example,b.example"),
    "webhook_secret": (None, "s-1", SecretStr("s-1"), "s-2"),
    "session_secret": (None, "s" * 32, SecretStr("s" * 32), "t" * 32),
    "rate": (0.0, "60", 60.0, 120.0),
    "allow_hosts": ("", "docs.example.org", "docs.example.org", "*"),
    "open_metrics": (False, "1", True, False),
    "schemas_dir": (None, "/etc/docparse/schemas", "/etc/docparse/schemas", "schemas"),
    "cors_origins": ("", "https://a.example", "https://a.example", "https://b.example"),
}


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.upper().startswith("DOCPARSE_")]:
        monkeypatch.delenv(name)


def test_the_table_has_every_setting() -> None:
    assert set(TABLE) == set(Settings.model_fields)
    assert set(TABLE) | set(SERVE) == set(ServeSettings.model_fields)


@pytest.mark.parametrize("name", TABLE)
def test_flag_over_environment_over_default(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    default, variable, meant, flag = TABLE[name]
    assert getattr(load(), name) == default
    assert getattr(load(**{name: None}), name) == default
    monkeypatch.setenv(f"DOCPARSE_{name.upper()}", variable)
    assert getattr(load(), name) == meant
    assert getattr(load(**{name: None}), name) == meant
    by_flag = getattr(load(**{name: flag}), name)
    assert by_flag == (type(meant)(flag) if meant is not None else flag)
    assert by_flag != meant


@pytest.mark.parametrize("name", SERVE)
def test_flag_over_environment_over_default_of_the_service(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    default, variable, meant, flag = SERVE[name]
    assert getattr(load_serve(), name) == default
    monkeypatch.setenv(f"DOCPARSE_{name.upper()}", variable)
    assert getattr(load_serve(**{name: None}), name) == meant
    by_flag = getattr(load_serve(**{name: flag}), name)
    assert by_flag == (type(meant)(flag) if meant is not None else flag)
    assert by_flag != meant
    assert unknown_variables() == []


def test_where_the_service_keeps_things(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    assert load_serve().data_folder() == str(tmp_path / ".local/share/docparse")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert load_serve().data_folder() == str(tmp_path / "data" / "docparse")
    assert load_serve().keys_path() == tmp_path / "data" / "docparse" / "keys"
    here = load_serve(data_dir="~/d")
    assert (here.data_folder(), here.keys_path()) == (str(tmp_path / "d"), tmp_path / "d" / "keys")
    shared = load_serve(data_dir="s3://bucket/d")
    assert (shared.data_folder(), shared.local_folder()) == ("s3://bucket/d", tmp_path / "data" / "docparse")
    assert load_serve(keys_file="~/k").keys_path() == tmp_path / "k"


def test_the_memory_of_a_worker_is_a_limit() -> None:
    limits = load_serve(worker_bytes=10**9, max_pages=7).limits()
    assert (limits.memory_bytes, limits.max_pages, limits.max_bytes) == (10**9, 7, 100 * 1024**2)


def test_the_port_of_a_service_in_kubernetes_is_none_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCPARSE_PORT", "tcp://10.0.0.1:80")
    assert load_serve().port == 8000
    monkeypatch.setenv("DOCPARSE_PORT", "8080")
    assert load_serve().port == 8080


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", "65536"),
        ("port", "http"),
        ("queue", "http://jobs"),
        ("workers", "-1"),
        ("worker_bytes", "1000"),
        ("max_uploads", "0"),
        ("max_queue", "0"),
        ("keep_hours", "0"),
        ("drain", "-1"),
        ("drain", "nan"),
        ("sync_seconds", "0"),
        ("webhook_secret", "two words"),
        ("session_secret", "too-short"),
    ],
)
def test_a_wrong_value_of_the_service_is_named(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError) as caught:
        load_serve(**{name: value})
    assert caught.value.message.startswith(f"--{name.replace('_', '-')}: ")
    monkeypatch.setenv(f"DOCPARSE_{name.upper()}", value)
    with pytest.raises(SettingsError) as caught:
        load_serve()
    assert caught.value.message.startswith(f"DOCPARSE_{name.upper()}: ")
    # Redis has its password in its address.
    assert (value in str(caught.value)) == (name not in ("queue", "webhook_secret", "session_secret"))


def test_what_models_read_is_kept_unless_told_not_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("sys.platform", "linux")
    kept = CacheOptions(str(tmp_path / "docparse" / "results"), 1024**3)
    assert load().options(pages=None, password=None).cache == kept
    assert load(cache=False).options(pages=None, password=None).cache is None
    elsewhere = load(cache_dir="~/kept", cache_bytes=2**20).options(pages=None, password=None).cache
    assert elsewhere == CacheOptions(str(Path.home() / "kept"), 2**20)


def test_settings_reach_the_options(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, (_, variable, _, _) in TABLE.items():
        monkeypatch.setenv(f"DOCPARSE_{name.upper()}", variable)
    options = load().options(pages="1-3", password="secret")
    assert (options.engine, options.dpi, options.renderer) == ("embedded", 200.0, "pdf2image")
    assert (options.pages, options.password) == ("1-3", "secret")
    assert options.limits == Limits(
        max_bytes=1_000_000, max_pages=10, page_pixels=500_000, page_seconds=2.5, model_page_seconds=30
    )
    assert options.model.path is None  # the embedded engine wants none, and nobody looks for it


def test_settings_reach_the_model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, (_, variable, _, _) in TABLE.items():
        monkeypatch.setenv(f"DOCPARSE_{name.upper()}", variable)
    given = {"engine": "qwen", "model": str(tmp_path)}
    assert load(**given).model_options() == ModelOptions(
        path=str(tmp_path),
        device="cuda:1",
        dtype="bfloat16",
        attention="sdpa",
        prompt="markdown",
        check="ocr",
        batch=2,
        pixels=1_000_000,
        max_tokens=1_000,
        penalty=1.05,
    )
    with pytest.raises(EngineUnavailable, match="docparse models pull 7b"):
        load(engine="qwen", models_dir=str(tmp_path)).model_options()


def test_settings_reach_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, (_, variable, _, _) in TABLE.items():
        monkeypatch.setenv(f"DOCPARSE_{name.upper()}", variable)
    # DOCPARSE_MODEL is of the qwen engine: nobody looks for it.
    assert load(engine="remote").options(pages=None, password=None).remote == RemoteOptions(
        url="http://gpu:8000",
        model="qwen",
        api_key="sk-1",
        family="qwen3-vl",
        concurrency=4,
        send_pixels=True,
        prompt="markdown",
        check="ocr",
        pixels=1_000_000,
        max_tokens=1_000,
        penalty=1.05,
    )


@pytest.mark.parametrize("key", ["sk secret", "sk\nsecret", "schlüsselsecret", " secret", "\x00secret"])
def test_a_key_is_shown_to_nobody(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    good = load(api_key="sk-secret")
    options = good.options(pages=None, password=None)
    assert "secret" not in f"{good!r} {good} {options!r} {options.remote}"
    if "\0" not in key:  # no variable can hold it
        monkeypatch.setenv("DOCPARSE_API_KEY", key)
    for flags in ({"api_key": key}, {"api_key": key} if "\0" in key else {}):
        with pytest.raises(SettingsError, match="a key is made of printable ascii") as caught:
            load(**flags)
        assert "secret" not in str(caught.value)
        assert caught.value.__cause__ is None


def test_native_is_said_the_same_way_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCPARSE_DPI", "native")
    assert load().dpi is None
    monkeypatch.setenv("DOCPARSE_DPI", "300")
    assert load(dpi="native").dpi is None


def test_a_variable_set_to_nothing_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in TABLE:
        monkeypatch.setenv(f"DOCPARSE_{name.upper()}", "")
    assert load() == Settings()
    assert load().page_seconds == 60.0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("dpi", "fine"),
        ("dpi", "0"),
        ("dpi", "-100"),
        ("dpi", "1201"),
        ("dpi", "nan"),
        ("renderer", "ghostscript"),
        ("jobs", "-1"),
        ("jobs", "many"),
        ("jobs", "1.5"),
        ("jobs", "257"),
        ("fail_on", "ok"),
        ("max_bytes", "0"),
        ("max_pages", "0"),
        ("page_pixels", "100"),
        ("page_seconds", "0"),
        ("page_seconds", "inf"),
        ("page_seconds", "nan"),
        ("prompt", "latex"),
        ("check", "eyes"),
        ("model_device", "tpu"),
        ("model_device", "cuda:"),
        ("model_dtype", "int8"),
        ("model_attention", "eager"),
        ("model_batch", "-1"),
        ("model_pixels", "100"),
        ("model_tokens", "0"),
        ("model_penalty", "0"),
        ("model_page_seconds", "0"),
    ],
)
def test_a_wrong_value_is_named_with_its_door(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError) as caught:
        load(**{name: value})
    assert caught.value.message.startswith(f"--{name.replace('_', '-')}: ")
    monkeypatch.setenv(f"DOCPARSE_{name.upper()}", value)
    with pytest.raises(SettingsError) as caught:
        load()
    assert caught.value.message.startswith(f"DOCPARSE_{name.upper()}: ")
    assert repr(value) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_misspelled_variables_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCPARSE_JOBS", "2")
    monkeypatch.setenv("docparse_dpi", "100")
    assert unknown_variables() == []
    assert load().dpi == 100
    monkeypatch.setenv("DOCPARSE_JOSB", "2")
    monkeypatch.setenv("DOCPARSE_COLOUR", "red")
    assert unknown_variables() == [
        "DOCPARSE_COLOUR: there is no such setting.",
        "DOCPARSE_JOSB: there is no such setting. Did you mean DOCPARSE_JOBS?",
    ]
    load()  # and nothing else happens


def test_what_only_the_tests_ask_for_is_not_called_a_setting() -> None:
    """Whoever sets it would be told by docparse, in the middle of a test, that there is no such setting."""
    known = {f"DOCPARSE_{name.upper()}" for name in ServeSettings.model_fields}
    asked = re.compile(r"""environ(?:\.get\(|\[)["'](DOCPARSE_\w+)|getenv\(["'](DOCPARSE_\w+)""")
    files = sorted(Path(__file__).parent.rglob("*.py"))
    found = {match[1] or match[2]: path.name for path in files for match in asked.finditer(path.read_text("utf-8"))}
    assert asked.search(f'os.environ.get("{PREFIX}X")')
    assert not {name: path for name, path in found.items() if name not in known}


def test_what_kubernetes_sets_is_nobodys_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "DOCPARSE_SERVICE_HOST",
        "DOCPARSE_SERVICE_PORT",
        "DOCPARSE_SERVICE_PORT_HTTP",
        "DOCPARSE_PORT",
        "DOCPARSE_PORT_8000_TCP",
        "DOCPARSE_PORT_8000_TCP_ADDR",
        "DOCPARSE_VIEWER_SERVICE_HOST",
        "DOCPARSE_VIEWER_PORT",
    ):
        monkeypatch.setenv(name, "tcp://10.0.0.1:8000")
    assert unknown_variables() == []


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load().jobs = 3  # type: ignore[misc]


def test_cores_are_those_this_process_may_use() -> None:
    assert cores() == len(os.sched_getaffinity(0))


def test_models_are_kept_in_the_users_cache_if_nothing_else_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert load().models_folder() == tmp_path / ".cache" / "docparse" / "models"
    monkeypatch.setenv("XDG_CACHE_HOME", "not/absolute")
    assert load().models_folder() == tmp_path / ".cache" / "docparse" / "models"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "elsewhere"))
    assert load().models_folder() == tmp_path / "elsewhere" / "docparse" / "models"
    monkeypatch.setenv("DOCPARSE_MODELS_DIR", "~/models")
    assert load().models_folder() == tmp_path / "models"
    assert load(models_dir="here").models_folder() == Path("here")
