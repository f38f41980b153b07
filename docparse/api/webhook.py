"""Somebody is told that his job is over: one signed POST, to hosts that the operator allows, and to nobody else.

The address that a host's name has is looked at before it is asked, and that very address is asked: a name that
means this machine, or the network behind it, is refused unless the operator named an address or allows private ones.
Redirects are not followed. A job never waits for it.

    X-Docparse-Timestamp: 1790000000
    X-Docparse-Signature: sha256=HEX        HMAC-SHA256 of "TIMESTAMP." and the body, with the operator's secret
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import ipaddress
import json
import logging
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from docparse.api.job import Job
from docparse.errors import SettingsError

log = logging.getLogger("docparse.webhook")

TRIES = 5
FIRST_PAUSE = 2.0
"""Seconds before the second try; each pause is four times as long."""
SECONDS = 10.0
"""For one try."""
MOST_WAITING = 10_000
MOST_URL = 2000


@dataclass(frozen=True, slots=True)
class _Message:
    url: str
    body: bytes
    tries: int = 0
    due: float = 0.0


class Webhooks:
    """Sends in a thread of its own.

    hosts     names (``hooks.example.org``), names with a port (``hooks.example.org:8443``), or addresses
    secret    of the signature
    insecure  http and private addresses are allowed too, for the hosts that are named
    """

    def __init__(
        self,
        hosts: Sequence[str],
        *,
        secret: str,
        insecure: bool = False,
        first_pause: float = FIRST_PAUSE,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._hosts = frozenset(host.strip().lower() for host in hosts if host.strip())
        self._secret = secret.encode()
        self._insecure = insecure
        self._first_pause = first_pause
        self._clock = clock
        self._waiting: queue.PriorityQueue[tuple[float, int, _Message | None]] = queue.PriorityQueue(MOST_WAITING)
        self._count = 0
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="docparse-webhooks", daemon=True)
        self._thread.start()

    def check(self, url: str) -> None:
        """Raises ``SettingsError`` where this is nobody who may be told."""
        _, host, port, _ = self._parts(url)
        if host not in self._hosts and f"{host}:{port}" not in self._hosts:
            raise SettingsError(
                f"the host {host!r} may not be told of jobs.", hint="Whoever runs the service can allow it."
            )

    def send(self, job: Job) -> None:
        """Have the job's client told. Returns at once."""
        if job.spec.webhook is None:
            return
        failure = None if job.failure is None else {"code": job.failure.code, "message": job.failure.message}
        told: dict[str, Any] = {
            "id": job.id,
            "state": job.state,
            "num_pages": job.num_pages,
            "pages_read": job.pages_read,
            "failure": failure,
        }
        self._put(_Message(job.spec.webhook, json.dumps(told).encode()))

    def close(self) -> None:
        self._closed.set()
        self._thread.join(SECONDS)

    def signature(self, timestamp: str, body: bytes) -> str:
        return "sha256=" + hmac.new(self._secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()

    # ------------------------------------------------------------------------ sending

    def _put(self, message: _Message) -> None:
        self._count += 1
        try:
            self._waiting.put_nowait((message.due, self._count, message))
        except queue.Full:
            log.warning("too many messages wait; one is not sent")

    def _run(self) -> None:
        while not self._closed.is_set():
            try:
                due, count, message = self._waiting.get(timeout=0.2)
            except queue.Empty:
                continue
            left = due - time.monotonic()
            if left > 0:
                self._waiting.put((due, count, message))
                self._closed.wait(min(left, 0.2))
            elif message is not None:
                self._try(message)

    def _try(self, message: _Message) -> None:
        try:
            status = self._post(message)
            if 200 <= status < 300:
                return
            why = f"status {status}"
            again = status in (408, 425, 429) or status >= 500
        except SettingsError as error:
            why, again = error.message, False
        except (OSError, http.client.HTTPException) as error:
            why, again = str(error) or type(error).__name__, True
        if not again or message.tries + 1 >= TRIES:
            log.warning("nobody was told of a job (%s)", why)
            return
        pause = self._first_pause * 4**message.tries
        self._put(_Message(message.url, message.body, message.tries + 1, time.monotonic() + pause))

    def _post(self, message: _Message) -> int:
        self.check(message.url)
        secure, host, port, target = self._parts(message.url)
        timestamp = str(int(self._clock()))
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "docparse",
            "X-Docparse-Timestamp": timestamp,
            "X-Docparse-Signature": self.signature(timestamp, message.body),
        }
        connection = _Connection(host, port, self._address(host, port), secure=secure)
        try:
            connection.request("POST", target, message.body, headers)
            return connection.getresponse().status
        finally:
            connection.close()

    def _parts(self, url: str) -> tuple[bool, str, int, str]:
        """Whether it is https, host, port, and what is asked for there. Raises ``SettingsError``."""
        hint = "Give an address such as https://hooks.example.org/docparse."
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise SettingsError("the webhook is no address.", hint=hint) from None
        printable = url.isascii() and url.isprintable() and " " not in url and len(url) <= MOST_URL
        if parts.scheme not in ("https", "http") or not parts.hostname or parts.username is not None or not printable:
            raise SettingsError("the webhook is no address.", hint=hint)
        if parts.scheme == "http" and not self._insecure:
            raise SettingsError("the webhook must be https.", hint=hint)
        secure = parts.scheme == "https"
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return secure, parts.hostname.lower(), port or (443 if secure else 80), target

    def _address(self, host: str, port: int) -> tuple[Any, ...]:
        """The first address of a host that may be asked, as ``socket.getaddrinfo`` has it. Raises ``SettingsError``."""
        named = _is_address(host)  # it is one of ``hosts``: see ``check``
        for family, _, _, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            # 64:ff9b::10.0.0.1 and ::ffff:10.0.0.1 are 10.0.0.1; a zone is this machine's own affair.
            if self._insecure or named or _is_public(str(address[0])):
                return (family, address)
        raise SettingsError(
            f"the host {host!r} is in a private network.", hint="Whoever runs the service can allow it."
        )


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_public(text: str) -> bool:
    address: Any = ipaddress.ip_address(text.partition("%")[0])
    inner = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
    if inner is None and address.version == 6 and address in ipaddress.ip_network("64:ff9b::/96"):
        inner = ipaddress.ip_address(int(address) & 0xFFFFFFFF)
    return all(one.is_global and not one.is_multicast for one in (address, inner) if one is not None)


class _Connection(http.client.HTTPConnection):
    """To an address that was looked up before; the name is for TLS and the Host header."""

    def __init__(self, host: str, port: int, address: tuple[Any, ...], *, secure: bool) -> None:
        super().__init__(host, port, timeout=SECONDS)
        self._address = address
        self._secure = secure
        if secure:
            self.default_port = 443

    def connect(self) -> None:
        family, address = self._address
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.settimeout(SECONDS)
            sock.connect(address)
            self.sock = (
                ssl.create_default_context().wrap_socket(sock, server_hostname=self.host) if self._secure else sock
            )
        except BaseException:
            sock.close()
            raise
