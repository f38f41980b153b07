"""Training examples for a model that reads pages: those that people have corrected or confirmed.

One JSON object a line, in the shape of a conversation: the page as a picture and the words ``QwenVL HTML``, and as the
answer the page's QwenVL HTML. The pictures are PNG files beside, as large as the page was read; the boxes in the answer
are pixels of them. A trainer that shows the model fewer pixels has to scale the boxes by as much.

The answer has what a model can see: elements with their boxes and text, no ids, confidences, origins or verdicts.
A page counts when at least one correction of it is applied; what was only set aside vouches for nothing.
"""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Iterator

from docparse.document import Block, Document, Page, Verdict
from docparse.errors import ExportError
from docparse.exporters.registry import Job, Part, register
from docparse.qwenvl_html import write_page

PROMPT = "QwenVL HTML"


@register(
    "sft",
    suffix=".sft.jsonl",
    media_type="application/jsonl",
    description="corrected and confirmed pages as training examples, with their pictures as PNG files beside it",
    images="required",
)
def sft(job: Job) -> Iterator[Part]:
    pages = vouched_for(job.document)
    if pages and job.images is None:
        raise ExportError(
            "training examples have the page images, and there are none.",
            file=job.document.source.name or None,
            hint="Give the source file along with the document.",
        )
    lines = []
    for page in pages:
        assert job.images is not None
        image = job.images(page.number)
        if image.size != (page.width, page.height):
            raise ExportError(
                f"the image is {image.width} x {image.height} pixels, the page was read at {page.width} x "
                f"{page.height}.",
                page=page.number,
            )
        name, data = f"{job.stem}-p{page.number}.png", io.BytesIO()
        image.save(data, "PNG")
        yield Part(name, data.getvalue())
        lines.append(json.dumps(_example(page, name), ensure_ascii=False) + "\n")
    yield job.main("".join(lines))


def vouched_for(document: Document) -> list[Page]:
    """The pages that somebody has corrected or confirmed."""
    numbers = {each.page for each in document.corrections if each.applied}
    return [page for page in document.pages if page.number in numbers]


def answer(page: Page) -> str:
    """The QwenVL HTML of a page, as a model is to write it."""
    blocks = tuple(_plain(block) for block in page.blocks)
    bare = dataclasses.replace(page, blocks=blocks, verdict=Verdict())
    _, *lines, _ = write_page(bare).split("\n")
    return "\n".join(("<html><body>", *lines, "</body></html>"))


def _plain(block: Block) -> Block:
    return dataclasses.replace(
        block,
        confidence=None,
        agreement=None,
        origin="",
        id="",
        cells=tuple(dataclasses.replace(cell, confidence=None) for cell in block.cells),
        items=tuple(_plain(item) for item in block.items),
    )


def _example(page: Page, picture: str) -> dict[str, object]:
    return {
        "messages": [
            {"role": "user", "content": [{"type": "image", "image": picture}, {"type": "text", "text": PROMPT}]},
            {"role": "assistant", "content": [{"type": "text", "text": answer(page)}]},
        ]
    }
