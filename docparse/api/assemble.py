"""The service put together from the settings: store, queue, files, readers, and what HTTP is to allow."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docparse.api.auth import Key
from docparse.api.config import ApiConfig
from docparse.api.files import StoredFiles
from docparse.api.ports import Files, JobQueue, JobStore
from docparse.api.queue import HueyQueue
from docparse.api.readers import PageReaders
from docparse.api.service import LocalService, ServiceOptions
from docparse.api.store import SqliteStore
from docparse.api.webhook import Webhooks
from docparse.errors import SettingsError
from docparse.extract.user.schema import compile_schema
from docparse.settings import ServeSettings

JOBS, QUEUE = "jobs.sqlite", "queue.sqlite"
"""Files in the data folder; where the queue is in Redis, the jobs are there too."""
LEASE_SECONDS = 10.0
"""How long jobs wait that a killed process had at work. It is renewed three times as often: a process that is stopped
for longer may find its job with another, which costs a page in hand."""


@dataclass(frozen=True, slots=True)
class Assembled:
    """The service, and what there is to say of it. ``unfinished``: jobs that it finds and goes on with."""

    service: LocalService
    engine: str
    engine_reason: str
    unfinished: int

    def wind_down(self, *, drain: float) -> None:
        """Begin no page; return when those in hand have ended, after ``drain`` seconds at the latest. Requests are
        still answered: ``service.stop`` ends that."""
        self.service.runner.stop(drain=drain)


def assemble(settings: ServeSettings) -> Assembled:
    """Everything, not started. Raises ``DocparseError`` where a part cannot be had."""
    options = settings.options(pages=None, password=None)
    webhooks = open_webhooks(settings)
    store, queue, files = open_store(settings), open_queue(settings), open_files(settings)
    unfinished = sum(store.counts().get(state, 0) for state in ("queued", "running"))
    readers = PageReaders(options, workers=settings.workers)
    engine = next(state for state in readers.engines() if state.default)
    service = LocalService(
        store,
        queue,
        files,
        readers,
        ServiceOptions(
            options=options,
            most_waiting=settings.max_queue,
            upload_bytes=settings.max_bytes,
            result_bytes=settings.result_bytes,
            lease_seconds=LEASE_SECONDS,
        ),
        webhooks=webhooks,
    )
    return Assembled(service, engine.name, engine.reason, unfinished)


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


def open_webhooks(settings: ServeSettings) -> Webhooks | None:
    """Raises ``SettingsError`` where somebody is to be told who could not know by whom."""
    hosts = _listed(settings.webhook_hosts)
    if not hosts:
        return None
    if settings.webhook_secret is None:
        raise SettingsError(
            "--webhook-hosts: what they are told has to be signed.",
            hint="Set DOCPARSE_WEBHOOK_SECRET to a long random text that they know too.",
        )
    return Webhooks(hosts, secret=settings.webhook_secret.get_secret_value())


def api_config(settings: ServeSettings, keys: tuple[Key, ...]) -> ApiConfig:
    return ApiConfig(
        keys=keys,
        hosts=_listed(settings.allow_hosts),
        origins=_listed(settings.cors_origins),
        upload_bytes=settings.max_bytes,
        uploads=settings.max_uploads,
        # Where there are no keys, all are one owner.
        owner_uploads=max(settings.max_uploads // 2, 1) if keys else settings.max_uploads,
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
