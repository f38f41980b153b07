"""Checks as data: arithmetic, dates, check digits, currency, duplicates, XML against print.

Every check takes values, any of them None where the document does not say, and returns a ``Check``: passed,
failed, or None where it could not be judged. It never raises and changes no value. ``CHECKS`` is the table.

What a check proves: net + tax = gross holds by chance about never, so it speaks for all three. A failed one
says that something is wrong, not what.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from docparse.extract.result import Check

CHECKS: Mapping[str, str] = {
    "totals-add-up": "Net total plus tax is the grand total.",
    "lines-add-up": "The amounts of all line items sum to the net total, or to the grand total if prices include tax.",
    "line-amounts": "Quantity times unit price is the amount of each line item; a discount is allowed.",
    "tax-lines-add-up": "The taxes by rate sum to the total tax, their nets to the net total, and each fits its rate.",
    "tax-rate-fits": "Net total times the tax rate is the tax.",
    "due-consistent": "The amount due is the grand total less what was paid before.",
    "dates-in-order": "The due date is not before the issue date, and no date is more than two years from it.",
    "iban-valid": "The IBAN has its country's length and form, and its check digits fit.",
    "bic-valid": "The BIC has the form of a BIC, with a country in it.",
    "vat-id-valid": "The VAT id has its country's form, and its check digits fit.",
    "gtin-valid": "The check digit of the article number fits.",
    "currency-consistent": "One currency is printed in the document, and it is the one of the fields.",
    "items-add-up": "The items of a receipt sum to its total, or to its subtotal.",
    "cash-less-change": "What was given less the change is the total.",
    "no-duplicate-lines": "No line item stands there twice with the same description, quantity, price and amount.",
    "model-agrees": "The model and the page's own words give the same value.",
    "pages-agree": "The model says the same of a field on every page that has it.",
    "same-as-xml": "The value as printed is the value in the XML inside the file.",
}
"""Every check by its stable name, with the sentence that says what passing means."""

Line = Mapping[str, Any]
"""A line item or a tax line: values by field name (``amount``, ``quantity``, ``rate``, ...)."""

CENT = Decimal("0.01")
_HALF = Decimal("0.005")
_TWO_YEARS = 731  # days


def tolerance(addends: int) -> Decimal:
    """How far a sum may be off: half a cent for each rounded addend, at least one cent."""
    return max(CENT, _HALF * addends)


def totals_add_up(
    net: Decimal | None, tax: Decimal | None, gross: Decimal | None, *, other: Decimal | None = None
) -> Check:
    """``net + tax + other = gross``; ``other`` is what else is printed between them: rounding, tip, a charge."""
    fields = ("net_total", "tax_total", "grand_total")
    if net is None or tax is None or gross is None:
        return _unjudged("totals-add-up", fields, _missing(net_total=net, tax_total=tax, grand_total=gross))
    sum_ = net + tax + (other or 0)
    passed = abs(sum_ - gross) <= tolerance(2 if other is None else 3)
    extra = f" {_signed(other)}" if other else ""
    message = f"{_n(net)} {_signed(tax)}{extra} = {_n(sum_)}"
    return Check("totals-add-up", passed, message + ("." if passed else f", not {_n(gross)}."), fields)


def lines_add_up(
    lines: Sequence[Line], net: Decimal | None, gross: Decimal | None, *, other: Decimal | None = None
) -> Check:
    """The sum of ``amount`` of all lines, and ``other`` (a discount or charge on all), is net or gross."""
    name = "lines-add-up"
    if not lines:
        return _unjudged(name, (), "There are no line items.")
    fields = tuple(f"line_items[{i}].amount" for i in range(len(lines)))
    amounts: list[Decimal] = [line["amount"] for line in lines if line.get("amount") is not None]
    if len(amounts) < len(lines):
        return _unjudged(name, fields, f"{len(lines) - len(amounts)} of {len(lines)} line items have no amount.")
    if net is None and gross is None:
        return _unjudged(name, fields, "There is no total to compare with.")
    sum_ = sum(amounts, Decimal(0)) + (other or 0)
    allowed = tolerance(len(lines))
    for field, total in (("net_total", net), ("grand_total", gross)):
        if total is not None and abs(sum_ - total) <= allowed:
            return Check(name, True, f"{len(lines)} line items sum to {_n(total)}.", (*fields, field))
    totals = " or ".join(_n(total) for total in (net, gross) if total is not None)
    # Which of them is wrong is open: a line may be missing, or misread, or the total is.
    return Check(name, False, f"{len(lines)} line items sum to {_n(sum_)}, not to {totals}.", fields)


def line_amounts(lines: Sequence[Line]) -> Check:
    """``quantity * unit_price = amount``, line by line; with ``tax_rate``, an amount with the tax in it is fine.

    An amount that is less may be a discount, or the price is for ten or a hundred: such a line is not judged.
    ``fields`` are the lines that failed, or else those that passed.
    """
    name = "line-amounts"
    passed: list[int] = []
    failed: list[int] = []
    for i, line in enumerate(lines):
        verdict = _line_fits(line)
        if verdict is not None:
            (passed if verdict else failed).append(i)
    if not passed and not failed:
        return _unjudged(name, (), "No line item has quantity, unit price and amount that can be compared.")
    parts = ("quantity", "unit_price", "amount")
    fields = tuple(f"line_items[{i}].{part}" for i in failed or passed for part in parts)
    if not failed:
        return Check(name, True, f"{len(passed)} of {len(lines)} line items are quantity times unit price.", fields)
    line = lines[failed[0]]
    product = f"{_n(line['quantity'])} x {_n(line['unit_price'])}"
    which = ", ".join(str(i + 1) for i in failed)
    message = f"Line item {which}: {product} is not {_n(line['amount'])}."
    return Check(
        name, False, message if len(failed) == 1 else f"Line items {which}: {message.split(': ', 1)[1]}", fields
    )


def _line_fits(line: Line) -> bool | None:
    quantity, price, amount = line.get("quantity"), line.get("unit_price"), line.get("amount")
    if quantity is None or price is None or amount is None:
        return None
    product, size = abs(quantity * price), abs(amount)
    # The unit price is rounded too, and the quantity multiplies that; more than 1 % is no rounding.
    exponent = price.as_tuple().exponent
    step = Decimal(1).scaleb(exponent) if isinstance(exponent, int) and exponent < 0 else CENT
    allowed = max(CENT, min(abs(quantity) * step / 2, size / 100))
    if abs(product - size) <= allowed:
        return True
    rate = line.get("tax_rate")
    if rate is not None and abs(product * (1 + rate / 100) - size) <= allowed + CENT:
        return True
    return None if size < product else False


def tax_lines_add_up(
    tax_lines: Sequence[Line], net: Decimal | None, tax: Decimal | None, *, rounded_lines: int = 1
) -> Check:
    """The taxes by rate sum to ``tax``, their nets to ``net``, and each ``net * rate`` is its ``tax``.

    ``rounded_lines`` as in ``tax_rate_fits``.
    """
    name = "tax-lines-add-up"
    if not tax_lines:
        return _unjudged(name, (), "There are no tax lines.")
    judged: list[str] = []
    wrong: list[tuple[tuple[str, ...], str]] = []
    for part, total, field in (("tax", tax, "tax_total"), ("net", net, "net_total")):
        values: list[Decimal] = [line[part] for line in tax_lines if line.get(part) is not None]
        if total is None or len(values) < len(tax_lines):
            continue
        fields = (*(f"tax_lines[{i}].{part}" for i in range(len(values))), field)
        judged += fields
        sum_ = sum(values, Decimal(0))
        if abs(sum_ - total) > tolerance(len(values)):
            wrong.append((fields, f"{part} of the tax lines sums to {_n(sum_)}, not to {_n(total)}"))
    for i, line in enumerate(tax_lines):
        single = tax_rate_fits(line.get("net"), line.get("tax"), line.get("rate"), rounded_lines=rounded_lines)
        if single.passed is None:
            continue
        fields = tuple(f"tax_lines[{i}].{part}" for part in ("rate", "net", "tax"))
        judged += fields
        if not single.passed:
            wrong.append((fields, single.message.rstrip(".")))
    if not judged:
        return _unjudged(name, (), "The tax lines have nothing that can be compared.")
    if wrong:
        fields = tuple(dict.fromkeys(field for group, _ in wrong for field in group))
        return Check(name, False, "; ".join(message for _, message in wrong) + ".", fields)
    return Check(
        name, True, f"{len(tax_lines)} tax lines fit the totals and their rates.", tuple(dict.fromkeys(judged))
    )


def tax_rate_fits(net: Decimal | None, tax: Decimal | None, rate: Decimal | None, *, rounded_lines: int = 1) -> Check:
    """``net * rate / 100 = tax``; ``rounded_lines`` is how many lines were taxed and rounded one by one."""
    name, fields = "tax-rate-fits", ("net_total", "tax_total")
    if net is None or tax is None or rate is None:
        return _unjudged(name, fields, _missing(net=net, tax=tax, rate=rate))
    expected = net * rate / 100
    passed = abs(abs(expected) - abs(tax)) <= tolerance(rounded_lines)
    message = f"{_n(rate)} % of {_n(net)} is {expected:.2f}"
    return Check(name, passed, message + ("." if passed else f", not {_n(tax)}."), fields)


def due_consistent(due: Decimal | None, gross: Decimal | None, prepaid: Decimal | None = None) -> Check:
    """``due = gross - prepaid``; without ``prepaid``, less than the total may have been paid in part: not judged."""
    name, fields = "due-consistent", ("amount_due", "grand_total")
    if due is None or gross is None:
        return _unjudged(name, fields, _missing(amount_due=due, grand_total=gross))
    paid = abs(prepaid) if prepaid is not None else Decimal(0)
    expected = gross - paid
    if abs(due - expected) <= tolerance(2):
        less = f" less {_n(paid)} paid" if paid else ""
        return Check(name, True, f"{_n(due)} is due: the grand total{less}.", fields)
    if prepaid is None and abs(due) < abs(gross):
        return _unjudged(name, fields, f"{_n(due)} of {_n(gross)} is due, and what was paid is not known.")
    return Check(name, False, f"{_n(due)} is due, not {_n(expected)}.", fields)


def dates_in_order(issue: date | None, due: date | None, delivery: date | None = None) -> Check:
    """Due on the day of issue or later; due and delivery within two years of the issue.

    Goods may be delivered before or after the invoice, so their order is not judged.
    """
    name = "dates-in-order"
    fields = [
        field
        for field, value in (("issue_date", issue), ("due_date", due), ("delivery_date", delivery))
        if value is not None
    ]
    if issue is None or len(fields) < 2:
        return _unjudged(name, tuple(fields), "It takes the issue date and another one.")
    if due is not None and due < issue:
        return Check(name, False, f"Due on {due}, before it was issued on {issue}.", ("issue_date", "due_date"))
    for field, value in (("due_date", due), ("delivery_date", delivery)):
        if value is not None and abs((value - issue).days) > _TWO_YEARS:
            what = field.replace("_", " ").capitalize()
            return Check(name, False, f"{what} {value} is years from the issue on {issue}.", ("issue_date", field))
    return Check(name, True, "The dates are in order.", tuple(fields))


def iban_valid(iban: str | None, *, field: str = "iban") -> Check:
    from docparse.extract.values.identifiers import iban_checks

    return _digits("iban-valid", iban, field, iban_checks(iban or ""), "an IBAN")


def bic_valid(bic: str | None, *, field: str = "bic") -> Check:
    from docparse.extract.values.identifiers import bics

    compact = re.sub(r"\s", "", bic or "").upper()
    valid = any(match.value == compact for match in bics(compact))
    return _digits("bic-valid", bic, field, valid, "a BIC")


def vat_id_valid(vat_id: str | None, field: str = "seller_vat_id") -> Check:
    """Not judged where the country's form is not known (outside the EU, GB, XI, CH and NO)."""
    from docparse.extract.values.identifiers import vat_id_checks
    from docparse.extract.values.vat_forms import FORMS

    compact = re.sub(r"[^0-9A-Za-z]", "", vat_id or "").upper()
    if compact and not compact.startswith((*FORMS, "GR")):
        return _unjudged("vat-id-valid", (field,), f"The form of {vat_id} is not known.")
    return _digits("vat-id-valid", vat_id, field, vat_id_checks(compact), "a VAT id")


