"""The totals as the consistent solution: cases by hand, and every invoice that can be made up."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docparse.extract.totals.solver import Facts, RateLine, Result, Role, Witness, solve


def facts(
    *witnesses: tuple[str, Role, float],
    lines: str | None = None,
    rates: tuple[str, ...] = (),
    rate_lines: tuple[tuple[str, str | None, str], ...] = (),
) -> Facts:
    return Facts(
        [Witness(Decimal(value), role, weight) for value, role, weight in witnesses],
        [RateLine(Decimal(r), Decimal(n) if n else None, Decimal(t)) for r, n, t in rate_lines],
        [Decimal(rate) for rate in rates],
        Decimal(lines) if lines else None,
    )


def values(result: Result) -> dict[str, str]:
    return {role: f"{value:f}" for role, value in result.best.values.items() if role not in result.conflicts}


CASES = {
    "the three of them": (
        facts(("100.00", "net", 1), ("20.00", "tax", 1), ("120.00", "gross", 1)),
        {"net": "100.00", "tax": "20.00", "gross": "120.00"},
    ),
    "a total that is the net": (
        facts(("100.00", "gross", 1), ("100.00", "net", 0.35), ("20.00", "tax", 1), ("120.00", "gross", 0.9)),
        {"net": "100.00", "tax": "20.00", "gross": "120.00"},
    ),
    "the label of the gross on the amount due": (
        facts(
            *(("100.00", "net", 1), ("19.00", "tax", 1), ("119.00", "gross", 1)),
            *(("69.00", "due", 1), ("69.00", "gross", 0.55), ("-50.00", "prepaid", 1)),
        ),
        {"net": "100.00", "tax": "19.00", "gross": "119.00", "due": "69.00", "prepaid": "-50.00"},
    ),
    "shipping and a discount between net and gross": (
        facts(
            *(("40.00", "net", 1), ("4.10", "tax", 1), ("45.10", "gross", 1)),
            *(("5.00", "shipping", 1), ("-4.00", "discount", 1)),
        ),
        {"net": "40.00", "tax": "4.10", "gross": "45.10"},
    ),
    "a credit note": (
        facts(("-7.67", "net", 1), ("-1.12", "tax", 1), ("-8.79", "gross", 1)),
        {"net": "-7.67", "tax": "-1.12", "gross": "-8.79"},
    ),
    "prices with tax in them": (
        facts(("119.00", "gross", 1), ("119.00", "net", 0.35), ("19.00", "tax", 1), lines="119.00", rates=("19",)),
        {"tax": "19.00", "gross": "119.00"},
    ),
    "tax of two rates, only the sum of which is the tax": (
        facts(
            *(("100.00", "net", 1), ("9.50", "tax", 1), ("3.50", "tax", 1), ("13.00", "tax", 0.6)),
            ("113.00", "gross", 1),
            rate_lines=(("19", "50.00", "9.50"), ("7", "50.00", "3.50")),
        ),
        {"net": "100.00", "tax": "13.00", "gross": "113.00"},
    ),
    "no tax at all": (
        facts(("127.50", "net", 1), ("0.00", "tax", 1), ("127.50", "gross", 1)),
        {"net": "127.50", "tax": "0.00", "gross": "127.50"},
    ),
    "a total of nothing else": (facts(("52.00", "gross", 1), ("52.00", "net", 0.35)), {"gross": "52.00"}),
    "the sum of the lines decides between two totals": (
        facts(("80.00", "gross", 1), ("90.00", "gross", 1), lines="90.00"),
        {"gross": "90.00"},
    ),
    "nothing": (facts(), {}),
    "a tax without anything to be taxed": (facts(("19.00", "tax", 1)), {}),
}


@pytest.mark.parametrize("name", CASES)
def test_roles_are_given_as_the_amounts_agree(name: str) -> None:
    known, expected = CASES[name]
    assert values(solve(known)) == expected


def test_two_totals_that_nothing_decides_between_are_a_conflict() -> None:
    result = solve(facts(("120.00", "gross", 1), ("130.00", "gross", 1)))
    assert set(result.conflicts["gross"]) == {Decimal("120.00"), Decimal("130.00")}


def test_a_label_that_the_solution_contradicts_is_named() -> None:
    known = facts(("100.00", "net", 1), ("20.00", "tax", 1), ("120.00", "gross", 1), ("130.00", "gross", 1))
    result = solve(known)
    assert result.best.get("gross") == Decimal("120.00")
    assert result.ignored == (("gross", Decimal("130.00")),)


def test_consistency_weighs_more_than_the_label() -> None:
    known = facts(("100.00", "net", 0.5), ("20.00", "tax", 0.6), ("120.00", "gross", 0.5), ("999.00", "gross", 1))
    assert solve(known).best.get("gross") == Decimal("120.00")


def test_proofs_say_what_agreed() -> None:
    known = facts(
        *(("100.00", "net", 1), ("20.00", "tax", 1), ("120.00", "gross", 1), ("120.00", "due", 1)),
        lines="100.00",
        rates=("20",),
        rate_lines=(("20", "100.00", "20.00"),),
    )
    assert solve(known).best.proofs == {"sum", "rate", "lines", "tax-lines"}


money = st.decimals(min_value="1", max_value="20000", places=2)
RATES = ("5", "7", "8.1", "10", "19", "20", "21", "22", "25")


@given(
    nets=st.lists(money, min_size=1, max_size=4),
    rate=st.sampled_from(RATES),
    distractors=st.lists(st.tuples(money, st.sampled_from(["net", "tax", "gross"])), max_size=4),
    sign=st.sampled_from([1, -1]),
)
def test_the_right_solution_is_found_among_distractors_or_none(
    nets: list[Decimal], rate: str, distractors: list[tuple[Decimal, Role]], sign: int
) -> None:
    net = sign * sum(nets, Decimal(0))
    tax = (net * Decimal(rate) / 100).quantize(Decimal("0.01"), ROUND_HALF_UP)
    gross = net + tax
    true = [Witness(net, "net", 1.0), Witness(tax, "tax", 1.0), Witness(gross, "gross", 1.0)]
    # Distractors have labels too, but weaker ones: half a sentence away, or the label of another column.
    false = [Witness(sign * value, role, 0.7) for value, role in distractors]
    result = solve(Facts([*false, *true], rates=[Decimal(rate)], lines=net))
    for role, value in (("net", net), ("tax", tax), ("gross", gross)):
        found = None if role in result.conflicts else result.best.get(role)  # type: ignore[call-overload]
        assert found in (None, value)


@given(net=money, rate=st.sampled_from(RATES), paid=st.sampled_from(["0", "0.25", "0.5"]), minus=st.booleans())
def test_what_is_due_is_what_is_left_to_pay(net: Decimal, rate: str, paid: str, minus: bool) -> None:
    tax = (net * Decimal(rate) / 100).quantize(Decimal("0.01"))
    gross = net + tax
    payment = (gross * Decimal(paid)).quantize(Decimal("0.01"))
    witnesses = [
        *(Witness(net, "net", 1.0), Witness(tax, "tax", 1.0), Witness(gross, "gross", 1.0)),
        *(Witness(gross - payment, "due", 1.0), Witness(gross - payment, "gross", 0.55)),
    ]
    if payment:
        witnesses.append(Witness(-payment if minus else payment, "prepaid", 1.0))
    best = solve(Facts(witnesses)).best
    assert best.get("gross") == gross
    assert best.get("due") == gross - payment
