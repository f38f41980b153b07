"""The capacity table in the docs is what was measured, multiplied."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "past-one-machine.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def capacity() -> ModuleType:
    """A program beside the benchmarks, which are no package."""
    spec = importlib.util.spec_from_file_location("capacity", ROOT / "tests" / "benchmarks" / "capacity.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["capacity"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_table_in_the_docs_is_the_one_that_is_computed(capacity: ModuleType) -> None:
    (found,) = re.findall(r"(?:^\| .+\n){3,}", TEXT[TEXT.index("## How much that is") :], re.MULTILINE)
    assert found.strip() == capacity.table(capacity.measured()), (
        "python tests/benchmarks/capacity.py prints the one that belongs there"
    )


def test_the_docs_name_the_figures_and_where_they_are_from(capacity: ModuleType) -> None:
    rates = capacity.measured()
    assert f"results/{capacity.MEASURED.removesuffix('.json')}.md" in TEXT
    assert f"{rates.digital:.1f} born-digital pages a second" in TEXT
    assert f"a scanned receipt every {1 / rates.scans:.2f} seconds" in TEXT.replace("\n", " ")


@pytest.mark.parametrize(
    ("cores", "row"),
    [
        (2, "| 2 | 10.0 | 864,000 | 1,157 | 0.5 | 43,200 | 23,148 |"),
        (1000, "| 1,000 | 5,000 | 432,000,000 | 2.3 | 250 | 21,600,000 | 46.3 |"),
    ],
)
def test_it_is_multiplication(capacity: ModuleType, cores: int, row: str) -> None:
    assert capacity.table(capacity.Measured(2, digital=10.0, scans=0.5), [cores]).splitlines()[-1] == row
