"""Two runs over one folder: the second is refused, and the first is not disturbed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import making
import pytest
from program import outputs, run, start

from docparse.batch.lock import Lock
from docparse.batch.manifest import Manifest, place
from docparse.errors import OutputInUse

HOLDER = """
import sys, time
from pathlib import Path
from docparse.batch.manifest import Manifest
with Manifest(Path(sys.argv[1])) as manifest:
    Path(sys.argv[2]).touch()
    time.sleep(300)
"""


def holding(folder: Path, manifest: Path) -> subprocess.Popen[bytes]:
    """A process that holds a manifest, as soon as it does."""
    process = start(folder, str(manifest), "held", program=[sys.executable, "-c", HOLDER])
    deadline = time.monotonic() + 60
    while not (folder / "held").exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return process


def test_a_second_run_is_refused_and_goes_when_the_first_was_killed(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.pdf").write_bytes(making.pdf(making.text(name)))
    words = ("convert", "a.pdf", "b.pdf", "-o", "out", "--to", "text")
    process = holding(tmp_path, place(tmp_path / "out"))
    try:
        refused = run(tmp_path, *words)
        assert refused.returncode == 3
        (line,) = refused.stderr.splitlines()
        assert line.startswith(f"docparse: out: another run writes here (process {process.pid}).")
        assert line.endswith("[output.in_use]")
        assert outputs(tmp_path / "out") == {}
        # Without notes nobody is in the way; who asks for that is answered.
        assert run(tmp_path, *words[:2], *words[3:5], "--to", "json", "--no-manifest").returncode == 0
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=60)
    assert run(tmp_path, *words).returncode == 0
    assert sorted(outputs(tmp_path / "out")) == ["a.json", "a.txt", "b.txt"]


def test_shards_go_side_by_side_and_not_beside_the_whole(tmp_path: Path) -> None:
    whole, first, second = place(tmp_path), place(tmp_path, (1, 2)), place(tmp_path, (2, 2))
    with Manifest(first), Manifest(second):
        for path in (whole, first):
            with pytest.raises(OutputInUse):
                Manifest(path)
    with Manifest(whole):
        for path in (whole, first, second):
            with pytest.raises(OutputInUse, match="another run writes here"):
                Manifest(path)
    with Manifest(first):  # whoever was refused holds nothing
        pass


def test_shards_of_another_number_are_refused_while_one_runs(tmp_path: Path) -> None:
    with Manifest(place(tmp_path, (1, 2))):
        for shard in ((1, 3), (2, 4), (1, 1)):
            with pytest.raises(OutputInUse) as refused:
                Manifest(place(tmp_path, shard))
            assert str(refused.value.message) == (
                f"a run over part 1 of 2 writes here (process {os.getpid()}), "
                f"and part {shard[0]} of {shard[1]} has some of the same files."
            )
            assert "in 2 parts" in (refused.value.hint or "")
            assert not place(tmp_path, shard).exists()
        with Manifest(place(tmp_path, (2, 2))):  # whoever was refused holds nothing
            pass
    with Manifest(place(tmp_path, (1, 3))):  # one after the other is nobody's harm
        pass


def test_a_shard_of_another_number_is_refused_in_one_sentence(tmp_path: Path) -> None:
    for name in "abcdef":
        (tmp_path / f"{name}.pdf").write_bytes(making.pdf(making.text(name)))
    process = holding(tmp_path, place(tmp_path / "out", (2, 2)))
    try:
        refused = run(tmp_path, "convert", ".", "-o", "out", "--to", "text", "--shard", "1/3")
        assert refused.returncode == 3
        (line,) = refused.stderr.splitlines()
        assert line.startswith(f"docparse: out: a run over part 2 of 2 writes here (process {process.pid}), and part 1")
        assert line.endswith("[output.in_use]")
        assert outputs(tmp_path / "out") == {}
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=60)


def test_a_lock_that_is_not_got_holds_nothing(tmp_path: Path) -> None:
    lock = Lock(tmp_path / "x/lock")
    with pytest.raises(OutputInUse) as refused:
        Lock(tmp_path / "x/lock")
    assert refused.value.code == "output.in_use"
    assert "--shard" in (refused.value.hint or "")
    lock.release()
    Lock(tmp_path / "x/lock").release()
