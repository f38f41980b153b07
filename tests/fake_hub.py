"""A hub on this machine: as much of its HTTP interface as fetching a model takes.

Answers as the real one does where it matters: commits, checksums in ETags, ranges, and errors with
their codes in a header.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

LARGE = ".safetensors"


class FakeHub:
    """``put`` a repository's files, fetch from ``url``. ``got`` counts the downloads of each file."""

    def __init__(self) -> None:
        self.commits: dict[str, dict[str, bytes]] = {}
        self.names: dict[tuple[str, str], str] = {}
        self.got: Counter[str] = Counter()
        self.ranges: list[tuple[str, str]] = []
        self.cut: set[str] = set()
        """Files whose connection breaks half way, once."""
        self.hold: set[str] = set()
        """Files of which the second half does not come until the hub closes."""
        self.holding = threading.Event()
        self.closing = threading.Event()
        self.refuse: dict[str, tuple[int, str]] = {}
        """By repository or file: the status and the code in the header to answer with."""
        hub = self

        class Handler(_Handler):
            owner = hub

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def put(self, repository: str, files: dict[str, bytes], *branches: str) -> str:
        """A new commit, to which ``main`` and ``branches`` point; returns its hash."""
        digest = hashlib.sha1(repository.encode())
        for name in sorted(files):
            digest.update(name.encode() + files[name])
        commit = digest.hexdigest()
        self.commits[commit] = dict(files)
        for branch in ("main", commit, *branches):
            self.names[repository, branch] = commit
        return commit

    def close(self) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def etag(name: str, data: bytes) -> str:
    if name.endswith(LARGE):
        return hashlib.sha256(data).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    owner: FakeHub
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def log_message(self, *_: Any) -> None:
        pass

    def _answer(self, *, body: bool) -> None:
        parts = [unquote(part) for part in urlsplit(self.path).path.strip("/").split("/")]
        api = parts[:2] == ["api", "models"]
        repository = "/".join(parts[2:4] if api else parts[:2])
        rest = parts[4:] if api else parts[2:]
        if not any(known == repository for known, _ in self.owner.names):
            return self._refuse(404, "RepoNotFound")
        if repository in self.owner.refuse:
            return self._refuse(*self.owner.refuse[repository])
        commit = self.owner.names.get((repository, rest[1] if rest else "main"))
        if commit is None:
            return self._refuse(404, "RevisionNotFound")
        files = self.owner.commits[commit]
        if not api:
            return self._file("/".join(rest[2:]), files, commit, body=body)
        if rest and rest[0] == "tree":
            return self._json([self._entry(name, data) for name, data in files.items()])
        siblings = [{"rfilename": name, "size": len(data)} for name, data in files.items()]
        return self._json({"id": repository, "modelId": repository, "sha": commit, "siblings": siblings})

    def _entry(self, name: str, data: bytes) -> dict[str, Any]:
        entry: dict[str, Any] = {"type": "file", "path": name, "size": len(data), "oid": "0" * 40}
        if name.endswith(LARGE):
            entry["lfs"] = {"oid": etag(name, data), "size": len(data), "pointerSize": 134}
        return entry

    def _file(self, name: str, files: dict[str, bytes], commit: str, *, body: bool) -> None:
        if name in self.owner.refuse:
            return self._refuse(*self.owner.refuse[name])
        if name not in files:
            return self._refuse(404, "EntryNotFound")
        data, start = files[name], 0
        asked = self.headers.get("Range")
        if body:
            self.owner.got[name] += 1
            if asked:
                self.owner.ranges.append((name, asked))
                start = int(asked.removeprefix("bytes=").rstrip("-"))
        self.send_response(206 if start else 200)
        self.send_header("ETag", f'"{etag(name, data)}"')
        self.send_header("X-Repo-Commit", commit)
        self.send_header("Content-Length", str(len(data) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        if not body:
            return None
        if name in self.owner.cut:
            self.owner.cut.remove(name)
            self.wfile.write(data[: len(data) // 2])
            self.close_connection = True
            return None
        if name in self.owner.hold:
            self.wfile.write(data[: len(data) // 2])
            self.owner.holding.set()
            self.owner.closing.wait()
            return None
        self.wfile.write(data[start:])
        return None

    def _json(self, content: Any) -> None:
        data = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _refuse(self, status: int, code: str) -> None:
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()
