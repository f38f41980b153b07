"""Worker processes on the machines of a Ray cluster, in the place of those of ``workers.Pool``.

``Conversion`` stays what it is, on the driver: which pages are read, again after a crash, and by whom a long
document is finished; so do the manifest and Ctrl-C. Tasks (a short file, a stretch of pages of a long one, the
writing of it) go through a Ray Data pipeline that never ends while there is work: a source that is fed as readers
come free, and a pool of actors that read. Ray starts readers, wants a CPU or a GPU for each, starts those of a lost
machine elsewhere and has their tasks done again.

What this file is not: it serves no model over many GPUs; each reader has its own (see ``remote`` for the other way).
"""

from __future__ import annotations

import importlib.util
import logging
import os
import pickle
import secrets
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from docparse import __version__
from docparse.batch.ray_worker import Feed, Reader, Setup, tasks
from docparse.errors import EngineUnavailable, SettingsError
from docparse.settings import cores, quiet_ray
from docparse.workers import Done, Lost, Message

LOCAL = "local"
STORE_BYTES = 256 * 2**20
"""Of shared memory for pages on their way, on one machine; what does not fit goes to the disk."""
AHEAD = 2
"""Tasks in a reader's hands, the one it does among them: the next one is there when it is done."""


class RayPool:
    """Readers on a cluster: ``submit``, ``events`` and ``close`` are those of ``workers.Pool``.

    address   ``local`` starts Ray on this machine, for this run; ``auto`` is the cluster this machine belongs to;
              else that of a cluster's head, ``host:6379``
    readers   most of them; 0: one for each CPU, or for each GPU where ``gpu``
    seconds   the longest time for one page
    folder    of the results, which all machines have to see; None: it is not one of a file system

    Where this process is connected to Ray already, that is used, and left as it is. Raises ``EngineUnavailable``
    where there is no Ray or no cluster.
    """

    def __init__(
        self, address: str, readers: int = 0, *, seconds: float, gpu: bool = False, folder: Path | None = None
    ) -> None:
        self._ours = _connect(address, readers)
        self._probe: Path | None = None
        self._rows: Iterator[Any] | None = None
        self._waiting: deque[tuple[Any, float]] = deque()
        self._in_hand: dict[int, Any] = {}
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
            if folder is not None:
                self._probe = folder / f".docparse-{secrets.token_hex(8)}.tmp"
                self._probe.touch()
            probe = None if self._probe is None else os.path.abspath(self._probe)
            self._setup = Setup(__version__, os.getcwd(), tuple(sys.path), probe, seconds)
        except BaseException:
            self.close()
            raise

    def submit(self, task: Any, *, first: bool = False, patience: float = 1.0) -> None:
        """Have ``task`` run, before all others that wait if it is to be ``first``."""
        if first:
            self._waiting.appendleft((task, patience))
        else:
            self._waiting.append((task, patience))

    def withdraw(self, unwanted: Callable[[Any], bool]) -> list[Any]:
        """Take back the tasks that wait here and are not wanted any more. Those on the cluster go on."""
        gone = [task for task, _ in self._waiting if unwanted(task)]
        self._waiting = deque(item for item in self._waiting if item[0] not in gone)
        return gone

    def events(self) -> Iterator[Message | Done | Lost]:
        """What happens, until all submitted tasks have ended; of each task at its end. More may be submitted
        meanwhile. Raises ``DocparseError`` where a machine cannot take part, or Ray has ended."""
        import ray

        while self._waiting or self._in_hand:
            try:
                self._deal()
                if self._rows is None:
                    self._rows = self._started()
                row = next(self._rows, None)
            except (ray.exceptions.RayError, ConnectionError) as error:
                raise _failed(error) from error
            if row is None:
                raise EngineUnavailable("Ray has ended before all was read.", hint="The same command goes on.")
            for number, told in zip(*row.to_pydict().values(), strict=True):
                if number not in self._in_hand:  # it was said already
                    continue
                self._over.append(number)
                yield from _events(self._in_hand.pop(number), pickle.loads(told))  # noqa: S301  (our own readers')

    def _deal(self) -> None:
        """Hand tasks on while there are fewer on the way than keep the readers busy: the others can be overtaken."""
        dealt: dict[int, bytes] = {}
        while self._waiting and len(self._in_hand) < AHEAD * self.size:
            task, patience = self._waiting.popleft()
            self._in_hand[self._next] = task
            dealt[self._next] = pickle.dumps((task, patience))
            self._next += 1
        if self._rows is None:
            import ray

            # A node may be lost, not this one: there the driver is.
            self._feed = ray.remote(num_cpus=0, label_selector=_here())(Feed).remote()
        if dealt:
            self._feed.put.remote(dealt, tuple(self._over))
            self._over.clear()

    def _started(self) -> Iterator[Any]:
        import ray.data

        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        # Each row is a block: a task that waited for its neighbours would wait for ever.
        context.target_max_block_size = context.target_min_block_size = 1
        for name in ("ray", "ray.data"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        readers = ray.data.ActorPoolStrategy(
            min_size=1, initial_size=self.size, max_size=self.size, max_tasks_in_flight_per_actor=AHEAD
        )
        found = (
            ray.data.from_items([0], override_num_blocks=1)
            .map_batches(
                tasks, fn_args=(self._feed,), batch_size=None, batch_format="pyarrow", num_cpus=0,
                label_selector=_here(),
            )
            .map_batches(
                Reader, fn_constructor_args=(self._feed, self._setup), batch_size=None, batch_format="pyarrow",
                num_cpus=self.cpus, num_gpus=self._gpus, compute=readers,
            )
        )  # fmt: skip
        return iter(found.iter_batches(batch_size=None, prefetch_batches=0, batch_format="pyarrow"))

    def close(self) -> None:
        """End all readers, whatever they are doing; what one is writing is removed, not left half done."""
        import ray

        with suppress(ray.exceptions.RayError, ConnectionError):
            if self._rows is not None:
                self._feed.close.remote()
                self._rows.close()  # type: ignore[attr-defined]
                self._rows = None
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


def _events(task: Any, told: list[tuple[str, Any, float]]) -> Iterator[Message | Done | Lost]:
    for kind, value, ago in told:
        if kind == "refused":
            raise value
        if kind == "message":
            yield Message(task, value, ago)
        else:
            yield Done(task, value) if kind == "done" else Lost(task, value)


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
