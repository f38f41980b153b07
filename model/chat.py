"""The layout of a conversation with Qwen2.5-VL, as token ids.

What the chat template of the published checkpoints says (facts/qwen.md section 5), without a template
language: control tokens are placed by id and text is encoded as text, so that nothing inside a message can
end its turn. Pictures are counts of placeholders; the pixels take another way (``image.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from docparse.model.errors import RequestError
from docparse.model.tokenizer import Tokenizer

DEFAULT_SYSTEM = "You are a helpful assistant."
"""What the template says first where the conversation has no system message of its own."""

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Image:
    """A picture in a message. ``tokens``: how many tokens the language model sees of it, grid.prod() / 4."""

    tokens: int


@dataclass(frozen=True, slots=True)
class Video:
    """A video in a message. ``tokens``: as for a picture, frames included."""

    tokens: int


Part = str | Image | Video


@dataclass(frozen=True, slots=True)
class Message:
    """One turn. ``parts`` follow each other without anything between them."""

    role: Role
    parts: Sequence[Part]


def prompt_ids(
    tokenizer: Tokenizer,
    parts: Sequence[Part],
    *,
    system: str | None = None,
    reply: str = "",
    add_vision_id: bool = False,
) -> list[int]:
    """Ids of a prompt with one turn of the user, up to where the model is to write.

    ``system``: its system message; None is ``DEFAULT_SYSTEM``. The rest is as for ``chat_ids``.
    """
    messages = [Message("user", parts)]
    if system is not None:
        messages.insert(0, Message("system", system))
    return chat_ids(tokenizer, messages, reply=reply, add_vision_id=add_vision_id)


def chat_ids(
    tokenizer: Tokenizer,
    messages: Sequence[Message],
    *,
    reply: str | None = "",
    add_vision_id: bool = False,
) -> list[int]:
    """Ids of a conversation.

    A conversation that does not begin with a system message gets ``DEFAULT_SYSTEM`` as one. There is no way
    to have none: the template knows none, so the model never saw a conversation without.

    ``reply``: the beginning of the assistant's answer, which the model is to continue; None for a conversation
    that is complete, as training has it. A beginning is encoded together with what precedes it, as a whole
    answer would be; whoever has it as ids (an answer that was cut off) appends those to the ids without one.

    ``add_vision_id`` says "Picture 1: " before the first picture and so on; pictures and videos are counted
    apart, over all messages.

    Raises ``RequestError`` for no messages, a role that the template does not know, and a picture without tokens.
    """
    if not messages:
        raise RequestError("a conversation needs at least one message.")
    if messages[0].role != "system":
        messages = [Message("system", DEFAULT_SYSTEM), *messages]
    layout = _Layout(tokenizer, add_vision_id)
    for message in messages:
        layout.turn(message)
    if reply is not None:
        layout.control("<|im_start|>")
        layout.text(f"assistant\n{reply}")
    return layout.ids()


class _Layout:
    """Collects text until a control token comes: tokens may reach over the parts of a message, as they do
    where a template's output is encoded ("user\\n" and a text that begins with a line break)."""

    def __init__(self, tokenizer: Tokenizer, add_vision_id: bool) -> None:
        self._tokenizer = tokenizer
        self._add_vision_id = add_vision_id
        self._ids: list[int] = []
        self._text: list[str] = []
        self._seen = {"Picture": 0, "Video": 0}

    def turn(self, message: Message) -> None:
        if message.role not in get_args(Role):
            raise RequestError(f"a message is of {', '.join(get_args(Role))}; not of {message.role!r}.")
        self.control("<|im_start|>")
        self.text(f"{message.role}\n")
        for part in message.parts:
            if isinstance(part, str):
                self.text(part)
            elif isinstance(part, Image):
                self._vision("Picture", "<|image_pad|>", part.tokens)
            else:
                self._vision("Video", "<|video_pad|>", part.tokens)
        self.control("<|im_end|>")
        self.text("\n")

    def _vision(self, name: str, pad: str, tokens: int) -> None:
        self._seen[name] += 1
        title = f"{name} {self._seen[name]}"
        if tokens < 1:
            raise RequestError(f"{title} has {tokens} tokens; the model sees at least one of each.")
        if self._add_vision_id:
            self.text(f"{title}: ")
        self.control("<|vision_start|>")
        self.control(pad, times=tokens)
        self.control("<|vision_end|>")

    def text(self, text: str) -> None:
        self._text.append(text)

    def control(self, token: str, *, times: int = 1) -> None:
        self.ids().extend([self._tokenizer.special_id(token)] * times)

    def ids(self) -> list[int]:
        if self._text:
            self._ids += self._tokenizer.encode("".join(self._text))
            self._text.clear()
        return self._ids
