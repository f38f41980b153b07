"""``models``, ``cache``: what is kept on this machine from one run to the next."""

from __future__ import annotations

from typing import Annotated

import typer

from docparse.cli.ending import OK, SOME_FAILED, failing

models = typer.Typer(help="Get models, and see which are here and whole.", no_args_is_help=True)
ModelsDir = Annotated[
    str | None, typer.Option("--models-dir", metavar="DIR", help="Where models are kept (DOCPARSE_MODELS_DIR).")
]


@models.command("list")
def list_models(models_dir: ModelsDir = None) -> None:
    """List the models there are: their size, the memory they need, and which are here."""
    from docparse.commands.models import print_list

    with failing(SOME_FAILED):
        print_list(models_dir)


@models.command("pull")
def pull_model(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Such as qwen2.5-vl-3b, 3b, or owner/name of the hub.")],
    revision: Annotated[
        str | None, typer.Option(metavar="REV", help="Branch, tag or commit; the newest if not said.")
    ] = None,
    models_dir: ModelsDir = None,
) -> None:
    """Fetch a model and verify it. What is here already is not fetched again.

    Exit code: 0 it is here and whole, 1 it is not, 2 wrong usage.
    """
    from docparse.commands.models import run_pull

    with failing(SOME_FAILED):
        run_pull(name, revision=revision, models_dir=models_dir)


@models.command("path")
def model_path(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="A model; the whole store if not said.")] = None,
    models_dir: ModelsDir = None,
) -> None:
    """Print the folder of a model, or of all models."""
    from docparse.commands.models import print_path

    with failing(SOME_FAILED):
        print_path(name, models_dir)


@models.command("verify")
def verify_model(
    folder: Annotated[str, typer.Argument(metavar="DIR", help="A model's folder, or its name.")],
    checksum: Annotated[
        bool, typer.Option("--checksum", help="Read every byte and compare it with what the hub said.")
    ] = False,
    models_dir: ModelsDir = None,
) -> None:
    """Say whether a model is whole, and whether it fits into this machine.

    Exit code: 0 it is whole, 1 something is missing or damaged, 2 wrong usage.
    """
    from docparse.commands.models import run_verify

    with failing(SOME_FAILED):
        whole = run_verify(folder, checksum=checksum, models_dir=models_dir)
    raise typer.Exit(OK if whole else SOME_FAILED)


cache = typer.Typer(help="What models have read, kept so that no page is read twice.", no_args_is_help=True)


@cache.command("clear")
def clear_cache() -> None:
    """Remove all readings that were kept. `docparse doctor` says where they are, and how much there is."""
    from docparse.commands.cache import clear

    with failing():
        clear()
