"""Tokenizers to test with, written to a folder as checkpoints have them.

``qwen_vocabulary`` is the real one of Qwen2, Qwen2.5 and Qwen2.5-VL: the wheel of dashscope carries its
ranks (``qwen.tiktoken``, Apache-2.0), from which the merges follow. ``small_vocabulary`` is for models of a
few hundred rows.
"""

from __future__ import annotations

import binascii
import importlib.util
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from docparse.model.tokenizer import CHARACTER_OF_BYTE, PIECES

SPECIAL = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|object_ref_start|>",
    "<|object_ref_end|>",
    "<|box_start|>",
    "<|box_end|>",
    "<|quad_start|>",
    "<|quad_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|vision_pad|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
ADDED = (
    "<tool_call>",
    "</tool_call>",
    "<|fim_prefix|>",
    "<|fim_middle|>",
    "<|fim_suffix|>",
    "<|fim_pad|>",
    "<|repo_name|>",
    "<|file_sep|>",
)
"""Added but not special: a decoder that leaves out special tokens keeps them."""

CHAT_TEMPLATE = """\
{%- set count = namespace(picture=0, video=0) -%}
{%- macro turn(role, content) -%}
{{ '<|im_start|>' + role + '\\n' }}
{%- if content is string -%}{{ content }}
{%- else -%}
{%- for part in content -%}
{%- if part['type'] == 'image' -%}
{%- set count.picture = count.picture + 1 -%}
{%- if add_vision_id -%}{{ 'Picture ' ~ count.picture ~ ': ' }}{%- endif -%}
{{ '<|vision_start|><|image_pad|><|vision_end|>' }}
{%- elif part['type'] == 'video' -%}
{%- set count.video = count.video + 1 -%}
{%- if add_vision_id -%}{{ 'Video ' ~ count.video ~ ': ' }}{%- endif -%}
{{ '<|vision_start|><|video_pad|><|vision_end|>' }}
{%- else -%}{{ part['text'] }}{%- endif -%}
{%- endfor -%}
{%- endif -%}
{{ '<|im_end|>\\n' }}
{%- endmacro -%}
{%- if messages[0]['role'] != 'system' -%}{{ turn('system', 'You are a helpful assistant.') }}{%- endif -%}
{%- for message in messages -%}{{ turn(message['role'], message['content']) }}{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n' }}{%- endif -%}
"""


def qwen_vocabulary(folder: Path) -> Path:
    """Writes the real tokenizer: 151,643 words, 151,387 merges, 22 added tokens. About two seconds."""
    ranks = _qwen_ranks()
    return _write(folder, ranks, list(_merges(ranks)))


# Merges for markup, and for halves of characters, so that tokens split some of them.
_PAIRS = (
    *(b"< /", b"< p", b"< t", b"d a", b"t a", b"da ta", b"b b", b"bb o", b"bbo x", b"= \"", b"\" >", b"e r", b"i n"),
    *(b"h t", b"m l", b"ht ml", b"\n \n", b"\xe4 \xb8", b"\xe6 \x96", b"\xf0 \x9f", b"\xf0\x9f \x98", b"\xcc \x81"),
)  # fmt: skip


def small_vocabulary(folder: Path, size: int = 300) -> dict[str, int]:
    """Writes a tokenizer of ``size`` ids: 256 bytes, a few merges, and all added tokens right after them.

    ``size`` is at least 278 and at most 300. Returns ids by name: ``{"im_end": 280, "image_pad": 290, ...}``.
    """
    merges = [(left, right) for left, _, right in (pair.partition(b" ") for pair in _PAIRS)]
    room = size - 256 - len(SPECIAL) - len(ADDED)
    assert 0 <= room <= len(merges), f"a small vocabulary has 278 to {278 + len(merges)} ids, not {size}"
    ranks = {bytes([value]): value for value in range(256)}
    for left, right in merges[:room]:
        ranks[left + right] = len(ranks)
    _write(folder, ranks, merges[:room])
    return {token.strip("<|>"): len(ranks) + place for place, token in enumerate((*SPECIAL, *ADDED))}


def _qwen_ranks() -> dict[bytes, int]:
    """Rank of each word, which is its id. The package is looked up, not imported: importing it wants others."""
    package = importlib.util.find_spec("dashscope")
    assert package is not None, "these tests need dashscope, which carries the vocabulary: pip install docparse[dev]"
    assert package.submodule_search_locations
    lines = Path(package.submodule_search_locations[0], "resources", "qwen.tiktoken").read_bytes().splitlines()
    return {binascii.a2b_base64(word): int(rank) for word, rank in (line.split() for line in lines)}


def _merges(ranks: Mapping[bytes, int]) -> Iterator[tuple[bytes, bytes]]:
    """The two words that each word is merged from: what is left of it when all earlier merges have been done."""
    for word, rank in ranks.items():
        parts = [word[i : i + 1] for i in range(len(word))]
        while len(parts) > 2:
            best, place = rank, -1
            for i in range(len(parts) - 1):
                found = ranks.get(parts[i] + parts[i + 1], rank)
                if found < best:
                    best, place = found, i
            assert place >= 0, f"no earlier merges lead to {word!r}"
            parts[place : place + 2] = [parts[place] + parts[place + 1]]
        if len(parts) == 2:
            yield parts[0], parts[1]


def _written(word: bytes) -> str:
    return word.decode("latin-1").translate(CHARACTER_OF_BYTE)


def _write(folder: Path, ranks: Mapping[bytes, int], merges: list[tuple[bytes, bytes]]) -> Path:
    """tokenizer.json, vocab.json, merges.txt and tokenizer_config.json, as the published checkpoints have them."""
    folder.mkdir(parents=True, exist_ok=True)
    vocab = {_written(word): rank for word, rank in ranks.items()}
    lines = [f"{_written(left)} {_written(right)}" for left, right in merges]
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    added: list[dict[str, Any]] = [
        {"id": len(vocab) + place, "content": token, **flags, "special": token in SPECIAL}
        for place, token in enumerate((*SPECIAL, *ADDED))
    ]
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}
    split = {"type": "Split", "pattern": {"Regex": PIECES}, "behavior": "Isolated", "invert": False}
    tokenizer = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": {"type": "NFC"},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, byte_level]},
        "post_processor": byte_level,
        "decoder": byte_level,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": "",
            "end_of_word_suffix": "",
            "fuse_unk": False,
            "byte_fallback": False,
            "vocab": vocab,
            "merges": lines,
        },
    }
    config = {
        "add_bos_token": False,
        "add_prefix_space": False,
        "added_tokens_decoder": {str(t["id"]): {k: v for k, v in t.items() if k != "id"} for t in added},
        "additional_special_tokens": list(SPECIAL[1:]),
        "bos_token": None,
        "chat_template": CHAT_TEMPLATE,
        "clean_up_tokenization_spaces": False,
        "eos_token": "<|im_end|>",
        "errors": "replace",
        "model_max_length": 131072,
        "pad_token": "<|endoftext|>",
        "split_special_tokens": False,
        "tokenizer_class": "Qwen2Tokenizer",
        "unk_token": None,
    }
    for name, content in (("tokenizer.json", tokenizer), ("vocab.json", vocab), ("tokenizer_config.json", config)):
        (folder / name).write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *lines, ""]), encoding="utf-8")
    return folder
