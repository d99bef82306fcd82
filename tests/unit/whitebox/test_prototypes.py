"""Prototypes: likenesses written out, projection onto training patches, pruning, deformable parts."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
import torch.nn.functional as F

from cutaway.core.errors import DataError, OptionError, TargetError
from cutaway.whitebox import DeformablePrototypeLayer, PrototypeLayer
from cutaway.whitebox.deformable import sectors, windows
from cutaway.whitebox.projection import project, shared_with_others
from cutaway.whitebox.prototype_losses import cluster, dissimilarity, separation
from cutaway.whitebox.prototypes import Prototypes

DRAW = torch.Generator().manual_seed(0)
FEATURES = torch.rand(6, 5, 7, 7, generator=DRAW)
LABELS = torch.tensor([0, 1, 2, 0, 1, 2])


@pytest.mark.parametrize("side", [1, 2])
def test_likeness_is_the_log_ratio_of_the_squared_distance(side: int) -> None:
    layer = PrototypeLayer(5, 3, per_class=2, side=side)
    maps = layer.similarity_maps(FEATURES).detach()
    for n, p, y, x in [(0, 0, 0, 0), (5, 5, 3, 2), (2, 3, 5, 5)]:
        patch = FEATURES[n, :, y : y + side, x : x + side]
        distance = float((patch - layer.prototypes[p].detach()).square().sum())
        assert float(maps[n, p, y, x]) == pytest.approx(math.log((distance + 1) / (distance + 1e-4)), rel=1e-3)
    torch.testing.assert_close(layer(FEATURES).detach(), maps.amax((2, 3)))


def layers() -> list[Prototypes]:
    return [
        PrototypeLayer(5, 3, per_class=2),
        DeformablePrototypeLayer(5, 3, per_class=2, parts=4, reach=1),
        DeformablePrototypeLayer(5, 3, per_class=2, parts=6, reach=2, form="directions"),
    ]


@pytest.mark.parametrize("layer", layers(), ids=["plain", "anchors", "directions"])
def test_a_projected_prototype_is_a_patch_of_its_own_class(layer: Prototypes) -> None:
    batches = [(FEATURES[:4], LABELS[:4]), (FEATURES[4:], LABELS[4:])]
    sources = project(layer, torch.nn.Identity(), batches)
    maps = layer.similarity_maps(FEATURES)
    for prototype, source in enumerate(sources):
        assert int(LABELS[source.picture]) == source.label == int(layer.classes_of[prototype])
        there = float(maps[source.picture, prototype, source.place[0], source.place[1]].detach())
        highest = float(maps[:, prototype].detach().max())
        if isinstance(layer, PrototypeLayer) or layer.offsets(FEATURES).abs().max() == 0:
            assert there == pytest.approx(highest, rel=1e-4)  # a distance of 0
        assert there >= source.similarity - 1e-5  # becoming the patch never makes it less alike
    assert layer.sources == sources


def test_a_class_without_pictures_changes_nothing() -> None:
    layer = PrototypeLayer(5, 4)
    before = layer.prototypes.detach().clone()
    with pytest.raises(DataError, match="class 3 has no pictures; expected at least one picture of each of the 4"):
        project(layer, torch.nn.Identity(), [(FEATURES, LABELS)])
    assert torch.equal(layer.prototypes, before)
    with pytest.raises(DataError, match="there are no pictures to prune by"):
        shared_with_others(layer, torch.nn.Identity(), [])


def test_pruning_keeps_what_tells_classes_apart() -> None:
    features = 0.05 * torch.rand(12, 3, 4, 4, generator=DRAW)
    labels = torch.arange(12) % 2
    features[labels == 0, 0, 1, 1] = 1.0  # class 0 has a bright first channel somewhere, class 1 a second one
    features[labels == 1, 1, 2, 2] = 1.0
    layer = PrototypeLayer(3, 2, per_class=2)
    layer.prototypes.data = torch.tensor([[1.0, 0, 0], [0, 0, 0], [0, 1.0, 0], [0, 0, 0]])[:, :, None, None]
    shared = shared_with_others(layer, torch.nn.Identity(), [(features, labels)], nearest=6, own_at_least=6)
    assert shared.tolist() == [False, True, False, True]
    layer.prune(~shared)
    assert layer.classes_of.tolist() == [0, 1]
    assert layer(features).shape == (12, 2)
    with pytest.raises(OptionError, match="class 1 would have no prototype left"):
        layer.prune(torch.tensor([True, False]))


def test_losses_are_those_of_the_paper() -> None:
    similarities = torch.tensor([[3.0, 1.0, 2.0, 5.0], [0.5, 4.0, 2.0, 1.0]])
    labels, classes_of = torch.tensor([0, 1]), torch.tensor([0, 0, 1, 1])
    assert float(cluster(similarities, labels, classes_of)) == pytest.approx(-(3 + 2) / 2)
    assert float(separation(similarities, labels, classes_of)) == pytest.approx((5 + 4) / 2)
    apart = torch.full((1, 4, 2, 2), -50.0)
    apart[0, 0, 0, 0] = apart[0, 1, 1, 1] = 50.0
    together = torch.full((1, 4, 2, 2), -50.0)
    together[0, :, 0, 0] = 50.0
    own = torch.tensor([0])
    maps = torch.full((4, 2, 2), 0.2)
    maps[0, 0, 0] = maps[1, 1, 1] = 0.7
    assert float(dissimilarity(apart, own, classes_of)) == pytest.approx(0, abs=1e-6)
    assert float(dissimilarity(together, own, classes_of)) == pytest.approx(1)
    sharp = torch.softmax(maps.flatten(1) / 0.1, dim=1)
    expected = float(F.cosine_similarity(sharp[0], sharp[1], dim=0))
    assert float(dissimilarity(maps[None], own, classes_of, 0.1)) == pytest.approx(expected, rel=1e-4)
    assert expected < 0.1 < float(dissimilarity(maps[None], own, classes_of))  # cosines apart: nearly even at 1
    with pytest.raises(OptionError, match=r"temperature is 0\.0; expected a number above 0"):
        dissimilarity(maps[None], own, classes_of, 0.0)
    with pytest.raises(TargetError, match="labels are 0 to 7; expected indices 0 to 1"):
        cluster(similarities, torch.tensor([0, 7]), classes_of)


@pytest.mark.parametrize("form", ["anchors", "directions"])
def test_a_deformable_likeness_written_out(form: str) -> None:
    layer = DeformablePrototypeLayer(5, 3, per_class=1, parts=4, reach=1, spacing=2, stiffness=0.1, form=form)  # type: ignore[arg-type]
    maps = layer.similarity_maps(FEATURES).detach()
    radius = layer.allowed.shape[-1] // 2
    for n, p, y, x in [(0, 0, 3, 3), (4, 2, 0, 6)]:
        total = 0.0
        for part in range(4):
            best = -math.inf
            for dy, dx in itertools.product(range(-radius, radius + 1), repeat=2):
                if not layer.allowed[part, dy + radius, dx + radius]:
                    continue
                inside = 0 <= y + dy < 7 and 0 <= x + dx < 7
                vector = layer.vectors[p, part].detach()
                cosine = float(F.cosine_similarity(FEATURES[n, :, y + dy, x + dx], vector, dim=0)) if inside else -1.0
                best = max(best, cosine - float(layer.cost[part, dy + radius, dx + radius]))
            total += best
        assert float(maps[n, p, y, x]) == pytest.approx(total / 4, abs=1e-5)


def test_offsets_find_planted_parts_within_their_bounds() -> None:
    layer = DeformablePrototypeLayer(4, 1, per_class=1, parts=4, reach=1, spacing=2, stiffness=0.01)
    layer.vectors.data = torch.eye(4)[None]
    features = torch.zeros(1, 4, 9, 9)
    planted = [(-1, -1), (-2, 1), (1, -1), (2, 2)]  # anchors at (+-1, +-1), moved by (0,0), (-1,0), (0,0), (1,1)
    for part, (dy, dx) in enumerate(planted):
        features[0, part, 4 + dy, 4 + dx] = 1.0
    assert layer.places(features)[0, 0].tolist() == [4, 4]
    assert layer.offsets(features)[0, 0].tolist() == [list(move) for move in planted]


def test_sectors_share_out_the_disc_and_windows_stay_within_reach() -> None:
    allowed, _ = sectors(8, 3)
    radius = allowed.shape[-1] // 2
    covered = allowed.sum(0)
    assert int(covered[radius, radius]) == 8
    around = covered.clone()
    around[radius, radius] = 1
    assert int(around.max()) == 1  # every other place of the disc is in one sector
    assert bool(allowed[0, radius, radius + 1])  # the first looks to the right
    assert bool(allowed[2, radius + 1, radius])  # and then clockwise: the third down
    allowed, cost = windows(9, 1, 2)
    assert allowed.flatten(1).sum(1).tolist() == [9] * 9
    assert float(cost[allowed].max()) == 2


def test_the_sectors_of_a_ring_keep_away_from_the_centre() -> None:
    allowed, _ = sectors(4, 3, inner=2)
    for part in range(4):
        for y, x in (allowed[part].nonzero() - 3).tolist():
            assert 2 <= math.hypot(y, x) <= 3.5
            degrees = math.degrees(math.atan2(y, x)) - 90 * part
            assert abs((degrees + 180) % 360 - 180) <= 45 + 1e-6
    assert int(allowed.sum(0).max()) == 1
    with pytest.raises(OptionError, match="inner is 4 for 4 sectors of reach 3; expected a number of at least 0"):
        DeformablePrototypeLayer(5, 3, reach=3, inner=4, form="directions")
    with pytest.raises(OptionError, match="inner is -1"):
        sectors(4, 3, -1)


def test_gradients_and_bad_options() -> None:
    layer = DeformablePrototypeLayer(5, 3, per_class=1).double()
    assert torch.autograd.gradcheck(layer, (FEATURES[:1, :, :3, :3].double().requires_grad_(),))
    with pytest.raises(OptionError, match="reach is 0; expected at least 1 places for directions; try reach=2"):
        DeformablePrototypeLayer(5, 3, reach=0, form="directions")
    with pytest.raises(OptionError, match=r"stiffness is -1\.0; expected a number of at least 0"):
        DeformablePrototypeLayer(5, 3, stiffness=-1.0)
    with pytest.raises(OptionError, match="per_class is 0; expected a whole number of at least 1"):
        PrototypeLayer(5, 3, per_class=0)


@pytest.mark.parametrize("form", ["anchors", "directions"])
def test_likeness_is_that_of_the_moves_that_are_told(form: str) -> None:
    layer = DeformablePrototypeLayer(6, 2, 3, parts=3, reach=2, form=form, seed=1)  # type: ignore[arg-type]
    features = torch.randn(2, 6, 5, 7, generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(layer.similarity_maps(features), layer.matched(features)[0].mean(2))
