"""``docparse models``: which models there are, getting one, where it is, and whether it is whole."""

from __future__ import annotations

from pathlib import Path

from docparse.commands.console import console, printable
from docparse.errors import EngineUnavailable
from docparse.model_store import MODELS, Model, complete, find, kept, pull
from docparse.settings import load

BATCH = 8
"""Pages at once, for the memory that the table tells."""


def print_list(models_dir: str | None) -> None:
    """A table of the published models and of what else is in the store."""
    from rich.markup import escape
    from rich.table import Table

    store = load(models_dir=models_dir).models_folder()
    here = kept(store)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("model", no_wrap=True)
    for heading in ("parameters", "on disk", f"memory for {BATCH} pages"):
        table.add_column(heading, justify="right")
    table.add_column("here")
    for model in (*MODELS, *(other for other in here if other not in MODELS)):
        state = "[green]yes[/]" if complete(store / model.name) else "[yellow]in part[/]" if model in here else "no"
        name = model.name if model in MODELS else model.repository
        table.add_row(escape(printable(name)), *_figures(model, store / model.name), state)
    out = console(stderr=False)
    out.print(table)
    out.print(escape(printable(f"Models are kept in {store}.")), soft_wrap=True)


def _figures(model: Model, folder: Path) -> tuple[str, str, str]:
    """Parameters, size on disk (where it is not here, of the weights as they will be), memory."""
    from docparse.model.config import ModelConfig
    from docparse.model.errors import CheckpointError
    from docparse.model.memory import gigabytes, need, parameter_counts, weight_bytes
    from docparse.model.published import PUBLISHED

    there = complete(folder)
    try:
        config = ModelConfig.from_folder(folder) if there or model.size is None else PUBLISHED[model.size]
    except CheckpointError:
        return "?", gigabytes(_size(folder)), "?"
    size = _size(folder) if there else weight_bytes(config, 2)
    return f"{parameter_counts(config).total / 1e9:.2f} B", gigabytes(size), gigabytes(need(config, batch=BATCH).total)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir() if path.is_file())


def run_pull(name: str, *, revision: str | None, models_dir: str | None) -> None:
    _check_packages()
    store = load(models_dir=models_dir).models_folder()
    folder = pull(name, store, revision=revision)
    console(stderr=True).print(printable(f"{name} is here and whole."), markup=False, soft_wrap=True)
    print(printable(str(folder)))


def print_path(name: str | None, models_dir: str | None) -> None:
    store = load(models_dir=models_dir).models_folder()
    print(printable(str(find(name, store) if name is not None else store)))


def run_verify(name: str, *, checksum: bool, models_dir: str | None) -> bool:
    """Print what is found; whether the model can be used."""
    from rich.markup import escape
    from rich.table import Table

    _check_packages()
    from docparse.model_check import verify

    folder = find(name, load(models_dir=models_dir).models_folder(), whole=False)
    found = verify(folder, checksum=checksum)
    table = Table(box=None, pad_edge=False, show_header=False)
    for finding in found:
        mark = "[green]yes[/]" if finding.fine else "[red]no[/]" if finding.needed else "[yellow]-[/]"
        advice = f" ({finding.advice})" if finding.advice else ""
        table.add_row(mark, finding.part, escape(printable(finding.state + advice)))
    console(stderr=False).print(table)
    return all(finding.fine for finding in found if finding.needed)


def _check_packages() -> None:
    """What a model's files are read with. Raises ``EngineUnavailable`` that says how to install it."""
    from importlib.util import find_spec

    missing = [name for name in ("torch", "safetensors", "tokenizers") if find_spec(name) is None]
    if missing:
        raise EngineUnavailable(
            f"models need {' and '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed.",
            hint="pip install 'docparse[qwen]'",
        )
