"""The model beside transformers' on a CPU: one page read and continued, and the tower against the page's size.

    docparse bench model [--out DIR] [--rounds N] [--quick]

A checkpoint of middling size with random weights is made first, in the published format; both load it. Each
program is a process of its own, run in turn with the other, so that a busy machine is busy for both and memory
is one program's alone. What is told is the median of the rounds. Beside it stands what the machine could do:
operations of a plain matrix product and bytes of a plain sum, measured in the same processes. The last line is
JSON. With ``--out`` there is a picture too: seconds of the tower over the number of patches, with windows and as if
every block had full attention.
"""

from __future__ import annotations

import argparse
import itertools
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import report

PROGRAMS = ("docparse", "transformers")
THREADS = 2
GRID = (1, 110, 72)
"""A page of 1,008 x 1,540 pixels: 1,980 tokens."""
NEW_TOKENS = 33
"""The first belongs to the prefill."""
SIZES = ((1, 16, 16), (1, 32, 24), (1, 48, 32), (1, 64, 48), (1, 88, 64), (1, 110, 72), (1, 126, 88), (1, 142, 100))


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured. ``quick`` is a try: small, once, and no result."""

    rounds: int
    grid: tuple[int, int, int] = GRID
    new_tokens: int = NEW_TOKENS
    sizes: tuple[tuple[int, int, int], ...] = SIZES
    quick: bool = False


QUICK = Plan(rounds=1, grid=(1, 16, 12), new_tokens=5, sizes=SIZES[:2], quick=True)


def make_checkpoint(folder: Path, *, quick: bool) -> None:
    """250 million parameters with the shape of the 3B in small: one block of eight with full attention."""
    import torch

    from docparse.model import ModelConfig, QwenVL, TextConfig, VisionConfig, save

    width, layers, inner = (256, 2, 512) if quick else (1024, 12, 2816)
    config = ModelConfig(
        vision=VisionConfig(
            depth=8,
            hidden_size=160 if quick else 640,
            num_heads=8,
            intermediate_size=430 if quick else 1720,
            out_hidden_size=width,
            fullatt_block_indexes=(7,),
            tokens_per_second=2,
        ),
        text=TextConfig(
            hidden_size=width,
            num_hidden_layers=layers,
            num_attention_heads=width // 128,
            num_key_value_heads=1 if quick else 2,
            intermediate_size=inner,
            vocab_size=1_000 if quick else 32_000,
            rms_norm_eps=1e-6,
        ),
        image_token_id=990,
        video_token_id=991,
        vision_start_token_id=992,
        vision_end_token_id=993,
    )
    torch.manual_seed(0)
    model = QwenVL(config)
    for name, parameter in model.named_parameters():
        if not name.endswith("norm.weight"):
            torch.nn.init.normal_(parameter, std=0.02)
    save(model, folder)


# --------------------------------------------------------------------------------------- one program, one process


def prompt(grid: tuple[int, int, int]) -> tuple[list[int], Any]:
    """Ids of a page between two lines of text, and its patches."""
    import torch

    count = grid[1] * grid[2] // 4
    ids = [*range(1, 21), 992, *[990] * count, 993, *range(21, 31)]
    patches = torch.randn(grid[1] * grid[2], 1176, generator=torch.Generator().manual_seed(1))
    return ids, patches


Timed = list[tuple[float, int]]
"""Each token with the moment at which it was there."""


def continuer(program: str, folder: Path) -> Callable[[tuple[int, int, int], int], Timed]:
    """A function that continues a page of that grid by so many tokens, greedily."""
    import torch

    if program == "docparse":
        from docparse.model import Generator, Request, load

        generator = Generator(load(folder), max_batch=1)

        def ours(grid: tuple[int, int, int], count: int) -> Timed:
            ids, patches = prompt(grid)
            asked = Request(ids, patches=patches, grid_thw=grid, max_new_tokens=count, stop_ids=())
            return [(time.perf_counter(), token.id) for token in generator.submit(asked)]

        return ours

    from transformers import Qwen2_5_VLForConditionalGeneration

    model = Qwen2_5_VLForConditionalGeneration.from_pretrained(folder).eval()

    class Clock:
        """transformers' own way of telling tokens: the prompt first, then each."""

        def __init__(self) -> None:
            self.told: Timed = []

        def put(self, value: Any) -> None:
            if value.numel() == 1:
                self.told.append((time.perf_counter(), int(value)))

        def end(self) -> None:
            """Nothing is left over."""

    def theirs(grid: tuple[int, int, int], count: int) -> Timed:
        ids, patches = prompt(grid)
        tokens = torch.tensor([ids])
        clock = Clock()
        model.generate(
            streamer=clock,
            input_ids=tokens,
            attention_mask=torch.ones_like(tokens),
            pixel_values=patches,
            image_grid_thw=torch.tensor([grid]),
            mm_token_type_ids=(tokens == 990).int(),
            max_new_tokens=count,
            min_new_tokens=count,
            do_sample=False,
        )
        return clock.told

    return theirs


