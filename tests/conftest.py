"""What all tests share: golden files.

``pytest --rewrite-golden`` writes them anew instead of comparing; read the difference before it goes
into a commit.
"""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parent / "golden"

LONGEST = (
    "batch/test_ray_readers.py",
    "test_bench_api.py",
    "ui/test_page_view.py",
    "ui/test_workbench.py",
    "api/test_faults.py",
    "batch/test_resume.py",
    "ui/test_editor.py",
    "ui/test_fields.py",
    "ui/test_frame.py",
    "test_cli.py",
    "test_bench.py",
    "ui/test_side.py",
    "extract/test_command.py",
    "test_bench_recovery.py",
    "batch/test_ray.py",
    "test_convert_qwen.py",
    "test_robustness.py",
    "api/test_openapi.py",
    "api/test_service.py",
    "api/test_convert_server.py",
    "test_mcp.py",
    "test_abreast.py",
    "ui/test_reread.py",
    "ui/test_download.py",
    "api/test_readers.py",
    "test_isolation.py",
    "batch/test_estimate.py",
)
"""Files of tests that take longest, by the clock while others run. An entry that is wrong costs a little time and
nothing else."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rewrite-golden", action="store_true", help="write golden files anew instead of comparing")


def pytest_configure(config: pytest.Config) -> None:
    # A shell starts what it puts into the background deaf to Ctrl-C, and children inherit it. Tests of Ctrl-C
    # would wait for ever.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if os.environ.get("CI") and config.getoption("--rewrite-golden"):
        raise pytest.UsageError("--rewrite-golden makes every golden test pass; it is not for CI")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where files run side by side the longest come first: one that begins last is waited for by all the others. It
    needs ``--no-loadscope-reorder``: by itself xdist begins with files of many tests, and long ones have few."""
    if hasattr(config, "workerinput"):
        rank = {name: place for place, name in enumerate(LONGEST)}
        here = Path(__file__).parent
        items.sort(key=lambda item: rank.get(item.path.relative_to(here).as_posix(), len(rank)))


def handlers_of_root() -> list[logging.Handler]:
    """Without those of pytest itself, which come and go."""
    return [one for one in logging.getLogger().handlers if not type(one).__module__.startswith("_pytest.")]


@pytest.fixture(autouse=True)
def no_handler_is_left() -> Iterator[None]:
    """A handler that a test leaves at the root writes what later tests log, and often to a stream that is closed."""
    before = handlers_of_root()
    yield
    left = [one for one in handlers_of_root() if one not in before]
    for one in left:
        logging.getLogger().removeHandler(one)
    assert not left, f"the test has left {left} at the root logger; the fixture logging_put_back takes it away"


@pytest.fixture
def logging_put_back(no_handler_is_left: None) -> Iterator[None]:
    """For tests that run in this process what sets up logging for a process of its own."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    yield
    root.handlers[:] = before
    root.setLevel(level)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str | bytes], None]:
    """``golden(name, content)`` compares ``content`` with ``tests/golden/name``."""

    def check(name: str, content: str | bytes) -> None:
        path = GOLDEN / name
        data = content.encode("utf-8") if isinstance(content, str) else content
        if request.config.getoption("--rewrite-golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            return
        assert path.exists(), f"there is no golden file {name}; write it with --rewrite-golden"
        if isinstance(content, str):
            assert content == path.read_bytes().decode("utf-8")
        else:
            assert data == path.read_bytes()

    return check
