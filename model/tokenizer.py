"""Text to token ids and back: the byte-level BPE of a checkpoint.

The merging is done by ``tokenizers``; what is ours is the border between text and control. ``encode``
never makes a control token out of text: a document that says ``<|im_end|>`` is read as those characters.
Whoever wants a control token asks for it by name (``special_id``), as ``chat.py`` does. Decoding works on
bytes, since one token may be a part of a character, and one answer must read the same whole and streamed.

Sources: facts/qwen.md sections 5 (ids) and 10 (regular expression, normalisation).
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import tokenizers

from docparse.model.config import ModelConfig, read_json
from docparse.model.errors import CheckpointError, UnsupportedModel

PIECES = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""What Qwen2 merges within: contractions, words, single digits, runs of marks, white space."""

NOT_TEXT = (
    "<|im_start|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|vision_pad|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
"""Tokens of the prompt's layout. An answer that is text has none of them."""


def _alphabet() -> dict[int, int]:
    """Code point of the visible character that stands for each byte in the files of a byte-level BPE.

    Printable Latin-1 characters stand for themselves, the other bytes, in order, for U+0100 and on.
    """
    visible = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    hidden = [byte for byte in range(256) if byte not in visible]
    return {byte: byte for byte in visible} | {byte: 0x100 + place for place, byte in enumerate(hidden)}


CHARACTER_OF_BYTE = _alphabet()
BYTE_OF_CHARACTER = {character: byte for byte, character in CHARACTER_OF_BYTE.items()}

CHARACTER = re.compile(
    rb"[\x00-\x7f]"
    rb"|[\xc2-\xdf][\x80-\xbf]?"
    rb"|(?:\xe0[\xa0-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]|\xed[\x80-\x9f])[\x80-\xbf]?"
    rb"|(?:\xf0[\x90-\xbf]|[\xf1-\xf3][\x80-\xbf]|\xf4[\x80-\x8f])[\x80-\xbf]{0,2}"
    rb"|[\x80-\xff]"
)
"""The bytes of one character, or as many broken ones as are read as one U+FFFD (Unicode, table 3-7: the longest
beginning of a character that could have been). CPython's incremental decoder holds some of them back longer."""


class Tokenizer:
    """The tokenizer of one checkpoint.

    ``content`` is that of a ``tokenizer.json``; ``source`` names it in errors. Control tokens are the
    ``added_tokens`` of that file. Some of them are marked special (``<|im_end|>``), some are not
    (``<tool_call>``): ``decode`` leaves out the special ones, ``encode`` makes neither.

    Raises ``CheckpointError`` where the content is damaged, ``UnsupportedModel`` where it is no byte-level BPE.
    """

    def __init__(self, content: dict[str, Any], *, source: str = "the tokenizer") -> None:
        self.source = source
        try:
            if (content["model"]["type"], content["decoder"]["type"]) != ("BPE", "ByteLevel"):
                raise UnsupportedModel(f"{source} is no byte-level BPE, which is what Qwen2.5-VL has.")
            added = [(str(t["content"]), int(t["id"]), bool(t["special"])) for t in content["added_tokens"]]
            # `tokenizers` finds added tokens in any text; with encode_special_tokens it leaves out only those
            # marked special. A tokenizer that was never told of them finds none. Nor shall a training run's
            # truncation or padding, which transformers saves here too, cut a prompt.
            plain = {**content, "added_tokens": [], "truncation": None, "padding": None}
            self._bpe = tokenizers.Tokenizer.from_str(json.dumps(plain))
            self._bytes: dict[int, bytes] = {
                i: word.translate(BYTE_OF_CHARACTER).encode("latin-1") for word, i in content["model"]["vocab"].items()
            }
        except CheckpointError:
            raise
        except Exception as error:  # a mere Exception is what `tokenizers` raises
            raise CheckpointError(f"{source} is damaged: {_reason(error)}.") from error
        self._control = {text: i for text, i, _ in added}
        self._special = frozenset(i for _, i, special in added if special)
        self._bytes |= {i: text.encode() for text, i, _ in added}

    @classmethod
    def from_folder(cls, folder: str | Path) -> Tokenizer:
        """The tokenizer of a checkpoint folder: its ``tokenizer.json``, or ``vocab.json`` with ``merges.txt``.

        Raises ``CheckpointError`` where both are missing or what there is cannot be read.
        """
        path = Path(folder)
        content = read_json(path / "tokenizer.json")
        if content is not None:
            return cls(content, source=str(path / "tokenizer.json"))
        return cls(_from_vocabulary(path), source=str(path / "vocab.json"))

    @property
    def size(self) -> int:
        """Number of ids up to the last that means something. Rows of the model from here on are padding."""
        return max(self._bytes) + 1

    def encode(self, text: str) -> list[int]:
        """Token ids of ``text``, every character of it taken as a character; nothing is put before or after.

        Text is brought to NFC, as the published files say. Half of a surrogate pair, which no bytes
        stand for but which broken PDFs yield, becomes U+FFFD; two halves become their character.
        """
        whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        ids: list[int] = self._bpe.encode(whole, add_special_tokens=False).ids
        return ids

    @property
    def control_ids(self) -> tuple[int, ...]:
        """Ids of all control tokens, in order."""
        return tuple(sorted(self._control.values()))

    def special_id(self, token: str) -> int:
        """Id of a control token, ``"<|im_end|>"`` for one. Raises ``CheckpointError`` where there is none."""
        try:
            return self._control[token]
        except KeyError:
            raise CheckpointError(f"{self.source} has no token {token}; Qwen2.5-VL has one.") from None

    def bytes_of(self, token: int, *, skip_special: bool = False) -> bytes:
        """The bytes a token stands for: a part of a character perhaps. A control token stands for its name
        (with ``skip_special`` a special one for nothing), an id that means nothing (a padding row) for no bytes."""
        return b"" if skip_special and token in self._special else self._bytes.get(token, b"")

    def decode(self, ids: Iterable[int], *, skip_special: bool = True) -> str:
        """Text of ``ids``; bytes that are no UTF-8 become U+FFFD, as many as Unicode recommends."""
        data = b"".join(self.bytes_of(i, skip_special=skip_special) for i in ids)
        return data.decode("utf-8", "replace")

    def spans(self, ids: Iterable[int], *, skip_special: bool = True) -> list[tuple[int, int]]:
        """For each token the characters of ``decode(ids)`` that it has bytes of, as half-open (start, end).

        A character whose bytes lie in several tokens is in the span of each, so spans may overlap by one
        character; together they cover the text, and starts and ends never go back. A token that shows
        nothing has an empty span where the text stands.
        """
        data = [self.bytes_of(i, skip_special=skip_special) for i in ids]
        character_of_byte: list[int] = []
        for number, match in enumerate(CHARACTER.finditer(b"".join(data))):
            character_of_byte += [number] * len(match[0])
        spans = []
        place = end = 0
        for part in data:
            start = end
            if part:
                start = character_of_byte[place]
                place += len(part)
                end = character_of_byte[place - 1] + 1
            spans.append((start, end))
        return spans

    def check(self, config: ModelConfig) -> None:
        """Raises ``CheckpointError`` where tokenizer and model are of different checkpoints, by their numbers."""
        said = {
            "<|image_pad|>": config.image_token_id,
            "<|video_pad|>": config.video_token_id,
            "<|vision_start|>": config.vision_start_token_id,
            "<|vision_end|>": config.vision_end_token_id,
        }
        for token, wanted in said.items():
            found = self.special_id(token)
            if found != wanted:
                raise CheckpointError(
                    f"{self.source} has {token} as {found}, config.json as {wanted}; "
                    "take both from the same checkpoint."
                )
        if self.size > config.text.vocab_size:
            raise CheckpointError(
                f"{self.source} has ids up to {self.size - 1}, the model only {config.text.vocab_size} rows "
                "(vocab_size in config.json); take both from the same checkpoint."
            )

    def forbidden_ids(self, vocab_size: int) -> tuple[int, ...]:
        """Ids, in order, that must not be sampled when text is written, of a model with ``vocab_size`` rows:
        the layout of a prompt (``NOT_TEXT``) and the rows that mean nothing."""
        layout = {self._control[token] for token in NOT_TEXT if token in self._control}
        return tuple(i for i in range(vocab_size) if i in layout or i not in self._bytes)


class TextStream:
    """Decodes token by token: what ``push`` returned, joined, and ``flush`` at the end is ``decode`` of the ids."""

    def __init__(self, tokenizer: Tokenizer, *, skip_special: bool = True) -> None:
        self._tokenizer = tokenizer
        self._skip_special = skip_special
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def push(self, token: int) -> str:
        """The characters that became complete with this token: none, where it ends within one."""
        return self._decoder.decode(self._tokenizer.bytes_of(token, skip_special=self._skip_special))

    def flush(self) -> str:
        """What is left of a character that was never completed: U+FFFD or nothing."""
        return self._decoder.decode(b"", final=True)


def _from_vocabulary(path: Path) -> dict[str, Any]:
    """What ``tokenizer.json`` would hold, from the files that older checkpoints have in its place."""
    vocabulary = read_json(path / "vocab.json")
    if vocabulary is None:
        raise CheckpointError(f"{path} has no tokenizer: neither tokenizer.json nor vocab.json with merges.txt.")
    merges = path / "merges.txt"
    try:
        # The first line says "#version"; `tokenizers` knows. Others that begin with # are merges.
        lines = merges.read_text(encoding="utf-8").split("\n")
    except FileNotFoundError:
        raise CheckpointError(f"{path} has vocab.json without merges.txt; a tokenizer needs both.") from None
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{merges} cannot be read: {error}.") from error
    try:
        added = _added_tokens(path)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"the added tokens in the json files of {path} are damaged: {_reason(error)}.") from error
    return {
        "version": "1.0",
        "added_tokens": added,
        "normalizer": {"type": "NFC"},
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [
                {"type": "Split", "pattern": {"Regex": PIECES}, "behavior": "Isolated", "invert": False},
                {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False},
            ],
        },
        "decoder": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False},
        "model": {"type": "BPE", "vocab": vocabulary, "merges": [line for line in lines if line]},
    }


