"""Examples that OpenAPI shows. A test holds each to its schema."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

_AT = "2026-11-21T09:30:00Z"
_ID = "5f0c9a1e7d3b4862a94e6c1f20b7d853"
_SHA = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

_ERRORS: dict[int, tuple[str, str, Json]] = {
    400: ("request.invalid", "the form is broken.", {"hint": "Let your HTTP library make the form."}),
    401: ("access.key_required", "this service wants an API key.", {"hint": "Send it as Authorization: Bearer KEY."}),
    403: ("access.origin", "a page of another site may not ask here.", {}),
    404: ("job.not_found", "there is no such job.", {}),
    405: ("request.method", "this address takes other methods.", {}),
    408: ("request.too_slow", "the request comes too slowly.", {"hint": "Send it again over a better line."}),
    409: ("job.not_ready", "the job is not over.", {"hint": "Look at it again later."}),
    413: ("source.too_large", "the file has more than 268,435,456 bytes.", {"file": "plans.pdf"}),
    415: (
        "source.unsupported",
        "this is a ZIP or Office file, which docparse does not read.",
        {"file": "letter.docx", "hint": "Save it as PDF and try again."},
    ),
    421: ("access.host", "the service does not answer to this name.", {}),
    422: (
        "request.invalid",
        "the request cannot be taken: Input should be greater than 0 (query.dpi).",
        {"fields": [{"where": "query.dpi", "message": "Input should be greater than 0"}]},
    ),
    429: ("job.queue_full", "too many jobs wait already.", {"retry_after": 5.0}),
    500: ("docparse.failed", "the service failed.", {"hint": "Tell whoever runs it: request 0d9c2f."}),
    502: ("engine.failed", "the model gave no answer.", {"file": "scan.pdf", "page": 3}),
    503: ("job.store", "the store of jobs cannot be written.", {"retry_after": 5.0}),
    504: ("engine.timeout", "the page took longer than 600 seconds.", {"file": "scan.pdf", "page": 3}),
    507: ("output.failed", "cannot write: the disk is full.", {}),
}


def error(status: int) -> Json:
    code, message, details = _ERRORS[status]
    return {"error": {"code": code, "message": message, "details": details}, "request_id": "0d9c2f5b1a7e4c3388d1f0aa"}


_FILE = {"name": "document.pdf", "content": "JVBERi0xLjcK"}
REQUESTS: dict[str, Json] = {
    "Parse": {"file": _FILE, "to": "md", "pages": "1-3"},
    "Extract": {"file": _FILE, "schema": "invoice"},
    "Job": {"file": _FILE, "to": ["json", "overlay"], "priority": "bulk"},
    "Ground": {"file": _FILE, "question": "the total amount", "page": 1},
}

_BLOCK = {
    "id": "b1",
    "type": "heading",
    "bbox": [72, 96, 610, 131],
    "text": "Invoice 2026-118",
    "html": '<h1 id="b1" data-bbox="72 96 610 131">Invoice 2026-118</h1>',
    "confidence": 0.998,
    "level": 1,
}
DOCUMENT: Json = {
    "docparse": "0.1.0",
    "source": {
        "name": "invoice.pdf",
        "sha256": _SHA,
        "bytes": 48213,
        "media_type": "application/pdf",
        "pages": 1,
    },
    "engine": {
        "name": "embedded",
        "version": "0.1.0",
        "model": "",
        "reason": "no model checkpoint is configured",
        "calibration": "uncalibrated",
    },
    "status": "ok",
    "pages": [
        {
            "page": 1,
            "width": 1190,
            "height": 1684,
            "dpi": 144,
            "size_pt": [595.0, 842.0],
            "rotation": 0,
            "renderer": "pymupdf",
            "verdict": {"status": "ok", "issues": []},
            "blocks": [_BLOCK],
        }
    ],
}
CORRECTION: Json = {"op": "edit", "block": "b1", "text": "Invoice 2026-119", "by": "user"}
CORRECTED: Json = {
    "page": 1,
    **CORRECTION,
    "time": _AT,
    "was": {"at": 0, "block": {key: value for key, value in _BLOCK.items() if key != "html"}},
}
FIELDS: Json = {
    "schema": "receipt",
    "source": {"name": "slip.jpg", "sha256": _SHA},
    "pages": [1, 1],
    "fields": {
        "company": "Corner Shop Ltd",
        "address": None,
        "date": "2026-11-20",
        "time": None,
        "currency": "EUR",
        "items": [],
        "subtotal": None,
        "tax": None,
        "total": "12.40",
        "payment": None,
    },
    "evidence": {
        "total": {
            "text": "12.40",
            "page": 1,
            "bbox": [402, 611, 471, 640],
            "block": "b7",
            "confidence": 0.97,
            "checks": [],
            "source": "print",
        }
    },
    "checks": [],
    "verdict": {"status": "ok", "issues": []},
}
READING: Json = {
    "page": DOCUMENT["pages"][0],
    "changes": [
        {
            "change": "changed",
            "block": "p1b1",
            "other": "b1",
            "similarity": 0.9375,
            "pieces": [["=", "Invoice "], ["-", "2026-11B"], ["+", "2026-118"]],
        }
    ],
}
JOB: Json = {
    "id": _ID,
    "kind": "parse",
    "state": "running",
    "file": {"name": "report.pdf", "bytes": 9482113, "sha256": _SHA, "media_type": "application/pdf"},
    "pages": {"total": 240, "read": 17},
    "engine": "",
    "fields_schema": None,
    "created": _AT,
    "updated": _AT,
    "started": _AT,
    "ended": None,
    "expires": None,
    "error": None,
    "reading": None,
    "verdicts": {"ok": 15, "repaired": 1, "partial": 1, "fallback": 0, "failed": 0},
    "position": 0,
    "events": f"/v1/jobs/{_ID}/events",
    "result": f"/v1/jobs/{_ID}/result",
}
EVENTS = (
    "id: 1\nevent: state\n"
    f'data: {{"event":"state","number":1,"at":"{_AT}","state":"running"}}\n\n'
    "id: 2\nevent: opened\n"
    f'data: {{"event":"opened","number":2,"at":"{_AT}","pages":240}}\n\n'
)
