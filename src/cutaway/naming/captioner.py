"""BLIP through transformers: captions for a probing set that has none."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from cutaway.core.errors import MissingExtraError, ModelError
from cutaway.naming.image_text import STATISTICS

LONGEST = 30  # tokens of a caption


class Captioner:
    """A captioning model. `load` opens a folder as `save_pretrained` leaves it."""

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self.model, self.tokenizer = model.eval(), tokenizer
        self.side = int(model.config.vision_config.image_size)

    @classmethod
    def load(cls, folder: str) -> Captioner:
        """From a folder. Raises MissingExtraError without transformers, ModelError for a folder that holds none."""
        try:
            from transformers import AutoTokenizer, BlipForConditionalGeneration
        except ImportError:
            raise MissingExtraError("a captioner", "hub") from None
        try:
            model = BlipForConditionalGeneration.from_pretrained(folder, local_files_only=True)
            return cls(model, AutoTokenizer.from_pretrained(folder, local_files_only=True))
        except (OSError, ValueError) as fault:
            reason = str(fault).splitlines()[0] if str(fault) else type(fault).__name__
            raise ModelError(
                f"{Path(folder).name}: no BLIP ({reason}); expected a folder that save_pretrained wrote"
            ) from None

    @torch.no_grad()
    def captions(self, batches: Iterable[Tensor], longest: int = LONGEST) -> list[str]:
        """One caption a picture (in [0, 1], any size), chosen greedily: the same pictures, the same words."""
        mean, std = (torch.tensor(values)[:, None, None] for values in STATISTICS["clip"])
        found: list[str] = []
        for pictures in batches:
            sized = F.interpolate(pictures, (self.side, self.side), mode="bicubic", antialias=True).clamp(0, 1)
            tokens = self.model.generate(pixel_values=(sized - mean) / std, max_new_tokens=longest, do_sample=False)
            found += [text.strip() for text in self.tokenizer.batch_decode(tokens, skip_special_tokens=True)]
        return found
