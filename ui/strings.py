"""All sentences of the viewer's frame, in one place. Those of the workbench are in ``static/strings.js``."""

from __future__ import annotations

TITLE = "docparse"
HEADLINE = "What is in your document?"
INTRO = (
    "Drop a PDF, a scan or a photo. Its text, tables and figures appear beside the page, each with its place, and "
    "whatever is doubtful is marked."
)
UPLOAD = "Documents"
UPLOAD_HINT = "Many at once are fine. You can also drop or paste them anywhere on this page."
SAMPLES = "Or try a sample"
SAMPLE_ALT = "{title}: {shows}"

OPTIONS = "Options"
ENGINE = "Engine"
ENGINE_INFO = "Who reads the pages."
AUTOMATIC = "Automatic"
PAGES = "Pages"
PAGES_INFO = "All if left empty."
PAGES_EXAMPLE = "1-3,7"
DPI = "Resolution"
DPI_INFO = "Automatic fits it to the text."
DPI_UNIT = "{} dpi"
PASSWORD = "Password"  # noqa: S105
PASSWORD_INFO = "Of a PDF that is locked. It is kept for as long as the document."  # noqa: S105
FIELDS = "Fields"
FIELDS_INFO = "Values to look for, each with its place."
NO_FIELDS = "None"
OWN_SCHEMA = "My own JSON Schema"
SCHEMA = "JSON Schema of the fields"
SCHEMA_EXAMPLE = '{"type": "object", "properties": {"customer": {"type": "string"}}}'

OPENED = "Opened now"
RECENT = "Recent"
REFUSED = "Not opened"
STATES = {
    "queued": "waits",
    "running": "is being read",
    "done": "",
    "failed": "failed",
    "cancelled": "cancelled",
}

THEME = "Light or dark"
API = "API"
LOG_OUT = "Log out"

NO_SCRIPT = "This page needs JavaScript. Without it, use the REST API (see /docs) or docparse convert."
STARTING = "docparse is starting. The page comes by itself in a few seconds."
NO_VIEWER = "The page cannot be shown: the log says why. The REST API works (see /docs)."

LOGIN_TITLE = "docparse: log in"
LOGIN_INTRO = "This service wants an API key. Whoever runs it can make one: docparse serve --make-key NAME."
LOGIN_KEY = "API key"
LOGIN_BUTTON = "Log in"
