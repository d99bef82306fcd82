"""Beginnings of prototypes: prominence written out, planted patches are found, kinds of prototypes, errors."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from cutaway.core.errors import DataError, OptionError
from cutaway.whitebox import DeformablePrototypeLayer, PrototypeLayer
from cutaway.whitebox.prominence import begin, patch_worth, prominence
from cutaway.whitebox.prototypes import Prototypes

LABELS = torch.arange(8) % 2


def planted(seed: int = 0) -> torch.Tensor:
    """Two classes, nearly even pictures; each has a spot of its own channel, and all have one spot of a third."""
    draw = torch.Generator().manual_seed(seed)
    features = 0.05 * torch.rand(8, 4, 9, 9, generator=draw)
    features[:, 3] += 1.0
    for picture, label in enumerate(LABELS.tolist()):
        features[picture, :, 2 + picture % 3, 4] = torch.eye(4)[label] + 0.05
        features[picture, :, 7, 1] = torch.eye(4)[2] + 0.05
    return F.normalize(features, dim=1)


def test_prominence_is_the_highest_value_less_the_mean() -> None:
    maps = torch.tensor([[[[0.0, 1.0], [0.0, 0.0]], [[0.5, 0.5], [0.5, 0.5]]]])
    assert prominence(maps).tolist() == [[0.75, 0.0]]


def test_the_worth_of_a_patch_written_out() -> None:
    features = torch.randn(5, 4, 3, 2, generator=torch.Generator().manual_seed(1))
    worth = patch_worth(features, nearest=2)
    for n, y, x in [(0, 0, 0), (4, 2, 1), (2, 1, 1)]:
        found = []
        for other in range(5):
            cosines = [
                float(F.cosine_similarity(features[n, :, y, x], features[other, :, v, u], dim=0))
                for v in range(3)
                for u in range(2)
            ]
            found.append((max(cosines), max(cosines) - sum(cosines) / 6))
        best = sorted(found, reverse=True)[:2]
        assert float(worth[n, y, x]) == pytest.approx((best[0][1] + best[1][1]) / 2, abs=1e-5)


def test_what_a_class_has_and_others_have_not_is_where_prototypes_begin() -> None:
    layer = PrototypeLayer(4, 2, per_class=1)
    begin(layer, planted(), LABELS, pool=20, distinct=0.8, nearest=4)
    assert layer.prototypes.detach()[:, :, 0, 0].argmax(1).tolist() == [0, 1]  # and not the third spot, which all have


def kinds() -> list[Prototypes]:
    return [
        PrototypeLayer(4, 2, 3),
        DeformablePrototypeLayer(4, 2, 3, parts=2),
        DeformablePrototypeLayer(4, 2, 3, parts=4, reach=3, inner=2, form="directions"),
    ]


@pytest.mark.parametrize("layer", kinds(), ids=["plain", "anchors", "directions"])
def test_prototypes_begin_as_patches_where_their_parts_may_lie(layer: Prototypes) -> None:
    features = planted()
    begin(layer, features, LABELS, pool=20, distinct=0.8, nearest=4)
    likeness = layer.similarity_maps(features).detach().amax((2, 3))
    exact = 1.0 if isinstance(layer, DeformablePrototypeLayer) else float(torch.log(torch.tensor(1 / 1e-4)))
    own = likeness.masked_fill(LABELS[:, None] != layer.classes_of[None], -torch.inf).amax(0)
    assert own.tolist() == pytest.approx([exact] * 6, abs=0.02)
    assert layer.values().requires_grad


@pytest.mark.parametrize("layer", kinds(), ids=["plain", "anchors", "directions"])
def test_candidates_are_in_the_order_of_their_worth(layer: Prototypes) -> None:
    features, worth = planted(), torch.rand(8, 9, 9, generator=torch.Generator().manual_seed(3))
    found = layer.candidates(features, worth, 5)
    assert found.shape == (5, *layer.values().shape[1:])
    assert len(layer.candidates(features[:1], worth[:1], 1000)) == 81  # as many as there are
    if isinstance(layer, PrototypeLayer):
        n, y, x = (int(each) for each in torch.unravel_index(worth.argmax(), worth.shape))
        assert torch.equal(found[0, :, 0, 0], features[n, :, y, x])
    else:
        assert isinstance(layer, DeformablePrototypeLayer)
        parts = layer.vectors.shape[1]
        best, _ = layer.search(worth[:, None, None].expand(-1, 1, parts, -1, -1))
        n, y, x = (int(each) for each in torch.unravel_index(best.mean((1, 2)).argmax(), worth.shape))
        for part in range(parts):  # the worthiest of the part's own places, one by one
            radius, chosen = layer.allowed.shape[-1] // 2, (-torch.inf, 0, 0)
            for dy, dx in (layer.allowed[part].nonzero() - radius).tolist():
                if 0 <= y + dy < 9 and 0 <= x + dx < 9:
                    cost = float(layer.cost[part, dy + radius, dx + radius])
                    chosen = max(chosen, (float(worth[n, y + dy, x + dx]) - cost, y + dy, x + dx))
            assert torch.equal(found[0, part], features[n, :, chosen[1], chosen[2]])


def test_a_class_without_pictures_and_bad_options() -> None:
    with pytest.raises(DataError, match="class 2 has no pictures; expected at least one picture of each of the 3"):
        begin(PrototypeLayer(4, 3, 1), planted(), LABELS, pool=50, distinct=0.8)
    with pytest.raises(OptionError, match="pool is 0; expected a whole number of at least 1"):
        begin(PrototypeLayer(4, 2, 1), planted(), LABELS, pool=0, distinct=0.8)