def child(program: str, folder: Path, plan: Plan) -> dict[str, Any]:
    """One round of one program: seconds, peak memory, and the ids as proof that both do the same."""
    import torch

    torch.set_num_threads(THREADS)
    run = continuer(program, folder)
    loaded = _peak()
    run((1, 8, 8), 3)  # threads, kernels and allocators are set up

    start = time.perf_counter()
    told = run(plan.grid, plan.new_tokens)
    moments = [moment for moment, _ in told]
    return {
        "prefill": moments[0] - start,
        "decode": statistics.median(b - a for a, b in itertools.pairwise(moments)),
        "loaded": loaded,
        "peak": _peak(),
        "ids": [token for _, token in told],
        **_limits(),
    }


def _peak() -> int:
    """Most bytes this process has had in memory. Linux' ``ru_maxrss`` would be that of the parent, if it had more."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _limits() -> dict[str, float]:
    """Operations a second of a large matrix product, bytes a second of a large sum; the best of a few."""
    import torch

    a, b = torch.randn(2048, 2048), torch.randn(2048, 2048)
    large = torch.randn(64 * 2**20)
    product = min(_seconds(lambda: a @ b) for _ in range(4))
    total = min(_seconds(large.sum) for _ in range(4))
    return {"flops": 2 * 2048**3 / product, "bandwidth": large.numel() * 4 / total}


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def tower_child(folder: Path, plan: Plan) -> dict[str, Any]:
    """Seconds of the tower for each size, with windows and with full attention everywhere."""
    import torch

    from docparse.model import load

    torch.set_num_threads(THREADS)
    model = load(folder)
    everywhere = load(folder)
    everywhere.visual._full = frozenset(range(model.config.vision.depth))
    rows = []
    with torch.inference_mode():
        for grid in plan.sizes:
            patches = torch.randn(grid[1] * grid[2], 1176)
            seconds = {"windows": [], "full": []}
            for _ in range(1 if plan.quick else 3):
                seconds["windows"].append(_seconds(lambda p=patches, g=grid: model.vision(p, g)))
                seconds["full"].append(_seconds(lambda p=patches, g=grid: everywhere.vision(p, g)))
            rows.append([grid[1] * grid[2], *(statistics.median(s) for s in seconds.values())])
    return {"tower": rows}


# --------------------------------------------------------------------------------------- the benchmark


def run(plan: Plan, say: Callable[[str], None]) -> tuple[report.Report, list[list[float]]]:
    """All rounds, as a report, and the tower's rows: patches, seconds with windows, seconds without."""
    found = report.Report("model", report.machine(THREADS, {name: version(name) for name in ("torch", "transformers")}))
    found.machine["rounds"] = plan.rounds
    with tempfile.TemporaryDirectory() as folder:
        make_checkpoint(Path(folder), quick=plan.quick)
        measured: dict[str, list[dict[str, Any]]] = {name: [] for name in PROGRAMS}
        for number in range(plan.rounds):
            for name in PROGRAMS if number % 2 == 0 else PROGRAMS[::-1]:
                say(f"round {number + 1} of {plan.rounds}: {name}")
                measured[name].append(_in_a_process(name, folder, plan))
        say("the tower, by size")
        tower = _in_a_process("tower", folder, plan)["tower"]
        _page(found, plan, measured, Path(folder))
    _tower(found, tower)
    return found, tower


