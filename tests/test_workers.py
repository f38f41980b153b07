"""Worker processes: what they answer, how they die, and that none of them is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_work import Gathering, work

from docparse import workers
from docparse.workers import Done, Lost, Message, Pool

PROGRAM = [sys.executable, str(Path(__file__).with_name("fake_work.py"))]


@pytest.fixture
def pool() -> Iterator[Callable[..., Pool]]:
    made: list[Pool] = []

    def make(size: int = 1, seconds: float = 30.0) -> Pool:
        made.append(Pool(work, size, seconds=seconds))
        return made[-1]

    yield make
    for one in made:
        one.close()


def run(pool: Pool, *tasks: tuple[str, Any]) -> list[Message | Done | Lost]:
    for task in tasks:
        pool.submit(task)
    return list(pool.events())


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A process whose parent has died is dead as soon as it is a zombie; nobody here may collect it.
    stat = Path(f"/proc/{pid}/stat")
    return not (stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] == "Z")


def gone(pid: int) -> bool:
    """Whether the process ends, sooner or later."""
    for _ in range(400):
        if not alive(pid):
            return True
        time.sleep(0.05)
    return False


# ------------------------------------------------------------------------------------ answers


def test_tasks_are_answered(pool: Callable[..., Pool]) -> None:
    events = run(pool(2), *(("echo", n) for n in range(20)))
    assert all(isinstance(event, Done) for event in events)
    assert sorted(event.result for event in events) == list(range(20))
    assert all(event.task == ("echo", event.result) for event in events)


def test_messages_come_in_order_and_before_the_answer(pool: Callable[..., Pool]) -> None:
    events = run(pool(), ("messages", 5))
    assert events == [*(Message(("messages", 5), i) for i in range(5)), Done(("messages", 5), "sent")]


def test_one_worker_takes_the_tasks_in_order_and_is_kept(pool: Callable[..., Pool]) -> None:
    one = pool(1)
    one.submit(("echo", "b"))
    one.submit(("echo", "c"))
    one.submit(("echo", "a"), first=True)
    assert [event.result for event in one.events()] == ["a", "b", "c"]
    assert len({event.result for event in run(one, *[("who", None)] * 6)}) == 1


def test_there_are_no_more_workers_than_work(pool: Callable[..., Pool]) -> None:
    many = pool(8)
    run(many, ("echo", 1))
    assert len(many._workers) == 1


def test_tasks_may_be_added_while_others_run(pool: Callable[..., Pool]) -> None:
    one = pool()
    one.submit(("echo", 3))
    seen = []
    for event in one.events():
        seen.append(event.result)
        if event.result:
            one.submit(("echo", event.result - 1))
    assert seen == [3, 2, 1, 0]


def test_no_tasks_no_events(pool: Callable[..., Pool]) -> None:
    assert run(pool()) == []


# ------------------------------------------------------------------------------------ deaths


@pytest.mark.parametrize(
    ("task", "reason"),
    [
        (("exit", 7), "exit status 7"),
        (("kill", None), "killed by SIGKILL"),
        (("leave", 3), "exit status 1"),
        (("raise", "oh"), "exit status 1"),
        (("unsayable", 1), "exit status 1"),
    ],
)
def test_a_worker_that_dies_is_told_and_replaced(task: tuple[str, Any], reason: str, pool: Callable[..., Pool]) -> None:
    events = run(pool(), ("echo", 1), task, ("echo", 2))
    assert events == [Done(("echo", 1), 1), Lost(task, reason), Done(("echo", 2), 2)]


def test_a_worker_that_died_between_tasks_is_replaced(pool: Callable[..., Pool]) -> None:
    one = pool()
    (who,) = run(one, ("who", None))
    os.kill(who.result, signal.SIGKILL)
    assert gone(who.result)
    events = run(one, ("echo", 1), ("echo", 2))
    assert events == [Lost(("echo", 1), "killed by SIGKILL"), Done(("echo", 2), 2)]


def test_a_task_that_is_silent_for_too_long_is_ended(pool: Callable[..., Pool]) -> None:
    events = run(pool(seconds=1.0), ("hang", None), ("echo", 2))
    assert events[1:] == [Lost(("hang", None), "timeout"), Done(("echo", 2), 2)]
    assert not alive(events[0].value)


def test_a_task_that_talks_may_take_its_time(pool: Callable[..., Pool]) -> None:
    assert run(pool(seconds=1.0), ("slowly", (0.4,) * 4))[-1].result == "sent"


def test_a_task_may_be_given_more_time(pool: Callable[..., Pool]) -> None:
    one = pool(seconds=0.5)
    run(one, ("messages", 1))  # from here on the time to start is over
    one.submit(("quietly", 1.2), patience=10)
    one.submit(("quietly", 3600))
    assert list(one.events()) == [Done(("quietly", 1.2), "slept"), Lost(("quietly", 3600), "timeout")]


def test_the_time_of_a_task_is_not_spent_by_who_listens(pool: Callable[..., Pool]) -> None:
    both = pool(2, seconds=0.8)
    first, second = ("slowly", (0.3, 0.6)), ("slowly", (0.5, 0.7))
    both.submit(first)
    both.submit(second)
    events = []
    for event in both.events():
        events.append(event)
        if event == Message(first, 1):
            time.sleep(1.0)  # longer than the second task may be silent, and it has not been
    assert sorted(events, key=repr) == sorted(
        [Message(task, i) for task in (first, second) for i in (0, 1)] + [Done(first, "sent"), Done(second, "sent")],
        key=repr,
    )


# ------------------------------------------------------------------------------------ the end


def test_closing_ends_workers_and_lets_them_clean_up(pool: Callable[..., Pool], tmp_path: Path) -> None:
    both = pool(2)
    both.submit(("write", str(tmp_path / "half")))
    both.submit(("stubborn", None))
    events = both.events()
    processes = [next(events).value, next(events).value]
    assert (tmp_path / "half").exists()
    both.close()
    assert not any(alive(process) for process in processes)
    assert not (tmp_path / "half").exists()


def test_a_task_out_of_time_may_clean_up(pool: Callable[..., Pool], tmp_path: Path) -> None:
    events = run(pool(seconds=0.5), ("write", str(tmp_path / "half")))
    assert events[-1] == Lost(("write", str(tmp_path / "half")), "timeout")
    assert not (tmp_path / "half").exists()


def test_ctrl_c_is_the_parents_business(pool: Callable[..., Pool]) -> None:
    one = pool()
    one.submit(("hang", None))
    events = one.events()
    process = next(events).value
    os.kill(process, signal.SIGINT)
    one.submit(("mask", None))
    one._workers[0].deadline = 0  # enough of hanging
    assert [type(event) for event in events] == [Lost, Done]
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])


def test_ctrl_c_may_come_while_the_first_worker_starts() -> None:
    # Blocked from before its first line of Python. In a program of its own: the first worker is a special case.
    answer = subprocess.run([*PROGRAM, "mask"], capture_output=True, text=True)
    assert answer.stdout == "True\nTrue\n"


def test_what_libraries_say_is_not_shown(pool: Callable[..., Pool], capfd: pytest.CaptureFixture[str]) -> None:
    assert run(pool(), ("noise", None)) == [Done(("noise", None), "said")]
    assert capfd.readouterr() == ("", "")


def test_workers_end_with_their_parent_however_it_ends() -> None:
    parent = subprocess.Popen([*PROGRAM, "hang"], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent.stdout:
        processes = [int(parent.stdout.readline()) for _ in range(2)]
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    assert all(gone(process) for process in processes)


def test_a_pool_can_be_used_outside_of_the_main_thread(pool: Callable[..., Pool]) -> None:
    events: list[Any] = []
    thread = threading.Thread(target=lambda: events.extend(run(pool(), ("echo", 1))))
    thread.start()
    thread.join()
    assert events == [Done(("echo", 1), 1)]


def test_signals_have_names_and_strange_ones_numbers() -> None:
    assert workers._ending(-signal.SIGSEGV) == "killed by SIGSEGV"
    assert workers._ending(-999) == "exit status -999"
    assert workers._ending(0) == "exit status 0"


# ------------------------------------------------------------------------------------ side by side


def test_a_worker_has_several_tasks_in_hand() -> None:
    with Pool(Gathering(), 1, seconds=30, at_once=3) as pool:
        events = run(pool, *[("gather", 3)] * 6)
    messages = [event.value for event in events if isinstance(event, Message)]
    assert messages == [1, 2, 3, 1, 2, 3]
    assert [event.result for event in events if isinstance(event, Done)] == [3] * 6


def test_a_task_that_is_to_be_alone_is() -> None:
    with Pool(Gathering(), 1, seconds=30, at_once=3) as pool:
        for task in [("gather", 2)] * 2:
            pool.submit(task)
        pool.submit(("echo", "alone"), alone=True)
        pool.submit(("echo", "after"))
        results = [event.result for event in pool.events() if isinstance(event, Done)]
    # It waited for the two, which never had a third beside them; and the one after it waited too.
    assert results == [2, 2, ("alone", 1), ("after", 1)]


def test_tasks_that_are_lost_together_are_told_so() -> None:
    with Pool(Gathering(), 1, seconds=30, at_once=3) as pool:
        events = run(pool, ("gather", 9), ("gather", 9), ("kill", None))
        assert [event for event in events if isinstance(event, Lost)] == [
            Lost(("gather", 9), "killed by SIGKILL", alone=False),
            Lost(("gather", 9), "killed by SIGKILL", alone=False),
            Lost(("kill", None), "killed by SIGKILL", alone=False),
        ]
        assert run(pool, ("kill", None)) == [Lost(("kill", None), "killed by SIGKILL")]
        assert [event.result for event in run(pool, ("gather", 1)) if isinstance(event, Done)] == [1]


def test_workers_share_what_there_is_before_one_has_two_tasks() -> None:
    with Pool(Gathering(), 2, seconds=30, at_once=4) as pool:
        results = [event.result for event in run(pool, ("who", None), ("who", None)) if isinstance(event, Done)]
    assert len({process for process, _ in results}) == 2


def test_a_spent_worker_finishes_what_it_has_in_hand() -> None:
    with Pool(Gathering(), 1, seconds=30, at_once=2, recycle=workers.Recycle(tasks=1, growth=None)) as pool:
        events = run(pool, *[("gather", 2)] * 2, ("who", None))
    assert [event.result for event in events if isinstance(event, Done)][:2] == [2, 2]
    assert not [event for event in events if isinstance(event, Lost)]
