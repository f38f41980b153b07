"""The settings, read once at the edge: a command-line flag wins over ``DOCPARSE_*`` over the default.

Nothing else in the project reads the environment (a test checks it).
"""

from __future__ import annotations

import difflib
import os
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from docparse.convert import MAX_DPI, Options
from docparse.engines.options import AttentionName, Check, Dtype, FamilyName, ModelOptions, Prompt, RemoteOptions
from docparse.errors import SettingsError
from docparse.limits import Limits
from docparse.result_cache import CacheOptions

PREFIX = "DOCPARSE_"
SECRET = ("api_key", "webhook_secret", "session_secret", "queue")
"""Settings that nobody is shown."""
_KUBERNETES = re.compile(r"(\w+_)?(SERVICE_(HOST|PORT)|PORT)(_\w+)?")
"""What Kubernetes puts into every container of a cluster that has a service called docparse."""


class Settings(BaseSettings):
    """What an operator can set. ``DOCPARSE_JOBS=4`` in the environment is ``--jobs 4``.

    A variable that is set to nothing counts as not set.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="ignore", frozen=True, allow_inf_nan=False
    )

    engine: str = "auto"
    dpi: float | None = Field(default=None, gt=0, le=MAX_DPI, description="None (native) fits the text")
    renderer: Literal["auto", "pymupdf", "pdf2image"] = "auto"
    jobs: int = Field(default=0, ge=0, le=256, description="worker processes; 0: one per core")
    fail_on: Literal["partial", "failed"] = "failed"
    max_bytes: int = Field(default=Limits().max_bytes, gt=0)
    max_pages: int = Field(default=Limits().max_pages, gt=0)
    page_pixels: int = Field(default=Limits().page_pixels, ge=250_000, description="largest page image")
    page_seconds: float = Field(default=Limits().page_seconds, gt=0, le=86_400, description="longest time for one page")

    model: str | None = Field(default=None, description="checkpoint folder of the qwen engine, or a model's name")
    prompt: Prompt = "html"
    check: Check = Field(default="text-layer", description="what a model's words are checked against")
    model_device: str = Field(default="auto", pattern=r"^(auto|cpu|cuda(:\d+)?)$", description="such as cpu or cuda:1")
    model_dtype: Dtype = "auto"
    model_attention: AttentionName = "auto"
    model_batch: int = Field(default=0, ge=0, le=1024, description="pages written at a time; 0: what fits, up to 8")
    model_pixels: int = Field(default=ModelOptions().pixels, ge=28 * 28 * 16, description="most pixels it is shown")
    model_tokens: int = Field(default=ModelOptions().max_tokens, ge=1, description="longest answer to a page")
    model_penalty: float = Field(default=1.0, gt=0, le=10, description="repetition penalty; 1 is none")
    model_page_seconds: float = Field(default=Limits().model_page_seconds, gt=0, le=86_400)
    models_dir: str | None = Field(default=None, description="folder of the models; None: in the user's cache")

    server_url: str | None = Field(default=None, description="OpenAI-compatible server of the remote engine")
    server_model: str | None = Field(default=None, description="the model's name there; None: the only one")
    server_family: FamilyName = Field(default="auto", description="what its boxes mean; auto: told by its name")
    server_concurrency: int = Field(default=RemoteOptions().concurrency, ge=1, le=1024, description="pages at a time")
    server_send_pixels: bool = Field(default=False, description="send the bounds of pictures as mm_processor_kwargs")
    api_key: SecretStr | None = Field(default=None, description="what the server wants to be shown")

    cache: bool = Field(default=True, description="keep what a model reads, and do not ask it twice")
    cache_dir: str | None = Field(default=None, description="folder of kept readings; None: in the user's cache")
    cache_bytes: int = Field(default=CacheOptions("").max_bytes, ge=1024**2, description="most that it takes on disk")

    @field_validator("dpi", mode="before")
    @classmethod
    def _native(cls, value: object) -> object:
        return None if value == "native" else value

    @field_validator("api_key", "webhook_secret", "session_secret", check_fields=False)
    @classmethod
    def _sendable(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not re.fullmatch(r"[!-~]+", value.get_secret_value()):
            raise ValueError("a key is made of printable ASCII characters, without blanks")
        return value

    def models_folder(self) -> Path:
        """Where models are kept. It need not exist."""
        return Path(self.models_dir).expanduser() if self.models_dir else _user_cache() / "docparse" / "models"

    def cache_options(self) -> CacheOptions:
        """Where readings are kept, whether or not any are."""
        folder = Path(self.cache_dir).expanduser() if self.cache_dir else _user_cache() / "docparse" / "results"
        return CacheOptions(str(folder), self.cache_bytes)

    def limits(self) -> Limits:
        return Limits(
            max_bytes=self.max_bytes,
            max_pages=self.max_pages,
            page_pixels=self.page_pixels,
            page_seconds=self.page_seconds,
            model_page_seconds=self.model_page_seconds,
        )

    def model_options(self) -> ModelOptions:
        """How the model is to be run. Raises ``EngineUnavailable`` where the one that is named is not here."""
        from docparse.model_store import find

        wanted = self.model if self.engine not in ("embedded", "remote") else None
        return ModelOptions(
            path=str(find(wanted, self.models_folder())) if wanted else None,
            device=self.model_device,
            dtype=self.model_dtype,
            attention=self.model_attention,
            prompt=self.prompt,
            check=self.check,
            batch=self.model_batch,
            pixels=self.model_pixels,
            max_tokens=self.model_tokens,
            penalty=self.model_penalty,
        )

    def remote_options(self) -> RemoteOptions:
        """Which server is to be asked, and how."""
        return RemoteOptions(
            url=self.server_url,
            model=self.server_model,
            api_key=None if self.api_key is None else self.api_key.get_secret_value(),
            family=self.server_family,
            concurrency=self.server_concurrency,
            send_pixels=self.server_send_pixels,
            prompt=self.prompt,
            check=self.check,
            pixels=self.model_pixels,
            max_tokens=self.model_tokens,
            penalty=self.model_penalty,
        )

    def options(self, *, pages: str | None, password: str | None) -> Options:
        """Raises ``EngineUnavailable`` where a model is named that is not here."""
        return Options(
            engine=self.engine,
            model=self.model_options(),
            remote=self.remote_options(),
            pages=pages,
            dpi=self.dpi,
            password=password,
            renderer=self.renderer,
            limits=self.limits(),
            cache=self.cache_options() if self.cache else None,
        )


class ServeSettings(Settings):
    """Those of ``docparse serve``, and the others with what the files of strangers may cost by default."""

    max_bytes: int = Field(default=100 * 1024**2, gt=0, description="largest upload")
    max_pages: int = Field(default=2_000, gt=0, description="most pages of a document")

    host: str = Field(default="127.0.0.1", description="address that is listened on")
    port: int = Field(default=8000, ge=0, le=65_535, description="0: one that is free")
    data_dir: str | None = Field(default=None, description="folder or fsspec URL; None: in the user's data folder")
    queue: str | None = Field(
        default=None, pattern=r"^(rediss?|unix)://", description="None: a file in the data folder"
    )
    keys_file: str | None = Field(default=None, description="API keys, hashed; None: keys in the data folder")
    workers: int = Field(default=0, ge=0, le=256, description="processes that read pages; 0: one per core")
    worker_bytes: int = Field(default=Limits().memory_bytes, ge=512 * 1024**2, description="address space of each")
    max_uploads: int = Field(default=64, ge=1, le=10_000, description="uploads that come in at a time")
    max_queue: int = Field(default=1_000, ge=1, description="jobs that wait; more are refused")
    result_bytes: int = Field(default=1024**3, gt=0, description="largest result")
    sync_seconds: float = Field(default=60.0, gt=0, le=3_600, description="longest wait for an answer that is no job")
    sync_pages: int = Field(default=10, ge=0, description="most pages of a document that is answered at once")
    keep_hours: float = Field(default=24.0, gt=0, le=87_600, description="how long jobs that are over are kept")
    drain: float = Field(default=30.0, ge=0, le=3_600, description="seconds that pages in hand have at the end")
    webhook_hosts: str = Field(default="", description="hosts that may be told, separated by commas; none by default")
    webhook_secret: SecretStr | None = Field(default=None, description="signs what they are told")
    session_secret: SecretStr | None = Field(default=None, min_length=32, description="signs sessions of browsers")
    rate: float = Field(default=0.0, ge=0, description="requests a minute of each key; 0: any number")
    allow_hosts: str = Field(
        default="", description="host names that it is asked by, separated by commas; any, with keys"
    )
    open_metrics: bool = Field(default=False, description="/metrics without a key")
    schemas_dir: str | None = Field(default=None, description="folder of JSON Schemas that may be asked for by name")
    cors_origins: str = Field(default="", description="web sites that may ask, separated by commas; none by default")

    @field_validator("port", mode="before")
    @classmethod
    def _not_of_kubernetes(cls, value: object) -> object:
        """In a cluster with a service called docparse, every container has ``DOCPARSE_PORT=tcp://10.0.0.1:8000``."""
        return 8000 if isinstance(value, str) and value.startswith("tcp://") else value

    def data_folder(self) -> str:
        """Where jobs, uploads and results lie: a path, or a URL of fsspec's. It need not exist."""
        if self.data_dir and "://" in self.data_dir:
            return self.data_dir
        return str(Path(self.data_dir).expanduser() if self.data_dir else _user_data() / "docparse")

    def local_folder(self) -> Path:
        """The data folder where it is on this machine; else one for what cannot lie elsewhere."""
        folder = self.data_folder()
        return _user_data() / "docparse" if "://" in folder else Path(folder)

    def keys_path(self) -> Path:
        return Path(self.keys_file).expanduser() if self.keys_file else self.local_folder() / "keys"

    def limits(self) -> Limits:
        return replace(super().limits(), memory_bytes=self.worker_bytes)


