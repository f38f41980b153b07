"""API keys: how they are made and kept, whose they are, how often they may ask."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from docparse.api.auth import FAILURES, MOST_BUCKETS, Gate, Key, new_key, parse_keys, read_keys
from docparse.errors import KeyRefused, KeyRequired, RateLimited, SettingsError


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_key_is_long_and_only_its_hash_is_kept() -> None:
    key, line = new_key("anna", rate=30)
    assert re.fullmatch(r"docparse_[A-Za-z0-9_-]{43}", key)
    assert key not in line
    assert line == f"anna:{hashlib.sha256(key.encode()).hexdigest()}:30"
    assert new_key("anna")[0] != key


def test_keys_of_a_file(tmp_path: Path) -> None:
    (_, first), (_, second) = new_key("anna"), new_key("bert", rate=0.5)
    path = tmp_path / "keys"
    path.write_text(f"# ours\n\n{first}\n  {second}  \n")
    assert [(key.name, key.rate) for key in read_keys(path)] == [("anna", None), ("bert", 0.5)]


@pytest.mark.parametrize(
    "line",
    [
        "anna",
        "anna:",
        "anna:docparse_secret",
        f"anna:{'A' * 64}",
        f":{'a' * 64}",
        f"an na:{'a' * 64}",
        f"../anna:{'a' * 64}",
        f"{'x' * 65}:{'a' * 64}",
        f"local:{'a' * 64}",
        f"anna:{'a' * 64}:fast",
        f"anna:{'a' * 64}:0",
        f"anna:{'a' * 64}:-1",
        f"anna:{'a' * 64}:1:2",
    ],
)
def test_lines_that_are_none_are_named_and_not_shown(line: str) -> None:
    with pytest.raises(SettingsError) as refused:
        parse_keys(f"# keys\n{line}\n", file="keys.txt")
    assert "line 2" in str(refused.value)
    assert "docparse_secret" not in str(refused.value)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        read_keys(tmp_path / "none")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\0")
    with pytest.raises(SettingsError, match="no text"):
        read_keys(tmp_path / "binary")


def test_whose_key_it_is() -> None:
    anna, bert, again = new_key("anna"), new_key("bert"), new_key("anna")
    gate = Gate(parse_keys("\n".join((anna[1], bert[1], again[1]))))
    assert gate.owner(anna[0], address="a") == gate.owner(again[0], address="a") == "anna"
    assert gate.owner(bert[0], address="a") == "bert"
    for shown in (None, ""):
        with pytest.raises(KeyRequired):
            gate.owner(shown, address="a")
    digest = anna[1].split(":")[1]
    for wrong in (anna[0] + "x", anna[0][:-1], anna[0].upper(), digest, "anna", "x" * 100_000, "\u00e4\udcff"):
        with pytest.raises(KeyRefused):
            gate.owner(wrong, address="b")


def test_without_keys_there_is_one_owner() -> None:
    assert Gate(()).owner(None, address="a") == Gate(()).owner("anything", address="a") == "local"


def test_a_key_has_a_rate() -> None:
    clock = Clock()
    anna, bert = new_key("anna", rate=6), new_key("bert")
    gate = Gate(parse_keys(f"{anna[1]}\n{bert[1]}"), rate=60, clock=clock)
    for _ in range(6):
        gate.owner(anna[0], address="a")
    with pytest.raises(RateLimited) as limited:
        gate.owner(anna[0], address="a")
    assert limited.value.retry_after == pytest.approx(10)
    for _ in range(60):  # the operator's rate, and a bucket of its own
        gate.owner(bert[0], address="a")
    clock.now += 10.5
    assert gate.owner(anna[0], address="a") == "anna"
    with pytest.raises(RateLimited):
        gate.owner(anna[0], address="a")
    clock.now += 1000  # a minute's worth is saved, not more
    for _ in range(6):
        gate.owner(anna[0], address="a")
    with pytest.raises(RateLimited):
        gate.owner(anna[0], address="a")


def test_guessing_is_slowed_down_and_whoever_has_a_key_is_not() -> None:
    clock = Clock()
    key, line = new_key("anna")
    gate = Gate(parse_keys(line), clock=clock)
    for _ in range(int(FAILURES)):
        with pytest.raises(KeyRefused):
            gate.owner("wrong", address="1.2.3.4")
    with pytest.raises(RateLimited):
        gate.owner("wrong", address="1.2.3.4")
    assert gate.owner(key, address="1.2.3.4") == "anna"
    with pytest.raises(KeyRefused):
        gate.owner("wrong", address="5.6.7.8")
    clock.now += 60
    with pytest.raises(KeyRefused):
        gate.owner("wrong", address="1.2.3.4")


def test_many_addresses_cost_no_memory_without_end() -> None:
    gate = Gate((Key("a", "0" * 64),), clock=Clock())
    for number in range(MOST_BUCKETS + 500):
        with pytest.raises(KeyRefused):
            gate.owner("wrong", address=str(number))
    assert len(gate._failures) == MOST_BUCKETS