def gtin_valid(gtin: str | None, field: str = "gtin") -> Check:
    from stdnum import ean

    compact = re.sub(r"[\s-]", "", gtin or "")
    valid = len(compact) in (8, 12, 13, 14) and ean.is_valid(compact)
    return _digits("gtin-valid", gtin, field, valid, "an article number (GTIN)")


def currency_consistent(codes_seen: Sequence[str], currency: str | None = None) -> Check:
    """``codes_seen``: the ISO codes printed on the pages, those that are sure; a lone $ or ¥ is not."""
    name, fields = "currency-consistent", ("currency",)
    seen = sorted(set(codes_seen))
    if not seen:
        return _unjudged(name, fields, "No currency is printed.")
    if len(seen) > 1:
        return Check(name, False, f"More than one currency is printed: {', '.join(seen)}.", fields)
    if currency is not None and currency != seen[0]:
        return Check(name, False, f"{seen[0]} is printed, not {currency}.", fields)
    return Check(name, True, f"{seen[0]} is the only currency that is printed.", fields)


def no_duplicate_lines(lines: Sequence[Line]) -> Check:
    """Lines that say nothing but a description are not compared: a heading may repeat."""
    name = "no-duplicate-lines"
    alike: defaultdict[tuple[Any, ...], list[int]] = defaultdict(list)
    for i, line in enumerate(lines):
        numbers = tuple(line.get(part) for part in ("quantity", "unit_price", "amount"))
        if line.get("description") and any(number is not None for number in numbers):
            alike[(_letters(str(line["description"])), *numbers)].append(i)
    if sum(map(len, alike.values())) < 2:
        return _unjudged(name, (), "There are no two line items to compare.")
    twice = [group for group in alike.values() if len(group) > 1]
    if not twice:
        return Check(name, True, "No line item stands there twice.", ())
    which = "; ".join(" and ".join(str(i + 1) for i in group) for group in twice)
    fields = tuple(f"line_items[{i}]" for group in twice for i in group)
    return Check(name, False, f"Line items {which} are the same.", fields)