def load(**flags: Any) -> Settings:
    """The settings with these flags; a flag that is None was not given.

    Raises ``SettingsError`` that names the flag or variable and what it may be.
    """
    return _load(Settings, flags)


def load_serve(**flags: Any) -> ServeSettings:
    """As ``load``, for ``docparse serve``."""
    return _load(ServeSettings, flags)


_S = TypeVar("_S", bound=Settings)


def _load(kind: type[_S], flags: dict[str, Any]) -> _S:
    given = {name: value for name, value in flags.items() if value is not None}
    try:
        return kind(**given)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else "settings"
        flag = f"--{name.replace('_', '-')}" if name in given else f"{PREFIX}{name.upper()}"
        said = f"{flag}: {first['msg'].removeprefix('Value error, ').lower()}."
        if name in SECRET:  # nor in the cause: somebody may print that
            raise SettingsError(said) from None
        raise SettingsError(said, hint=f"It is now {first['input']!r}.") from error


def unknown_variables() -> list[str]:
    """A sentence for every ``DOCPARSE_*`` variable that sets nothing: most are misspelled.

    They are no error, because not all are the user's doing (see ``_KUBERNETES``, which are not told).
    """
    known = [name.upper() for name in ServeSettings.model_fields]
    sentences = []
    for name in sorted(os.environ):
        # Names count whatever their case, as they do where they are read.
        if not name.upper().startswith(PREFIX):
            continue
        own = name.upper().removeprefix(PREFIX)
        if own in known or _KUBERNETES.fullmatch(own):
            continue
        near = difflib.get_close_matches(own, known, n=1)
        meant = f" Did you mean {PREFIX}{near[0]}?" if near else ""
        sentences.append(f"{name}: there is no such setting.{meant}")
    return sentences


