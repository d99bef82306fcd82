"""Part networks: they learn what masks say, the same way every time, and read nothing but what they may."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from cutaway.construct import networks, ontology
from cutaway.construct.growing import settle, train, train_many
from cutaway.construct.leakage import leaks
from cutaway.construct.learning import best_threshold, learn
from cutaway.construct.lessons import Lesson
from cutaway.construct.lighting import light, summary, write
from cutaway.construct.networks import PartNet, Spec
from cutaway.construct.project import open_project
from cutaway.construct.tree import Recogniser, grown, maps, nothing, presence
from cutaway.core.errors import OptionError, ProjectError

SPEC = Spec(size=32, width=6, epochs=6)


def squares(count: int, seed: int) -> Lesson:
    """Red squares on noise in half of the pictures, green ones as rivals in all."""
    draw = torch.Generator().manual_seed(seed)
    pictures = (torch.rand(count, 3, 32, 32, generator=draw) * 120).to(torch.uint8)
    masks, rivals = torch.zeros(count, 32, 32), torch.zeros(count, 32, 32)
    for index in range(count):
        y, x = (int(v) for v in torch.randint(1, 6, (2,), generator=draw))
        pictures[index, 1, 4 * y : 4 * y + 8, 16:24] = 230
        rivals[index, 4 * y : 4 * y + 8, 16:24] = 1
        if index % 2:
            pictures[index, :, 4 * y : 4 * y + 8, 4 * x : 4 * x + 8] = torch.tensor([230, 20, 20])[:, None, None].byte()
            masks[index, 4 * y : 4 * y + 8, 4 * x : 4 * x + 8] = 1
    present = masks.flatten(1).any(dim=1)
    return Lesson(pictures, masks, rivals * (1 - masks), present, torch.ones(count, dtype=torch.bool))


def test_a_leaf_finds_what_its_masks_show() -> None:
    learned = learn(SPEC, squares(240, 0), squares(60, 1))
    fresh = squares(80, 2)
    with torch.no_grad():
        field = learned.net(fresh.inputs.float() / 255)
        fired = learned.net.presence(field) > learned.spec.threshold
    assert float((fired == fresh.present).float().mean()) > 0.95
    shown = fresh.present
    best = field[shown].flatten(1).argmax(dim=1, keepdim=True)
    assert float(fresh.masks[shown].flatten(1).gather(1, best).mean()) > 0.9
    assert learned.losses[-1] < learned.losses[0]


@pytest.mark.parametrize("threads", [1, 2])
def test_the_same_lesson_gives_the_same_weights(threads: int) -> None:
    spec, before = replace(SPEC, epochs=1), torch.get_num_threads()
    first = learn(spec, squares(60, 0), squares(40, 1)).net.state_dict()
    torch.set_num_threads(threads)
    torch.rand(3)  # somebody else's draws do not matter
    second = learn(spec, squares(60, 0), squares(40, 1)).net.state_dict()
    torch.set_num_threads(before)
    assert all(torch.equal(first[name], second[name]) for name in first)
    other = learn(replace(spec, seed=1), squares(60, 0), squares(40, 1)).net.state_dict()
    assert any(not torch.equal(first[name], other[name]) for name in first)


@pytest.mark.parametrize("changes", [{"head": "average"}, {"head": "linear"}, {"supervision": "crop"}])
def test_other_heads_and_crops_learn_too(changes: dict[str, str]) -> None:
    learned = learn(replace(SPEC, epochs=2, **changes), squares(60, 0), squares(40, 1))  # type: ignore[arg-type]
    assert learned.spec.head == changes.get("head", "max")
    assert torch.isfinite(learned.net.presence(learned.net(torch.rand(2, 3, 32, 32)))).all()


def test_the_head_can_be_switched_in_mid_training() -> None:
    learned = learn(replace(SPEC, head="average", epochs=3), squares(60, 0), squares(40, 1), switch=(1, "linear"))
    assert learned.spec.head == "linear"
    assert learned.net.head is not None
    moved = learned.net.head.weigh.weight.detach() - 1 / 64
    assert float(moved.abs().max()) > 0


def test_a_lesson_without_the_part_is_refused() -> None:
    empty = squares(40, 0).only(torch.arange(0, 40, 2))
    with pytest.raises(ProjectError, match="0 of 20 pictures of train show the part; expected some, not all"):
        learn(SPEC, empty, squares(40, 1))


def test_the_threshold_is_the_best_cut() -> None:
    import numpy as np

    draw = np.random.default_rng(0)
    there = draw.random(300) < 0.3
    scores = draw.normal(size=300) + 1.5 * there

    def balanced(cut: float) -> float:
        return float(((scores[there] > cut).mean() + (scores[~there] <= cut).mean()) / 2)

    best = max(balanced(cut) for cut in np.concatenate([scores - 1e-9, scores + 1e-9]))
    assert balanced(best_threshold(scores, there)) == pytest.approx(best)


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"form": "tree"}, OptionError),
        ({"head": "best"}, OptionError),
        ({"size": 30}, ProjectError),
        ({"kernel": 4}, ProjectError),
        ({"width": 0}, ProjectError),
        ({"form": "composed"}, ProjectError),
        ({"inputs": ("petal",)}, ProjectError),
    ],
)
def test_specs_that_cannot_be_are_refused(values: dict[str, object], error: type[Exception]) -> None:
    with pytest.raises(error):
        Spec(**values)  # type: ignore[arg-type]


def test_weights_come_back_from_their_file(tmp_path: Path) -> None:
    net = PartNet(SPEC).eval()
    networks.write(net, SPEC, tmp_path)
    again = networks.read(tmp_path)
    picture = torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        assert torch.allclose(net(picture), again(picture), atol=0.05)
    assert networks.read_spec(tmp_path) == SPEC
    with pytest.raises(ProjectError, match="expected at most 10"):
        networks.read(tmp_path, most=10)


def test_a_class_reads_its_childrens_maps_and_nothing_else(project: Path) -> None:
    tree = grown(open_project(project))
    pictures = (torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 255).to(torch.uint8)
    spec = tree.spec("daisy")
    whole = maps(tree, pictures, ["daisy"])
    known = {child: whole[child] for child in spec.inputs}
    blind = maps(tree, torch.zeros_like(pictures), ["daisy"], known=known)
    assert torch.equal(whole["daisy"], blind["daisy"])  # with its children's maps given, the pixels do not matter
    bare = maps(tree, pictures, ["daisy"], dict.fromkeys(spec.inputs, nothing))["daisy"]
    assert torch.equal(bare[0], bare[1])  # without them, all pictures are alike


def test_the_recogniser_is_the_tree_as_one_differentiable_network(project: Path) -> None:
    tree = grown(open_project(project))
    pictures = (torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 255).to(torch.uint8)
    net = Recogniser(tree, ["daisy", "round_petals"]).eval()
    inputs = (pictures.float() / 255).requires_grad_()
    scores = net(inputs)
    done = maps(tree, pictures, ["daisy", "round_petals"])
    slow = torch.stack([presence(tree, name, done[name]) for name in ("daisy", "round_petals")], dim=1)
    assert torch.allclose(scores, slow, atol=1e-4)
    scores.sum().backward()
    assert inputs.grad is not None
    assert float(inputs.grad.abs().sum()) > 0


def test_several_workers_train_to_the_same_weights(project: Path) -> None:
    names = ["bowed_stem", "round_petals"]
    before = {name: networks.hash_of(open_project(project).net(name)) for name in names}
    train_many(project, names, workers=2, report=lambda line: None)
    assert {name: networks.hash_of(open_project(project).net(name)) for name in names} == before


def test_nodes_that_are_trained_side_by_side_do_not_undo_each_others_files(project: Path) -> None:
    for name in ("bowed_stem", "round_petals"):
        before = open_project(project).ontology
        ontology.save(before.with_nodes(replace(before[name], status="proposed", net="")), project)
    first, second = open_project(project), open_project(project)  # both read before either writes
    settle(first, "bowed_stem")
    settle(second, "round_petals")
    after = open_project(project).ontology
    assert (after["bowed_stem"].status, after["round_petals"].status) == ("trained", "trained")


@pytest.mark.slow
def test_ray_trains_to_the_same_weights(project: Path) -> None:
    pytest.importorskip("ray", reason='needs pip install "cutaway[ray]"')
    names = ["bowed_stem", "round_petals"]
    before = {name: networks.hash_of(open_project(project).net(name)) for name in names}
    train_many(project, names, engine="ray", workers=2, report=lambda line: None)
    assert {name: networks.hash_of(open_project(project).net(name)) for name in names} == before


def test_a_class_without_trained_children_says_which(project: Path) -> None:
    (project / "nets" / "bowed_stem" / "spec.yaml").unlink()
    with pytest.raises(ProjectError, match='"bowed_stem" has no network; expected a trained node'):
        train(open_project(project), "poppy")


def test_the_tree_lights_up(project: Path, tmp_path: Path) -> None:
    lit = light(open_project(project), torch.rand(3, 40, 56, generator=torch.Generator().manual_seed(1)))
    assert lit.answer in ("daisy", "poppy")
    assert lit.scores[lit.answer] == max(lit.scores.values())
    assert {one.node for one in lit.lights} == {node.id for node in open_project(project).ontology}
    assert summary(lit).startswith(lit.answer)
    page = write(lit, tmp_path).read_text()
    assert "<script" not in page
    assert page.count("<img") == 1 + len(lit.scores) + sum(len(lit.children[name]) for name in lit.scores)


def test_leak_checks_have_a_row_for_every_child_and_class(project: Path) -> None:
    rows = leaks(open_project(project))
    assert {row["node"] for row in rows} == {"daisy", "poppy", "all classes"}
    assert sum(row["test"].startswith("without ") for row in rows) == 2 * (2 + 1)


def test_a_project_is_opened_by_its_path_as_text(project: Path) -> None:
    assert open_project(str(project)) == open_project(project)


def test_members_of_a_network_answer_with_the_mean_of_their_maps(tmp_path: Path) -> None:
    spec = replace(SPEC, epochs=2, members=2, seed=3)
    joined = learn(spec, squares(60, 0), squares(40, 1))
    alone = [learn(replace(spec, members=1, seed=seed), squares(60, 0), squares(40, 1)).net for seed in (3, 4)]
    pictures = squares(10, 2).inputs.float() / 255
    with torch.no_grad():
        mean = (alone[0](pictures) + alone[1](pictures)) / 2
        assert torch.allclose(joined.net(pictures), mean, atol=1e-5)
        networks.write(joined.net, joined.spec, tmp_path / "net")
        assert torch.allclose(networks.read(tmp_path / "net")(pictures), joined.net(pictures), atol=1e-6)
    assert len(joined.losses) == 2


@pytest.mark.parametrize(("reach", "seen"), [(2, 41), (3, 73)])
def test_a_leaf_of_more_reach_sees_further(reach: int, seen: int) -> None:
    net = PartNet(Spec(size=96, width=2, reach=reach)).eval()
    for weight in net.parameters():
        weight.data = weight.data.abs() + 0.01  # nothing cancels, and no place is switched off
    pictures = torch.full((1, 3, 96, 96), 0.9, requires_grad=True)
    net(pictures)[0, 0, 48, 48].backward()
    columns = torch.nonzero(pictures.grad[0].abs().sum(dim=(0, 1)))[:, 0]  # type: ignore[index]
    assert abs(int(columns.max() - columns.min()) + 1 - seen) <= 4


def test_networks_of_no_size_are_refused() -> None:
    with pytest.raises(ProjectError, match="2 members that reach 40 convolutions far; expected 1 to 16 and 1 to 5"):
        Spec(members=2, reach=40)
    with pytest.raises(ProjectError, match="expected 1 to 1024 each"):
        Spec(batch=0)