def _in_a_process(what: str, folder: str, plan: Plan) -> dict[str, Any]:
    command = [sys.executable, __file__, "--child", what, folder, *(["--quick"] if plan.quick else [])]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _page(found: report.Report, plan: Plan, measured: dict[str, list[dict[str, Any]]], folder: Path) -> None:
    from docparse.model import ModelConfig
    from docparse.model.costs import decode_bytes, prefill_flops, vision_flops

    config = ModelConfig.from_folder(folder)
    tokens = len(prompt(plan.grid)[0])
    flops = vision_flops(config, plan.grid) + prefill_flops(config, tokens)
    reads = decode_bytes(config, tokens + plan.new_tokens // 2, dtype_bytes=4)
    every = [each for rounds in measured.values() for each in rounds]
    limits = {"flops": max(e["flops"] for e in every), "bandwidth": max(e["bandwidth"] for e in every)}
    middle = {
        name: {key: statistics.median(e[key] for e in rounds) for key in ("prefill", "decode", "loaded", "peak")}
        for name, rounds in measured.items()
    }
    rows = []
    for name, m in middle.items():
        rows.append(
            [
                name,
                f"{m['prefill']:.2f}",
                f"{flops / m['prefill'] / limits['flops']:.0%}",
                f"{1000 * m['decode']:.1f}",
                f"{reads / m['decode'] / limits['bandwidth']:.0%}",
                f"{m['loaded'] / 2**20:.0f}",
                f"{m['peak'] / 2**20:.0f}",
            ]
        )
    pairs = list(zip(measured["docparse"], measured["transformers"], strict=True))
    ratios = {key: statistics.median(t[key] / o[key] for o, t in pairs) for key in ("prefill", "decode")}
    same = all(o["ids"] == t["ids"] for o, t in pairs)
    note = (
        f"One page of {plan.grid[1] * plan.grid[2]} patches in a prompt of {tokens} tokens, float32, {THREADS} threads;"
        f" {plan.new_tokens - 1} tokens decoded after it. The limits: {limits['flops'] / 1e9:.0f} GFLOP/s of a matrix"
        f" product, {limits['bandwidth'] / 1e9:.1f} GB/s of a sum. Median ratios of the rounds (above 1, docparse is"
        f" faster): prefill {ratios['prefill']:.2f}, decode {ratios['decode']:.2f}."
        f" The ids written are {'the same' if same else 'NOT the same'}."
    )
    columns = ("", "prefill s", "of limit", "decode ms a token", "of limit", "loaded MiB", "peak MiB")
    found.tables.append(report.Table("One page", columns, rows, note))
    found.results["page"] = {"programs": middle, "ratios": ratios, "limits": limits, "same_ids": same}


def _tower(found: report.Report, tower: list[list[float]]) -> None:
    first = tower[0][0]
    rows = [[f"{int(n)}", f"{w:.3f}", f"{f:.3f}", f"{1e6 * w / n:.0f}", f"{1e6 * f / n:.0f}"] for n, w, f in tower]
    note = (
        "Attention within windows in 7 of 8 blocks, as published in 28 of 32, against full attention in all. Cost for"
        f" each patch stays what it is where growth is linear; the smallest picture has {int(first)} patches."
    )
    columns = ("patches", "windows s", "full s", "windows us a patch", "full us a patch")
    found.tables.append(report.Table("The vision tower against the size of the page", columns, rows, note))
    found.results["tower"] = tower


def draw(tower: list[list[float]], path: Path) -> None:
    """The tower's rows as a picture."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    patches, windows, full = zip(*tower, strict=True)
    figure, axes = pyplot.subplots(figsize=(7, 4.5), dpi=120)
    axes.plot(patches, full, "o-", color="#b3402e", label="full attention in every block")
    axes.plot(patches, windows, "o-", color="#1f6f8b", label="windows in 7 blocks of 8")
    straight = [windows[-1] * n / patches[-1] for n in patches]
    axes.plot(patches, straight, "--", color="#888888", linewidth=1, label="in proportion to the last")
    axes.set_xlabel("patches of 14 x 14 pixels")
    axes.set_ylabel("seconds")
    axes.set_title("The vision tower on a CPU, 2 threads")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.tight_layout()
    figure.savefig(path)
    pyplot.close(figure)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="The model beside transformers' on a CPU.")
    parser.add_argument("--out", metavar="DIR", help="folder for the JSON, a Markdown table and the picture")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="runs of each program")
    parser.add_argument("--quick", action="store_true", help="small and once: a try, not a result")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    plan = QUICK if given.quick else Plan(rounds=max(given.rounds, 1))
    if given.child:
        what, folder = given.child[0], Path(given.child[1])
        told = tower_child(folder, plan) if what == "tower" else child(what, folder, plan)
        print(json.dumps(told))
        return 0
    if given.quick:
        plan = replace(plan, rounds=1)
    found, tower = run(plan, lambda line: print(line, file=sys.stderr, flush=True))
    print(found.text())
    if given.out:
        paths = found.write(Path(given.out))
        paths.append(paths[0].with_suffix(".png"))
        draw(tower, paths[-1])
        for path in paths:
            print(f"written: {path}")
    print(found.json())
    return 0


if __name__ == "__main__":
    sys.exit(main())