def prepare_gradio(temp: Path) -> None:
    """Have Gradio, which reads the environment when it is imported, keep files in ``temp`` and ask nobody."""
    os.environ |= {
        "GRADIO_TEMP_DIR": str(temp),
        "GRADIO_ANALYTICS_ENABLED": "False",
        "HF_HUB_OFFLINE": "1",
        "GRADIO_MCP_SERVER": "False",
        "GRADIO_SSR_MODE": "False",
    }


def quiet_ray() -> None:
    """Have Ray, which reads the environment when it is imported, report nobody's use of it, and leave out of standard
    error what only its makers can use. What somebody has said otherwise holds."""
    for name, value in (
        ("RAY_USAGE_STATS_ENABLED", "0"),
        ("RAY_BACKEND_LOG_LEVEL", "fatal"),
        ("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0"),
    ):
        os.environ.setdefault(name, value)


def _user_cache() -> Path:
    """The folder in which a program may keep, for this user, what it can fetch again."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    xdg = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if xdg.is_absolute():  # what is not counts as not set (XDG base directory specification)
        return xdg
    return Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache")


def _user_data() -> Path:
    """The folder in which a program keeps, for this user, what must not be lost."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    xdg = Path(os.environ.get("XDG_DATA_HOME", ""))
    if xdg.is_absolute():
        return xdg
    return Path.home() / ("Library/Application Support" if sys.platform == "darwin" else ".local/share")


def state_folder() -> Path:
    """What is kept of runs whose results lie elsewhere: lost, it costs no more than doing it again."""
    if sys.platform in ("win32", "darwin"):
        return _user_data() / "docparse" / "runs"
    xdg = Path(os.environ.get("XDG_STATE_HOME", ""))
    return (xdg if xdg.is_absolute() else Path.home() / ".local/state") / "docparse" / "runs"


def cores() -> int:
    """Processors this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS and Windows
        return os.cpu_count() or 1