def _added_tokens(path: Path) -> list[dict[str, Any]]:
    """Added tokens of ``added_tokens.json`` and ``tokenizer_config.json``; the second knows more of each."""
    config = read_json(path / "tokenizer_config.json") or {}
    special = _special_tokens(config) | _special_tokens(read_json(path / "special_tokens_map.json") or {})
    added = {text: (i, text in special) for text, i in (read_json(path / "added_tokens.json") or {}).items()}
    for i, token in (config.get("added_tokens_decoder") or {}).items():
        text = token["content"]
        added[text] = (int(i), bool(token.get("special", text in special)))
    return [{"content": text, "id": i, "special": marked} for text, (i, marked) in added.items()]


def _special_tokens(section: dict[str, Any]) -> set[str]:
    """Texts under ``eos_token``, ``additional_special_tokens`` and the like: strings, objects, lists of both."""
    found: set[str] = set()
    for key, value in section.items():
        if key.endswith(("_token", "_special_tokens")):
            items = value if isinstance(value, list) else [value]
            texts = (item.get("content") if isinstance(item, dict) else item for item in items)
            found |= {text for text in texts if isinstance(text, str)}
    return found


def _reason(error: Exception) -> str:
    return f"it lacks {error}" if isinstance(error, KeyError) else str(error)
