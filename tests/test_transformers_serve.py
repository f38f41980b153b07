"""The remote engine against ``transformers serve``: a server that is not ours, with a model that can read a sample.

It needs what ``transformers serve`` needs (fastapi, uvicorn, openai, accelerate) and torchvision, which is no part of
``docparse[dev]``: its wheels fit one build of torch each. Of it only the names of two operators are used, and its
decoder of pictures is replaced by Pillow's, so that one of another build will do.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import docparse
from docparse.document import Page
from docparse.engines.options import ModelOptions, RemoteOptions
from docparse.engines.remote import RemoteEngine, check_server
from docparse.errors import EngineUnavailable
from tests.model.parrot import SAMPLES, sample_parrot

NEEDED = ("fastapi", "uvicorn", "openai", "accelerate", "torchvision")
MISSING = [name for name in NEEDED if importlib.util.find_spec(name) is None]

pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"transformers serve needs {', '.join(MISSING)}")

SERVE = """
import io, sys
import numpy, torch
from PIL import Image
operators = torch.library.Library("torchvision", "FRAGMENT")
for name in ("nms", "qnms"):
    try:
        operators.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    except RuntimeError:  # torchvision has brought its own
        pass
import torchvision.io
def decode(data, *_, **__):
    pixels = numpy.array(Image.open(io.BytesIO(data.numpy().tobytes())).convert("RGB"))
    return torch.from_numpy(pixels).permute(2, 0, 1).contiguous()
torchvision.io.decode_image = torchvision.io.image.decode_image = decode
torch.set_num_threads(1)
from transformers.cli.transformers import main
sys.argv[0] = "transformers"
main()
"""


@dataclass(frozen=True)
class Server:
    url: str
    model: str


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    cache = tmp_path_factory.mktemp("hub")
    folder = shutil.copytree(sample_parrot().folder, tmp_path_factory.mktemp("model") / "parrot")
    # Processors want the template in a file of its own, as the published checkpoints have it too.
    template = json.loads((folder / "tokenizer_config.json").read_text())["chat_template"]
    (folder / "chat_template.jinja").write_text(template)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = ["serve", str(folder), "--host", "127.0.0.1", "--port", str(port), "--device", "cpu", "--dtype", "float32"]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HUB_CACHE": str(cache)}
    log = cache / "log.txt"
    with log.open("w") as out:
        program = subprocess.Popen(
            [sys.executable, "-c", SERVE, *words], env=environment, stdout=out, stderr=subprocess.STDOUT
        )
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_for(url, program, log)
            yield Server(url, str(folder))
        finally:
            program.terminate()
            program.wait(30)


def _wait_for(url: str, program: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and program.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=5) as answer:
                assert answer.status == 200
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    pytest.fail(f"transformers serve did not start: {log.read_text()[-2000:]}")


def options(server: Server, **more: object) -> RemoteOptions:
    """The parrot sees no more pixels than it was taught with."""
    given = {"url": server.url, "model": server.model, "pixels": 50_176, "max_tokens": 600, **more}
    return RemoteOptions(**given)  # type: ignore[arg-type]


def said(page: Page) -> list[object]:
    return [(block.kind, block.bbox, block.text) for block in page.blocks]


@pytest.mark.parametrize("name", ["receipt.jpg", "dossier.tif"])
def test_pages_are_read_as_in_this_process(name: str, server: Server) -> None:
    """The same pixels, the same prompt, the same greedy answer; only the way is another."""
    there = docparse.parse(SAMPLES / name, engine="remote", remote=options(server))
    model = ModelOptions(path=server.model, max_tokens=600)
    here = docparse.parse(SAMPLES / name, engine="qwen", model=model)
    assert [said(page) for page in there.pages] == [said(page) for page in here.pages]
    assert [page.verdict.status for page in there.pages] == [page.verdict.status for page in here.pages]
    assert all(page.verdict.status != "fallback" for page in there.pages)


def test_what_it_does_not_know_is_left_out(server: Server) -> None:
    engine = RemoteEngine(options(server))
    (page,) = docparse.iter_pages(SAMPLES / "receipt.jpg", engine=engine)
    assert page.blocks[0].text == "HOLLOW LANE STORES"
    assert {"skip_special_tokens", "repetition_penalty"} <= engine._client.refused
    assert "frequency_penalty" not in engine._client.refused


def test_its_limits_are_seen(server: Server) -> None:
    (page,) = docparse.parse(SAMPLES / "receipt.jpg", engine="remote", remote=options(server, max_tokens=40)).pages
    assert page.verdict.status != "ok"


def test_what_it_has_not_got(server: Server) -> None:
    with pytest.raises(EngineUnavailable, match="has no model '/nowhere'"):
        check_server(options(server, model="/nowhere"))
    with pytest.raises(EngineUnavailable, match=r"has no model\. Name one with --server-model"):
        check_server(options(server, model=None))
