"""Ctrl-C, once and twice: first no more is begun, and what is in hand is finished; then it ends at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def gently(stop: Callable[[], None], say: Callable[[], None]) -> Iterator[None]:
    """In here the first Ctrl-C calls ``stop``, which may do no more than note it, and has ``say`` say so; the second
    raises ``KeyboardInterrupt``, as the first does elsewhere, in other threads, and where somebody handles it already.
    """
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return

    def first(*_: object) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        stop()
        # Not here: what was interrupted may have been writing to the same terminal.
        threading.Thread(target=say, daemon=True).start()

    signal.signal(signal.SIGINT, first)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
