"""Worker processes on the machines of a Ray cluster, in the place of those of ``workers.Pool``.

``Conversion`` stays what it is, on the driver: which pages are read, again after a crash, and by whom a long
document is finished; so do the manifest and Ctrl-C. Tasks (a bundle of short files, a stretch of pages of a long one,
the writing of it) go through a Ray Data pipeline that never ends while there is work: a source that is fed as readers
come free, and a pool of actors that read. Ray starts readers, wants a CPU or a GPU for each, starts those of a lost
machine elsewhere and gives them what those had in hand.

What this file is not: it serves no model over many GPUs; each reader has its own (see ``remote`` for the other way).
"""

from __future__ import annotations

import importlib.util
import logging
import math
import os
import pickle
import secrets
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docparse import __version__
from docparse.batch.bundles import SHARES, Bundles, Waiting
from docparse.batch.ray_worker import Feed, Reader, Setup, Told, bundles
from docparse.errors import EngineUnavailable, SettingsError
from docparse.settings import cores, quiet_ray
from docparse.workers import Done, Lost, Message

LOCAL = "local"
STORE_BYTES = 256 * 2**20
"""Of shared memory for pages on their way, on one machine; what does not fit goes to the disk."""
AHEAD = 2
"""Bundles in a reader's hands, the one it does among them: the next one is there when it is done."""
END_SECONDS = 10.0
"""Allowance for Ray to take readers down that have nothing to do."""


