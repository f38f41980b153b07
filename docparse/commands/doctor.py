"""``docparse doctor``: what this machine can do, and what to install for the rest."""

from __future__ import annotations

import importlib.metadata
import platform
import re
import shutil
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report. ``needed``: without it docparse cannot do its main job."""

    name: str
    state: str
    fine: bool = True
    advice: str = ""
    needed: bool = False


def findings() -> list[Finding]:
    """Everything worth knowing about this machine: programs and packages, engines, settings."""
    from docparse import __version__
    from docparse.settings import cores

    parts = _parts()
    return [
        Finding("docparse", __version__),
        Finding("python", f"{platform.python_version()} on {platform.system()} {platform.machine()}"),
        Finding("processors", str(cores())),
        *parts,
        _poppler(),
        _gpu(),
        *_engines(ready=all(part.fine for part in parts)),
        _cache(),
        *_settings(),
    ]


def _package(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _parts() -> list[Finding]:
    """What the embedded engine is made of."""
    from docparse.engines.embedded import carriers

    found = []
    for package, what in (
        ("pymupdf", "opens and draws PDFs"),
        ("pillow", "opens pictures"),
        ("onnxruntime", "runs the layout and OCR models"),
        ("faster-paddle", "finds and reads lines of text in pictures"),
    ):
        version = _package(package)
        state = f"{version} ({what})" if version else f"not installed ({what})"
        found.append(Finding(package, state, version is not None, f"pip install {package}", needed=True))
    for name, carrier in (("layout model", carriers.LAYOUT), ("second reading", carriers.RECOGNISER)):
        there = carriers.find(carrier) is not None
        state = f"in {carrier[0]} {_package(carrier[0]) or ''}".rstrip() if there else "not installed"
        found.append(Finding(name, state, there, f"pip install {carrier[0]}", needed=True))
    return found


def _poppler() -> Finding:
    there = shutil.which("pdftoppm") is not None and shutil.which("pdfinfo") is not None
    state = "poppler through pdf2image" if there else "poppler is not installed"
    advice = "for files that PyMuPDF cannot draw: poppler-utils (Debian, Ubuntu), poppler (Homebrew, conda)"
    return Finding("second renderer", state, there, advice)


def _gpu() -> Finding:
    """Asked of the driver, not of torch: importing torch takes seconds."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return Finding("GPU", "none found; the embedded engine needs none")
    import subprocess

    try:
        answer = subprocess.run(
            [tool, "--query-gpu=name,memory.total", "--format=csv,noheader"], capture_output=True, text=True, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return Finding("GPU", "the driver does not answer", fine=False)
    names = "; ".join(answer.stdout.split("\n")).strip("; ")
    if answer.returncode or not names:
        return Finding("GPU", "the driver finds none", fine=False)
    return Finding("GPU", f"{names} (the embedded engine needs none)")


def _engines(*, ready: bool) -> list[Finding]:
    return [
        Finding("engine embedded", "ready" if ready else "not ready: see above", ready, needed=True),
        *_qwen(),
        _remote(),
        *_auto(),
    ]


def _qwen() -> list[Finding]:
    """What the qwen engine is made of: torch, its attention kernels, a checkpoint. Imports torch, if it is there."""
    from docparse.engines.choose import check_model, check_name
    from docparse.errors import DocparseError
    from docparse.settings import load

    torch = _package("torch")
    if torch is None:
        why = "needs torch, which is not installed"
        return [Finding("engine qwen", why, fine=False, advice="pip install 'docparse[qwen]'")]
    found = [Finding("torch", torch), _attention()]
    try:
        model = load(engine="qwen").model_options()
        check_name("qwen", model)
        check_model(model)
    except DocparseError as error:
        return [*found, Finding("engine qwen", error.message, fine=False, advice=error.hint or "")]
    return [*found, Finding("checkpoint", str(model.path)), Finding("engine qwen", "ready")]


def _remote() -> Finding:
    """Whether a server is configured, and answers."""
    from docparse.engines.choose import check_name, check_remote
    from docparse.errors import DocparseError
    from docparse.settings import load

    try:
        settings = load(engine="remote")
        remote = settings.remote_options()
        check_name("remote", settings.model_options(), remote)
        found = check_remote(remote)
    except DocparseError as error:
        return Finding("engine remote", error.message, fine=False, advice=error.hint or "")
    return Finding("engine remote", f"ready: {found.model} at {found.url}, read as {found.family}")


def _attention() -> Finding:
    """Which attention kernels the model would use on this machine, and why not the others."""
    import torch

    from docparse.model.attention import IMPLEMENTATIONS, choose_attention, obstacle

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    others = [f"{name} {why}" for name in IMPLEMENTATIONS if (why := obstacle(name, device, dtype))]
    without = f" ({'; '.join(others)})" if others else ""
    return Finding("attention", f"{choose_attention(device, dtype).name}{without}")


def _auto() -> list[Finding]:
    from docparse.engines.choose import resolve
    from docparse.errors import DocparseError
    from docparse.settings import load

    try:
        settings = load(engine="auto")
        name, why = resolve("auto", settings.model_options(), settings.remote_options())
    except DocparseError as error:
        return [Finding("engine auto", error.message, fine=False, advice=error.hint or "")]
    return [Finding("engine auto", f"{name}: {why}")]


def _cache() -> Finding:
    """Where readings of models are kept, and how much there is."""
    from docparse.commands.cache import said
    from docparse.errors import DocparseError
    from docparse.result_cache import ResultCache
    from docparse.settings import load

    try:
        settings = load()
    except DocparseError:  # the settings have a line of their own
        return Finding("result cache", "not known: see settings", fine=False)
    kept = ResultCache(settings.cache_options())
    state = f"{kept.folder} ({said(kept.usage())} of {settings.cache_bytes / 1024**2:.0f} MiB at most)"
    return Finding("result cache", state if settings.cache else f"off; {state}")


def _settings() -> list[Finding]:
    """What the environment sets, and what it tries to."""
    from docparse.engines.choose import check_name
    from docparse.errors import DocparseError
    from docparse.settings import PREFIX, SECRET, load, unknown_variables

    found = []
    try:
        settings = load()
        check_name(settings.engine, settings.model_options(), settings.remote_options())
        names = sorted(settings.model_fields_set)
        values = {name: "(set)" if name in SECRET else getattr(settings, name) for name in names}
        if "server_url" in values:  # it may hold a password, which is refused, but not here
            values["server_url"] = re.sub(r"//[^/@]*@", "//***@", str(values["server_url"]))
        state = ", ".join(f"{PREFIX}{n.upper()}={'native' if v is None else v}" for n, v in values.items())
        found.append(Finding("settings", state or "the defaults"))
    except DocparseError as error:
        found.append(Finding("settings", str(error), fine=False, needed=True))
    return found + [Finding("settings", sentence, fine=False) for sentence in unknown_variables()]


def report() -> bool:
    """Print the findings; whether everything needed is there."""
    from rich.markup import escape
    from rich.table import Table

    from docparse.commands.console import console, printable

    table = Table(box=None, pad_edge=False, show_header=False)
    found = findings()
    for finding in found:
        mark = "[green]yes[/]" if finding.fine else "[red]no[/]" if finding.needed else "[yellow]-[/]"
        advice = f" ({finding.advice})" if finding.advice and not finding.fine else ""
        table.add_row(mark, finding.name, escape(printable(finding.state + advice)))
    console(stderr=False).print(table)
    return all(finding.fine for finding in found if finding.needed)
