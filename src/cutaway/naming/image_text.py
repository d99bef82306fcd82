"""CLIP and SigLIP through transformers: texts and pictures in one space, so that a layer is named without captions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from cutaway.core.errors import MissingExtraError, ModelError
from cutaway.naming.encoders import Embeddings, unit_rows

KINDS = ("clip", "siglip")
STATISTICS = {
    "clip": ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)),
    "siglip": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
}


class ImageText:
    """A text and an image tower that were trained together. `load` opens a folder as `save_pretrained` leaves it."""

    def __init__(self, model: Any, tokenizer: Any, kind: str) -> None:
        self.model, self.tokenizer, self.kind, self.name = model.eval(), tokenizer, kind, kind
        self.side = int(model.config.vision_config.image_size)

    @classmethod
    def load(cls, folder: str) -> ImageText:
        """From a folder. Raises MissingExtraError without transformers, ModelError for a folder that holds none."""
        try:
            from transformers import AutoConfig, AutoTokenizer, CLIPModel, SiglipModel
        except ImportError:
            raise MissingExtraError("CLIP and SigLIP", "hub") from None
        try:
            config = AutoConfig.from_pretrained(folder, local_files_only=True)
            kind = str(config.model_type)
            if kind not in KINDS:
                raise ModelError(f'{folder} holds a "{kind}"; expected clip or siglip; try another folder')
            model = (CLIPModel if kind == "clip" else SiglipModel).from_pretrained(folder, local_files_only=True)
            return cls(model, AutoTokenizer.from_pretrained(folder, local_files_only=True), kind)
        except (OSError, ValueError) as fault:
            if isinstance(fault, ModelError):
                raise
            reason = str(fault).splitlines()[0] if str(fault) else type(fault).__name__
            raise ModelError(
                f"{Path(folder).name}: no CLIP or SigLIP ({reason}); expected a folder that save_pretrained wrote"
            ) from None

    @torch.no_grad()
    def encode(self, texts: Sequence[str], /) -> Embeddings:
        """Unit vectors of texts; SigLIP was trained on texts padded to their full length, and gets them so."""
        padding = "max_length" if self.kind == "siglip" else True
        longest = int(self.model.config.text_config.max_position_embeddings)
        tokens = self.tokenizer(list(texts), padding=padding, truncation=True, max_length=longest, return_tensors="pt")
        return unit_rows(_vectors(self.model.get_text_features(**tokens)))

    @torch.no_grad()
    def see(self, batches: Iterable[Tensor]) -> Embeddings:
        """Unit vectors of pictures in [0, 1] of any size."""
        mean, std = (torch.tensor(values)[:, None, None] for values in STATISTICS[self.kind])
        rows = []
        for pictures in batches:
            sized = F.interpolate(pictures, (self.side, self.side), mode="bicubic", antialias=True).clamp(0, 1)
            rows.append(_vectors(self.model.get_image_features(pixel_values=(sized - mean) / std)))
        return unit_rows(np.concatenate(rows))


def _vectors(output: Any) -> Float[np.ndarray, "rows width"]:
    """Features as an array; newer transformers wrap them."""
    tensor = output if isinstance(output, torch.Tensor) else output.pooler_output
    found: np.ndarray = tensor.float().numpy()
    return found
