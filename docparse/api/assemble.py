"""The service put together from the settings: store, queue, files, readers, and what HTTP is to allow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from docparse.api.auth import Key
from docparse.api.config import ApiConfig
from docparse.api.files import StoredFiles
from docparse.api.ports import Files, JobQueue, JobStore
from docparse.api.queue import HueyQueue
from docparse.api.store import SqliteStore
from docparse.errors import SettingsError
from docparse.extract.user.schema import compile_schema
from docparse.settings import ServeSettings

JOBS, QUEUE = "jobs.sqlite", "queue.sqlite"
"""Files in the data folder; where the queue is in Redis, the jobs are there too."""


def open_store(settings: ServeSettings) -> JobStore:
    retention = settings.keep_hours * 3600
    if settings.queue is not None:
        from docparse.api.store_redis import RedisStore

        return RedisStore(settings.queue, retention=retention)
    return SqliteStore(settings.local_folder() / JOBS, retention=retention)


def open_queue(settings: ServeSettings) -> JobQueue:
    return HueyQueue(settings.queue or settings.local_folder() / QUEUE)


def open_files(settings: ServeSettings) -> Files:
    return StoredFiles(settings.data_folder())


def api_config(settings: ServeSettings, keys: tuple[Key, ...]) -> ApiConfig:
    return ApiConfig(
        keys=keys,
        hosts=_listed(settings.allow_hosts),
        origins=_listed(settings.cors_origins),
        upload_bytes=settings.max_bytes,
        uploads=settings.max_uploads,
        rate=settings.rate,
        sync_seconds=settings.sync_seconds,
        sync_pages=settings.sync_pages,
        schemas=operator_schemas(settings.schemas_dir),
        webhook_hosts=_listed(settings.webhook_hosts),
        open_metrics=settings.open_metrics,
        drain_seconds=settings.drain,
    )


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def operator_schemas(folder: str | None) -> dict[str, dict[str, Any]]:
    """The JSON Schemas of a folder, by the names of their files. Raises ``SettingsError`` that names the bad one."""
    if folder is None:
        return {}
    found = {}
    try:
        for path in sorted(Path(folder).expanduser().iterdir()):
            if path.suffix == ".json":
                found[path.stem] = json.loads(path.read_text("utf-8"))
                compile_schema(found[path.stem])
    except (OSError, ValueError) as error:
        raise SettingsError(f"the schemas cannot be read ({error}).", file=folder) from error
    return found
