"""CLIP, SigLIP and BLIP on tiny random models of the same classes, saved and loaded as real ones are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision_operators
from PIL import Image

from cutaway.core.errors import ModelError, OptionError
from cutaway.naming import fit_coupling, name_units
from cutaway.naming.captioner import Captioner
from cutaway.naming.encoders import TextEncoder, open_encoder
from cutaway.naming.image_text import ImageText
from cutaway.naming.looking import Looked, look
from cutaway.naming.probing import only_pictures, write_captions
from cutaway.naming.sentences import with_sentences

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
    assert Looked(images).cosines(["a red car", "a cat"], encoder).shape == (3, 2)
    np.testing.assert_allclose(np.linalg.norm(images, axis=1), 1, atol=1e-5)
    assert not np.allclose(texts[0], texts[1])


class Tower:
    """Texts and pictures in a space of three colours."""

    name = "tower"

    def encode(self, texts: Sequence[str], /) -> np.ndarray:
        return np.eye(3, dtype=np.float32)[[("red", "green", "blue").index(text) for text in texts]]

    def see(self, batches: Iterable[torch.Tensor], /) -> np.ndarray:
        found = torch.cat([pictures.mean((2, 3)) for pictures in batches]).numpy()
        return found / np.linalg.norm(found, axis=1, keepdims=True)


@pytest.mark.parametrize("method", [None, "correlation"])
def test_pictures_are_looked_at_where_there_are_no_captions(method: str | None) -> None:
    draw = np.random.default_rng(0)
    kinds = draw.integers(0, 3, 400)
    pictures = torch.from_numpy(0.2 * draw.random((400, 3, 4, 4))).float()
    pictures[range(400), kinds] += 0.8
    fired = np.stack([kinds == 2, kinds == 0, draw.random(400) < 0.5], axis=1) + draw.normal(0, 0.1, (400, 3))
    looked = look([pictures[:40], pictures[40:]], Tower())
    coupling = fit_coupling(fired, looked, Tower(), method=method)
    assert coupling.method == (method or "soft_wpmi")
    found = name_units(coupling, ["red", "green", "blue"])
    assert [unit.text for unit in found] == ["blue", "red", ""]
    assert with_sentences(coupling, found)[0].sentence == "It fires for blue."


def test_an_encoder_without_an_image_tower_cannot_look() -> None:
    with pytest.raises(OptionError, match=r'"shipped" sees no pictures; .*try --encoder hf:FOLDER'):
        look([torch.rand(1, 3, 8, 8)], open_encoder("shipped"))


def test_a_captioner_writes_a_caption_for_each_picture(tmp_path: Path) -> None:
    torch.manual_seed(0)
    text = {**TEXT, "max_position_embeddings": 40, "encoder_hidden_size": 16, "bos_token_id": 7, "eos_token_id": 2}
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
    for number in range(2):
        Image.new("RGB", (40, 30 + number)).save(tmp_path / f"{number}.png")
    write_captions(only_pictures(tmp_path), captioner, tmp_path / "captions.txt")
    lines = (tmp_path / "captions.txt").read_text().splitlines()
    assert [line.partition("\t")[0] for line in lines] == ["0.png", "1.png"]


def test_a_folder_that_holds_something_else_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="expected a folder that save_pretrained wrote"):
        open_encoder(f"hf:{tmp_path}")
    with pytest.raises(ModelError, match="no BLIP"):
        Captioner.load(str(tmp_path))
