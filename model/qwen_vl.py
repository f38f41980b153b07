"""Qwen2.5-VL, whole: the tower's tokens take the places of the placeholders, and the decoder reads all.

It sees token ids and patches, and knows no text, no page and no markup. Shapes: T tokens, N patches,
M tokens of pictures, C width of the language model, V rows of the vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from docparse.model.attention import Attention, choose_attention
from docparse.model.cache import KVCache
from docparse.model.config import ModelConfig
from docparse.model.errors import RequestError
from docparse.model.language import LanguageModel, Prefill
from docparse.model.layers import Linear, linear
from docparse.model.positions import Grids, Seconds, as_grids, position_ids
from docparse.model.vision import VisionTower


class QwenVL(nn.Module):
    """The model. Made by ``load``; ``QwenVL(config)`` has weights that mean nothing.

    ``attention``: the implementation all parts use, by name, or the best one for where the weights are.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.visual = VisionTower(config.vision)
        self.language = LanguageModel(config.text)
        # A tied head is the embedding's own matrix, read the other way round.
        tied = config.text.tie_word_embeddings
        self.lm_head = None if tied else Linear(config.text.hidden_size, config.text.vocab_size, bias=False)
        self.attention: Attention = choose_attention(torch.device("cpu"), torch.float32)

    @property
    def dtype(self) -> torch.dtype:
        return self.language.norm.weight.dtype

    @property
    def device(self) -> torch.device:
        """Where embeddings and the tower are, and where inputs go."""
        return self.language.embed_tokens.weight.device

    @property
    def head_device(self) -> torch.device:
        """Where logits come out; another one where the layers are spread over several."""
        return self.device if self.lm_head is None else self.lm_head.weight.device

    def vision(self, patches: Tensor, grids: Grids) -> Tensor:
        """Patches [N, 1176] of pictures or frames of ``grids`` (t, h, w) -> tokens [M, C], in raster order."""
        return self.visual(patches.to(self.device), as_grids(grids), self.attention)  # type: ignore[no-any-return]

    def embed(
        self,
        input_ids: Tensor,
        *,
        patches: Tensor | None = None,
        grid_thw: Grids | None = None,
        video_patches: Tensor | None = None,
        video_grid_thw: Grids | None = None,
    ) -> Tensor:
        """Tokens [T] -> vectors [T, C], those of pictures and videos in their places."""
        input_ids = input_ids.to(self.device)
        vectors = self.language.embed_tokens(input_ids)
        config = self.config
        for pixels, grids, token in (
            (patches, grid_thw, config.image_token_id),
            (video_patches, video_grid_thw, config.video_token_id),
        ):
            if pixels is None:
                continue
            seen = self.vision(pixels, as_grids(grids))
            places = (input_ids == token).nonzero().squeeze(1)
            if len(places) != len(seen):
                raise RequestError(f"the prompt has {len(places)} places for {len(seen)} tokens of pictures.")
            vectors = vectors.index_copy(0, places, seen.to(vectors.dtype))
        return vectors  # type: ignore[no-any-return]

    def positions(
        self,
        input_ids: Tensor,
        *,
        grid_thw: Grids | None = None,
        video_grid_thw: Grids | None = None,
        second_per_grid_ts: Seconds | None = None,
    ) -> tuple[Tensor, int]:
        """Positions [3, T] of one sequence, and what to add to the number of a later token to get its own."""
        return position_ids(
            input_ids,
            self.config,
            image_grids=as_grids(grid_thw),
            video_grids=as_grids(video_grid_thw),
            second_per_grid_ts=second_per_grid_ts,
        )

    def head(self, hidden: Tensor) -> Tensor:
        """Hidden states [.., C] -> logits [.., V] in float32."""
        weight = self.language.embed_tokens.weight if self.lm_head is None else self.lm_head.weight
        return linear(hidden.to(weight.device), weight).float()

    def logits(
        self,
        input_ids: Tensor | Sequence[int],
        *,
        patches: Tensor | None = None,
        grid_thw: Grids | None = None,
        video_patches: Tensor | None = None,
        video_grid_thw: Grids | None = None,
        second_per_grid_ts: Seconds | None = None,
    ) -> Tensor:
        """One sequence, whole: ids [T] -> logits [T, V] in float32; row t predicts token t + 1."""
        ids = torch.as_tensor(input_ids, dtype=torch.int64)
        if ids.ndim != 1 or not len(ids):
            raise RequestError(f"input_ids is one sequence of at least one token, not {tuple(ids.shape)}.")
        rows = self.config.text.vocab_size
        if int(ids.min()) < 0 or int(ids.max()) >= rows:
            raise RequestError(f"the prompt has ids outside of the vocabulary of {rows}.")
        vectors = self.embed(
            ids, patches=patches, grid_thw=grid_thw, video_patches=video_patches, video_grid_thw=video_grid_thw
        )
        positions, _ = self.positions(
            ids,
            grid_thw=grid_thw if patches is not None else None,
            video_grid_thw=video_grid_thw if video_patches is not None else None,
            second_per_grid_ts=second_per_grid_ts if video_patches is not None else None,
        )
        step = Prefill.of([len(ids)], self.device)
        hidden = self.language(vectors, positions.to(self.device), step, self.attention)
        return self.head(hidden)

    def new_cache(self, *, slots: int, capacity: int) -> KVCache:
        """An empty cache for this model."""
        return KVCache(
            self.config.text, slots=slots, capacity=capacity, dtype=self.dtype, devices=self.language.devices()
        )
