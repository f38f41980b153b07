"""``bench``, ``evaluate``, ``diff``: how fast docparse is, how good, and how two runs differ."""

from __future__ import annotations

from typing import Annotated

import typer

from docparse.cli.ending import failing


def bench(
    name: Annotated[
        str,
        typer.Argument(help="Which: api, batch, calibration, embedded, extract, markup, model, recovery or viewer."),
    ] = "embedded",
    data: Annotated[str | None, typer.Option(metavar="DIR", help="Evaluation data, beside the samples.")] = None,
    out: Annotated[str | None, typer.Option(metavar="DIR", help="Folder for the results.")] = None,
    rounds: Annotated[int | None, typer.Option(metavar="N", min=1, help="Runs of each program; 3 if not said.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Few files, one round: a try, not a result.")] = False,
    peers: Annotated[
        str | None, typer.Option(metavar="PYTHON", help="The Python that has the other programs, if not this one.")
    ] = None,
    engine: Annotated[
        str | None, typer.Option(metavar="NAME", help="Whose confidences are calibrated; embedded if not said.")
    ] = None,
) -> None:
    """Measure speed, memory and accuracy beside other programs, in one run."""
    from docparse.commands.bench import run

    with failing():
        code = run(name, data=data, out=out, rounds=rounds, quick=quick, peers=peers, engine=engine)
    raise typer.Exit(code)


def evaluate(
    results: Annotated[str, typer.Argument(metavar="DIR", help="What `convert` and `extract` have written.")],
    truth: Annotated[
        str, typer.Option("--gt", metavar="DIR|FILE", help="Ground truth: a folder, or OmniDocBench or olmOCR-bench.")
    ],
    out: Annotated[
        str | None, typer.Option("--out", metavar="FILE", help="Where the JSON goes; DIR/evaluate.json if not said.")
    ] = None,
    measures: Annotated[
        str | None,
        typer.Option(metavar="NAMES", help="Of text, order, blocks, tables, fields, facts: these only."),
    ] = None,
    require: Annotated[
        list[str] | None,
        typer.Option(metavar="FIGURE>=N", help="Exit with 1 where a figure is not so: text.ned<=0.1; repeatable."),
    ] = None,
    jobs: Annotated[int | None, typer.Option(metavar="N", min=0, help="Processes; 0 is one per core.")] = None,
) -> None:
    """Measure results against ground truth: text, reading order, blocks, tables, fields, facts.

    Prints a table by set and by who made the truth, and writes a record of every document as JSON. A
    document without results counts as empty output.

    Exit code: 0 it is measured, 1 something that was required is not so, 2 wrong usage, 3 there is
    nothing to measure.
    """
    from docparse.commands.evaluate import Request, run

    with failing():
        code = run(Request(results, truth, out, measures, tuple(require or ()), jobs))
    raise typer.Exit(code)


def diff(
    first: Annotated[
        str, typer.Argument(metavar="RUN_A", help="What `convert --to json` has written: a folder or file.")
    ],
    other: Annotated[str, typer.Argument(metavar="RUN_B", help="Another one, of the same documents.")],
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE", help="Where the page goes; it is HTML.")
    ] = "diff.html",
) -> None:
    """Compare two runs page by page: engines, versions or settings; as a page to look at.

    Elements are matched by place and text. The pages that differ most come first, each with a sketch
    of both readings and the words that are others.

    Exit code: 0 nothing differs, 1 something does, 2 wrong usage, 3 there is nothing to compare.
    """
    from docparse.commands.diff import Request, run

    with failing():
        code = run(Request(first, other, output))
    raise typer.Exit(code)
