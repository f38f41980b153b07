"""What an operator sets of the service's HTTP side. One frozen value, made at the edge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from docparse.api.auth import Key

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")
"""Names that a service on this machine is asked by. A page that had its own name point here has another."""


@dataclass(frozen=True, slots=True)
class ApiConfig:
    """Sizes in bytes, times in seconds.

    keys             who may ask; without any, everybody on this machine may, as one owner
    hosts            names that the service answers to (``*``: any); empty: those of the loopback where no key is set,
                     else any
    origins          sites whose pages may ask from a browser; none by default
    upload_bytes     a file; ``json_bytes``: a request in JSON, which is held in memory
    upload_seconds   for a whole upload; ``idle_seconds``: between two of its pieces
    upload_rate      bytes a second that an upload makes on average, once it has lasted ``idle_seconds``
    uploads          uploads at a time in all; ``owner_uploads``: of one owner
    owner_streams    streams of events at a time of one owner
    rate             requests a minute of a key that has no rate of its own; 0: any number
    sync_seconds     how long ``/v1/parse`` waits for a document before it answers with a job
    sync_pages       pages of a document that it waits for
    heartbeat        between two signs of life in a stream of events
    schemas          the operator's own schemas by name, as JSON Schema
    webhook_hosts    hosts that may be told of a job that is over
    open_metrics     ``/metrics`` without a key, where keys are set
    drain_seconds    for pages in hand when the service ends
    """

    keys: tuple[Key, ...] = ()
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    upload_bytes: int = 256 * 1024**2
    json_bytes: int = 32 * 1024**2
    upload_seconds: float = 900.0
    idle_seconds: float = 20.0
    upload_rate: float = 4096.0
    uploads: int = 32
    owner_uploads: int = 8
    owner_streams: int = 32
    rate: float = 0.0
    sync_seconds: float = 30.0
    sync_pages: int = 20
    heartbeat: float = 15.0
    schemas: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    webhook_hosts: tuple[str, ...] = ()
    open_metrics: bool = False
    drain_seconds: float = 20.0

    def allowed_hosts(self) -> tuple[str, ...]:
        """The names that are answered to, in lower case; ``*`` among them for any."""
        return tuple(host.lower() for host in self.hosts) or (("*",) if self.keys else LOOPBACK_NAMES)