class RayPool:
    """Readers on a cluster: ``submit``, ``events`` and ``close`` are those of ``workers.Pool``.

    address   ``local`` starts Ray on this machine, for this run; ``auto`` is the cluster this machine belongs to;
              else that of a cluster's head, ``host:6379``
    readers   most of them; 0: one for each CPU, or for each GPU where ``gpu``
    seconds   the longest time for one page
    gpu       each loads a model
    folder    of the results, which all machines have to see; None: it is not one of a file system

    Where this process is connected to Ray already, that is used, and left as it is. Raises ``EngineUnavailable``
    where there is no Ray or no cluster.
    """

    def __init__(
        self, address: str, readers: int = 0, *, seconds: float, gpu: bool = False, folder: Path | None = None
    ) -> None:
        self._ours = _connect(address, readers)
        self._probe: Path | None = None
        self._line: _Line | None = None
        self._waiting: deque[Waiting] = deque()
        self._in_hand: dict[int, _Bundle] = {}
        self._over: list[int] = []
        self._next = 0
        try:
            import ray

            there = ray.cluster_resources()
            gpus, cpus = int(there.get("GPU", 0)), max(int(there.get("CPU", 1)), 1)
            self._gpus = 1 if gpu and gpus else 0
            now = gpus if self._gpus else 1 if gpu else cpus
            self.size = readers or now
            # A model without a GPU wants all there is; one with it, its share of those that draw its pages.
            self.cpus = max(cpus // self.size, 1) if gpu else 1
            self._bundles = Bundles(self.size)
            if folder is not None:
                self._probe = folder / f".docparse-{secrets.token_hex(8)}.tmp"
                self._probe.touch()
            machines = sum(node["Alive"] for node in ray.nodes())
            self._setup = Setup(
                __version__,
                os.getcwd(),
                tuple(sys.path),
                probe=None if self._probe is None else os.path.abspath(self._probe),
                seconds=seconds,
                threads=self.cpus,
                neighbours=math.ceil(self.size / max(machines, 1)),
                reloads=gpu,
            )
        except BaseException:
            self.close()
            raise

    @property
    def ahead(self) -> int:
        """Tasks that should wait for each reader, in its hands or here."""
        return (AHEAD + SHARES) * self._bundles.usual

    def submit(self, task: Any, *, first: bool = False, patience: float = 1.0, alone: bool = False) -> None:
        """Have ``task`` run; before all others that wait, and by itself, if it is to be ``first``."""
        waiting = Waiting(task, patience, alone=alone or first)
        if first:
            self._waiting.appendleft(waiting)
        else:
            self._waiting.append(waiting)

    def withdraw(self, unwanted: Callable[[Any], bool]) -> list[Any]:
        """Take back the tasks that wait here and are not wanted any more. Those on the cluster go on."""
        kept, gone = deque[Waiting](), []
        for waiting in self._waiting:
            if unwanted(waiting.task):
                gone.append(waiting.task)
            else:
                kept.append(waiting)
        self._waiting = kept
        return gone

    def events(self) -> Iterator[Message | Done | Lost]:
        """What happens, until all submitted tasks have ended; some of it at a time. More may be submitted meanwhile.
        Raises ``DocparseError`` where a machine cannot take part, or Ray has ended."""
        import ray

        while self._waiting or self._in_hand:
            try:
                self._deal()
                news = ray.get(self._feed.news.remote())
                if not news and self._line is not None and self._line.ended:
                    raise _failed(self._line.error or RuntimeError("it has ended before all was read"))
            except (ray.exceptions.RayError, ConnectionError) as error:
                raise _failed(error) from error
            for number, at, told in news:
                bundle = self._in_hand.get(number)
                if bundle is None:  # it is over: a reader that was taken for lost goes on
                    continue
                since = time.monotonic() - at
                for item in pickle.loads(told):  # noqa: S301  (our own readers')
                    yield from self._event(bundle, item, since)
                if not bundle.left:
                    del self._in_hand[number]
                    self._over.append(number)

    def _event(self, bundle: _Bundle, told: Told, since: float) -> Iterator[Message | Done | Lost]:
        place, kind, value, ago = told
        if kind == "refused":
            raise value
        if kind == "gone":
            yield from self._gone(bundle, value)
            return
        task = bundle.left[place].task
        if kind == "took":
            self._bundles.took(task, value)
        elif kind == "message":
            yield Message(task, value, ago + since)
        else:
            del bundle.left[place]
            yield Done(task, value, ago + since) if kind == "done" else Lost(task, value)

    def _gone(self, bundle: _Bundle, reason: str) -> Iterator[Lost]:
        """The reader of a bundle was lost, with the first task of which it has not told the end: that one may be to
        blame. The others are read again, each by itself: if one of them is to blame, it is the next time."""
        lost, *others = bundle.left.values()
        bundle.left.clear()
        for waiting in reversed(others):
            self.submit(waiting.task, first=True, patience=waiting.patience)
        yield Lost(lost.task, reason)

    def _deal(self) -> None:
        """Hand tasks on while there are fewer on the way than keep the readers busy: the others can be overtaken."""
        dealt: dict[int, bytes] = {}
        while self._waiting and len(self._in_hand) < AHEAD * self.size:
            bundle = self._bundles.next(self._waiting)
            self._in_hand[self._next] = _Bundle(dict(enumerate(bundle)))
            dealt[self._next] = pickle.dumps([(waiting.task, waiting.patience) for waiting in bundle])
            self._next += 1
        if self._line is None:
            import ray

            # A node may be lost, not this one: there the driver is.
            self._feed = ray.remote(num_cpus=0, label_selector=_here())(Feed).remote()
            self._line = _Line(self._rows())
        if dealt:
            self._feed.put.remote(dealt, tuple(self._over))
            self._over.clear()

    def _rows(self) -> Iterable[Any]:
        import ray.data

        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        # Each row is a block: a bundle that waited for its neighbours would wait for ever.
        context.target_max_block_size = context.target_min_block_size = 1
        for name in ("ray", "ray.data"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        readers = ray.data.ActorPoolStrategy(
            min_size=1, initial_size=self.size, max_size=self.size, max_tasks_in_flight_per_actor=AHEAD
        )
        found = (
            ray.data.from_items([0], override_num_blocks=1)
            .map_batches(
                bundles, fn_args=(self._feed,), batch_size=None, batch_format="pyarrow", num_cpus=0,
                label_selector=_here(),
            )
            .map_batches(
                Reader, fn_constructor_args=(self._feed, self._setup), batch_size=None, batch_format="pyarrow",
                num_cpus=self.cpus, num_gpus=self._gpus, compute=readers,
            )
        )  # fmt: skip
        rows: Iterable[Any] = found.iter_batches(batch_size=None, prefetch_batches=0, batch_format="pyarrow")
        return rows

    def close(self) -> None:
        """End all readers, whatever they are doing; what one is writing is removed, not left half done."""
        import ray

        with suppress(ray.exceptions.RayError, ConnectionError):
            if self._line is not None:
                readers = ray.get(self._feed.close.remote())
                for reader in readers if self._in_hand else ():
                    ray.kill(reader)
                # Before Ray is ended: what is left of the pipeline would start another one.
                self._line.join()
                self._line = None
                ray.kill(self._feed)
        if self._probe is not None:
            self._probe.unlink(missing_ok=True)
            self._probe = None
        if self._ours:
            ray.shutdown()
            self._ours = False

    def __enter__(self) -> RayPool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass(slots=True)
class _Bundle:
    """Tasks that went to a reader together: those of which no end is known, by their place among all."""

    left: dict[int, Waiting]


class _Line:
    """Keeps a Ray Data pipeline going, which stops where nobody takes its rows: from a thread, since what is to be
    known of them comes another way."""

    def __init__(self, rows: Iterable[Any]) -> None:
        self.error: Exception | None = None
        self._thread = threading.Thread(target=self._follow, args=(rows,), daemon=True)
        self._thread.start()

    def _follow(self, rows: Iterable[Any]) -> None:
        try:
            for _ in rows:
                pass
        except Exception as error:  # noqa: BLE001  (whatever it is, it is raised by whoever waits for news)
            self.error = error

    @property
    def ended(self) -> bool:
        return not self._thread.is_alive()

    def join(self) -> None:
        self._thread.join(END_SECONDS)


def _here() -> dict[str, str]:
    """What Ray knows this machine by."""
    import ray

    return {"ray.io/node-id": ray.get_runtime_context().get_node_id()}


@contextmanager
def _hushed() -> Iterator[None]:
    """While Ray's C++ half starts it writes to standard error how much it will write there."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nothing:
            os.dup2(nothing.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _connect(address: str, readers: int) -> bool:
    """Join the cluster, or start one; whether it is ours to end."""
    if importlib.util.find_spec("ray") is None or importlib.util.find_spec("pyarrow") is None:
        raise EngineUnavailable("--ray: Ray is not installed.", hint="Install it with: pip install 'docparse[ray]'.")
    if "://" in address:
        raise SettingsError(
            f"--ray: {address!r} is the address of a Ray client, which is not understood.",
            hint="Run the command on a machine of the cluster (ray job submit), with --ray auto.",
        )
    quiet_ray()
    import ray

    if ray.is_initialized():
        return False
    told: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.CRITICAL}
    try:
        with _hushed():
            if address == LOCAL:
                number = readers or cores()
                ray.init(LOCAL, num_cpus=number, include_dashboard=False, object_store_memory=STORE_BYTES, **told)
            else:
                ray.init(address, **told)
    except (ConnectionError, ray.exceptions.RayError, RuntimeError, ValueError) as error:
        raise _failed(error, address) from error
    return True


def _failed(error: Exception, address: str | None = None) -> EngineUnavailable:
    cause = getattr(error, "cause", None) or error  # of what failed elsewhere Ray tells the whole stack
    reason = next(iter(str(cause).strip().splitlines()), type(cause).__name__).rstrip(".")
    if address is None:
        return EngineUnavailable(f"Ray has failed ({reason}).", hint="The same command goes on where this one ended.")
    return EngineUnavailable(
        f"--ray {address}: there is no connection to a cluster ({reason}).",
        hint="Start one with ray start --head, or have docparse start it on this machine: --ray local.",
    )