def same_as_xml(field: str, printed: Any, xml: Any) -> Check:
    """Numbers by value, dates by day, texts without regard to case, spaces, accents and punctuation."""
    name = "same-as-xml"
    if printed is None or xml is None:
        where = "on the page" if printed is None else "in the XML"
        return _unjudged(name, (field,), f"{field} is not {where}.")
    passed = _same(printed, xml)
    if passed:
        return Check(name, True, f"{field} is the same in print and XML.", (field,))
    return Check(name, False, f"{field} is {_show(printed)} in print and {_show(xml)} in the XML.", (field,))


def _same(printed: Any, xml: Any) -> bool:
    if isinstance(printed, Decimal) or isinstance(xml, Decimal):
        try:
            return Decimal(printed) == Decimal(xml)
        except (ArithmeticError, TypeError, ValueError):
            return False
    if isinstance(printed, str) and isinstance(xml, str):
        return _letters(printed) == _letters(xml)
    return bool(printed == xml)


def _letters(text: str) -> str:
    """Letters and digits only, folded: how two prints of one text compare."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in decomposed if c.isalnum())


def _digits(name: str, value: str | None, field: str, valid: bool, what: str) -> Check:
    if not value:
        return _unjudged(name, (field,), f"There is no {field}.")
    if valid:
        return Check(
            name,
            True,
            f"{value} is {what} with check digits that fit." if name != "bic-valid" else f"{value} is {what}.",
            (field,),
        )
    return Check(name, False, f"{value} is not {what}: a character is wrong or missing.", (field,))


def _unjudged(name: str, fields: tuple[str, ...], message: str) -> Check:
    return Check(name, None, message, fields)


def _missing(**values: Any) -> str:
    names = [name for name, value in values.items() if value is None]
    return f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} not known."


def _n(value: Decimal) -> str:
    return f"{value:f}"


def _signed(value: Decimal) -> str:
    return f"{'-' if value < 0 else '+'} {_n(abs(value))}"


def _show(value: Any) -> str:
    return _n(value) if isinstance(value, Decimal) else str(value)
