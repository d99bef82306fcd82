"""CLIP, SigLIP and BLIP on tiny random models of the same classes, saved and loaded as real ones are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision_operators

from cutaway.core.errors import ModelError
from cutaway.naming.captioner import Captioner
from cutaway.naming.encoders import TextEncoder, open_encoder
from cutaway.naming.image_text import ImageText, cosines

torchvision_operators.declare()
transformers = pytest.importorskip("transformers")

TEXT = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 1, "num_attention_heads": 2, "vocab_size": 40}
VISION = {
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "image_size": 32,
}


def tokenizer() -> Any:
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace

    words = {word: i for i, word in enumerate(["[PAD]", "[UNK]", "[EOS]", "red", "car", "a", "cat", "bos"])}
    plain = Tokenizer(WordLevel(words, unk_token="[UNK]"))
    plain.pre_tokenizer = Whitespace()
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=plain, pad_token="[PAD]", unk_token="[UNK]", eos_token="[EOS]"
    )


@pytest.mark.parametrize("kind", ["CLIP", "Siglip"])
def test_texts_and_pictures_meet_in_one_space(kind: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    more = {"projection_dim": 8} if kind == "CLIP" else {}
    text = {**TEXT, "max_position_embeddings": 12, **more, "eos_token_id": 2, "pad_token_id": 0, "bos_token_id": 7}
    text |= {"projection_size": 16} if kind == "Siglip" else {}
    config = getattr(transformers, f"{kind}Config")(
        text_config=text, vision_config={**VISION, "patch_size": 16, **more}, **more
    )
    model = getattr(transformers, f"{kind}Model")(config)
    model.save_pretrained(tmp_path)
    tokenizer().save_pretrained(tmp_path)
    encoder = open_encoder(f"hf:{tmp_path}")
    assert isinstance(encoder, ImageText)
    assert isinstance(encoder, TextEncoder)
    texts = encoder.encode(["a red car", "a cat"])
    images = encoder.see([torch.rand(2, 3, 50, 40), torch.rand(1, 3, 32, 32)])
    assert cosines(images, texts).shape == (3, 2)
    np.testing.assert_allclose(np.linalg.norm(images, axis=1), 1, atol=1e-5)
    assert not np.allclose(texts[0], texts[1])


def test_a_captioner_writes_a_caption_for_each_picture(tmp_path: Path) -> None:
    torch.manual_seed(0)
    text = {**TEXT, "max_position_embeddings": 20, "encoder_hidden_size": 16, "bos_token_id": 7, "eos_token_id": 2}
    text |= {"sep_token_id": 2, "pad_token_id": 0, "projection_dim": 8}
    config = transformers.BlipConfig(
        text_config=text, vision_config={**VISION, "patch_size": 16, "projection_dim": 8}, projection_dim=8
    )
    transformers.BlipForConditionalGeneration(config).save_pretrained(tmp_path)
    tokenizer().save_pretrained(tmp_path)
    captioner = Captioner.load(str(tmp_path))
    pictures = torch.rand(3, 3, 40, 40)
    found = captioner.captions([pictures], longest=4)
    assert len(found) == 3
    assert found == captioner.captions([pictures[:2], pictures[2:]], longest=4)


def test_a_folder_that_holds_something_else_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="expected a folder that save_pretrained wrote"):
        open_encoder(f"hf:{tmp_path}")
    with pytest.raises(ModelError, match="no BLIP"):
        Captioner.load(str(tmp_path))
