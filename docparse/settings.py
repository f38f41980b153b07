"""The settings, read once at the edge: a command-line flag wins over ``DOCPARSE_*`` over the default.

Nothing else in the project reads the environment (a test checks it).
"""

from __future__ import annotations

import os
from typing import Any, Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from docparse.convert import Options
from docparse.errors import SettingsError
from docparse.limits import Limits


class Settings(BaseSettings):
    """What an operator can set. ``DOCPARSE_JOBS=4`` in the environment is ``--jobs 4``."""

    model_config = SettingsConfigDict(env_prefix="DOCPARSE_", extra="ignore", frozen=True)

    engine: str = "auto"
    dpi: float | None = Field(default=None, gt=0, le=1200)
    renderer: Literal["auto", "pymupdf", "pdf2image"] = "auto"
    jobs: int = Field(default=0, ge=0, le=256, description="worker processes; 0: one per core")
    fail_on: Literal["partial", "failed"] = "failed"
    max_bytes: int = Field(default=Limits().max_bytes, gt=0)
    max_pages: int = Field(default=Limits().max_pages, gt=0)
    page_pixels: int = Field(default=Limits().page_pixels, ge=250_000, description="largest page image")
    page_seconds: float = Field(default=Limits().page_seconds, gt=0, description="longest time for one page")

    def limits(self) -> Limits:
        return Limits(
            max_bytes=self.max_bytes,
            max_pages=self.max_pages,
            page_pixels=self.page_pixels,
            page_seconds=self.page_seconds,
        )

    def options(self, *, pages: str | None, password: str | None) -> Options:
        return Options(
            engine=self.engine,
            pages=pages,
            dpi=self.dpi,
            password=password,
            renderer=self.renderer,
            limits=self.limits(),
        )


def load(**flags: Any) -> Settings:
    """The settings with these flags; a flag that is None was not given.

    Raises ``SettingsError`` that names the flag or variable and what it may be.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else "settings"
        flag = f"--{name.replace('_', '-')}" if name in given else f"DOCPARSE_{name.upper()}"
        raise SettingsError(f"{flag}: {first['msg'].lower()}.", hint=f"It is now {first['input']!r}.") from error


def cores() -> int:
    """Processors this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS and Windows
        return os.cpu_count() or 1
