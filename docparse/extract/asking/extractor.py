"""Fields by asking a model: each page is shown to it, and what it answers has to stand there.

    page --question--> answer --read_answer--> values --claims_of--> places --joined, weighed--> Fields

What a model says is a claim. Each value is looked for among the words of its page, and set beside what the
embedded extractor reads, which stands alone where no answer is of use. What this file is not: a reader of pages,
nor the model.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from docparse.document import Issue
from docparse.engines.base import Answer, Asks
from docparse.errors import EngineError
from docparse.extract.asking.answer import Node, read_answer
from docparse.extract.asking.claims import Claims, claims_of
from docparse.extract.asking.question import SYSTEM, answer_schema, question
from docparse.extract.asking.weighing import joined, weighed
from docparse.extract.page_text import DocumentText, PageText
from docparse.extract.result import Fields
from docparse.extract.schemas import Schema
from docparse.extract.user.schema import Wanted, compile_schema
from docparse.extract.user.types import Manners

if TYPE_CHECKING:
    from PIL.Image import Image

log = logging.getLogger("docparse")

LONGEST_ANSWER, LONGEST_SHORT_ANSWER = 8192, 2048
"""Tokens: a page of a hundred line items, and a schema without lists."""
MOST_PAGES = 100
"""Of one document, that are asked about."""


def asker_of(engine: Any) -> Asks | None:
    """What of an engine can be asked; None where it only reads."""
    return engine if isinstance(engine, Asks) else None


def read_with_model(
    text: DocumentText,
    schema: Schema,
    asker: Asks,
    pictures: Callable[[int], Image],
    *,
    instead: Callable[[], Fields],
) -> Fields:
    """The fields of a document as a model reads them, each with its place, beside what ``instead`` finds.

    ``pictures``: pages by number. Raises ``SchemaError`` for a schema that cannot be followed; a model that fails
    costs no document: an issue says so, and what ``instead`` finds stands.
    """
    wanted = fields_of(schema)
    embedded = instead()
    asked = [page for page in text.pages if page.page.verdict.status != "failed"][:MOST_PAGES]
    manners = Manners.of(text)
    found: list[Claims] = []
    issues: list[Issue] = []
    for page in asked:
        node, answer, why = _answer(wanted, page, asker, pictures)
        if node is None or answer is None:
            issues.append(Issue("model-page-unread", f"Page {page.number}: {why}", "warning"))
            continue
        claims = claims_of(node, wanted, page, manners, kind=schema.kind, confidences=answer.confidences)
        issues += _noted(claims, node, answer)
        found.append(claims)
    if not found:
        why = issues[0].message if issues else "no page could be shown to it."
        failed = Issue("model-extraction-failed", f"The fields were found without the model: {why}", "warning")
        return dataclasses.replace(embedded, issues=(*embedded.issues, failed))
    if len(text.pages) > MOST_PAGES:
        issues.append(Issue("model-pages-left", f"The model was asked about the first {MOST_PAGES} pages.", "warning"))
    fields = weighed(joined(found), embedded, wanted)
    return dataclasses.replace(fields, issues=(*fields.issues, *issues))


def fields_of(schema: Schema) -> tuple[Wanted, ...]:
    """What is asked for. How pydantic reads says more of a field's type than how it writes."""
    return compile_schema(schema.definition if schema.model is None else schema.model.model_json_schema())


def _answer(
    wanted: Sequence[Wanted], page: PageText, asker: Asks, pictures: Callable[[int], Image]
) -> tuple[Node | None, Answer | None, str]:
    """The answer about a page, with what was said; None with a sentence that says why there is none.

    A model that does not answer with JSON is asked once more without the page's text, which is what may have led
    it astray: asked the same again, it would say the same.
    """
    form = answer_schema(wanted)
    most = LONGEST_ANSWER if any(item.kind == "array" for item in wanted) else LONGEST_SHORT_ANSWER
    why = "the model's answer has no JSON object."
    for shown in (page if page.text.strip() else None, None):
        try:
            asks = question(wanted, shown)
            answer = asker.ask(pictures(page.number), asks, system=SYSTEM, max_new_tokens=most, json_schema=form)
        except EngineError as error:
            return None, None, error.message
        if answer.finish == "error":
            why = answer.error or "the model gave no answer."
            continue
        node = read_answer(answer.text)
        if node is not None:
            return node, answer, ""
        log.info("page %d: the model answered with no JSON object", page.number)
    return None, None, why


def _noted(claims: Claims, node: Node, answer: Answer) -> list[Issue]:
    """What in an answer could not be used."""
    found = []
    if not node.whole or answer.finish in ("length", "loop"):
        told = f"Page {claims.page}: the model's answer is cut off; what of it was whole is used."
        found.append(Issue("model-answer-cut", told, "warning"))
    if claims.unread:
        told = f"Page {claims.page}: the model's answer is no value of its field: {_some(claims.unread)}."
        found.append(Issue("model-value-unread", told, "warning"))
    if claims.dropped:
        told = (
            f"Page {claims.page}: what the model says and the page does not show was left out: {_some(claims.dropped)}."
        )
        found.append(Issue("model-value-dropped", told, "warning"))
    return found


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
