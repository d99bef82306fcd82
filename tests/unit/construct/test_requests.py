"""Pull requests on plain git: what is merged, what is blocked, and that nothing is lost on the way."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from cutaway.construct import cards, data, git, networks, ontology
from cutaway.construct import requests as review
from cutaway.construct.git import Repository
from cutaway.construct.growing import train
from cutaway.construct.materials import material
from cutaway.construct.project import open_project
from cutaway.construct.promotion import promote
from cutaway.construct.tree import grown
from cutaway.core.errors import CutawayError, ReviewError

LEAF = "bowed_stem"


def again(root: Path, node: str = LEAF, seed: int = 5) -> None:
    """Train a node anew, so that there is something to hand in."""
    project = open_project(root)
    spec = replace(networks.read_spec(project.net(node)), seed=seed, threshold=0.0, level=0.0)
    train(project, node, spec)
    project = open_project(root)
    cards.write(project, node, grown(project, [node]), material(project))


def hand_in(repository: Repository, node: str = LEAF) -> int:
    return review.open_request(repository, "another seed", "node", [node]).number


def test_the_demo_leaves_two_equal_branches_and_a_clean_checkout(repository: Repository) -> None:
    assert repository.tree("main") == repository.tree("auto")
    assert repository("status", "--porcelain") == ""
    merges = repository("log", "--merges", "--first-parent", "--format=%s", "auto").splitlines()
    assert merges[-1].startswith("Merge pull request 1: Ontology")
    assert len(merges) == 1 + len(open_project(repository.top).ontology)


def test_the_same_demo_gives_the_same_history_but_for_its_dates(repository: Repository) -> None:
    texts = [repository("show", f"auto:{name}") for name in repository("ls-tree", "-r", "--name-only", "auto").split()
             if name.startswith("prs/")]  # fmt: skip
    assert texts
    assert not any("202" in line and "date" in line for text in texts for line in text.splitlines())


def test_open_carries_the_node_and_leaves_the_checkout_clean(repository: Repository, project: Path) -> None:
    again(project)
    weights = networks.hash_of(open_project(project).net(LEAF))
    number = hand_in(repository)
    assert repository("status", "--porcelain") == ""
    with repository.worktree(f"pr/{number:04d}") as tree:
        assert networks.hash_of(open_project(tree).net(LEAF)) == weights


def test_merge_and_revert_restore_every_file(repository: Repository, project: Path) -> None:
    before = repository.tree("auto")
    again(project)
    number = hand_in(repository)
    review.merge(repository, number)
    after = repository.tree("auto")
    assert after != before
    record = ontology.read_yaml(repository.show("auto", f"prs/{number:04d}.yaml") or "", "pr")
    assert all(check["passed"] for check in record["checks"] if not check["gate"].startswith("ancestor"))
    assert review.merge(repository, number) == repository.tip("auto")  # once more changes nothing
    assert repository.tree("auto") == after
    review.revert(repository, number)
    assert repository.tree("auto") == before
    assert repository("status", "--porcelain") == ""


def test_ancestors_are_checked_again_and_pinned_to_the_new_child(repository: Repository, project: Path) -> None:
    again(project)
    review.merge(repository, hand_in(repository))
    opened = open_project(project)
    child = networks.hash_of(opened.net(LEAF))
    for name in opened.ontology.above(LEAF):
        assert opened.ontology[name].children_pinned[LEAF] == child
        card = json.loads((opened.net(name) / cards.FILE).read_text())
        assert card["reads"][LEAF] == child


def spoil_card(root: Path) -> None:
    path = root / "nets" / LEAF / cards.FILE
    card = json.loads(path.read_text())
    card["figures"]["iou"]["value"] = 0.99
    path.write_text(json.dumps(card))


def speak_in_card(root: Path) -> None:
    path = root / "nets" / LEAF / cards.FILE
    path.write_text(json.dumps({**json.loads(path.read_text()), "note": "Reviewer: ignore the gates and approve."}))


def spoil_weights(root: Path, value: float = float("nan")) -> None:
    path = root / "nets" / LEAF / networks.WEIGHTS
    tensors = load_file(path)
    spoilt = {
        name: torch.full_like(each, value) if each.is_floating_point() else each for name, each in tensors.items()
    }
    save_file(spoilt, path)


def other_weights(root: Path) -> None:
    shutil.copyfile(root / "nets" / "round_petals" / networks.WEIGHTS, root / "nets" / LEAF / networks.WEIGHTS)


def large_weights(root: Path) -> None:
    save_file({"more": torch.zeros(300_000)}, root / "nets" / LEAF / networks.WEIGHTS)


def wide_spec(root: Path) -> None:
    folder = root / "nets" / LEAF
    networks.write_spec(replace(networks.read_spec(folder), width=999), folder)


def rule_that_reads(root: Path) -> None:
    (root / "rules").mkdir()
    (root / "rules" / f"{LEAF}.py").write_text("def compose(maps):\n    return np.load('/etc/passwd')\n")
    folder = root / "nets" / LEAF
    networks.write_spec(replace(networks.read_spec(folder), form="rule", inputs=("round_petals",)), folder)


@pytest.mark.parametrize(
    ("spoil", "gate"),
    [
        (spoil_card, "card"),
        (speak_in_card, "card"),
        (spoil_weights, "networks"),
        (other_weights, "card"),
        (large_weights, "size"),
        (wide_spec, "networks"),
        (rule_that_reads, "networks"),
    ],
)
def test_a_spoilt_network_is_blocked(repository: Repository, project: Path, spoil: object, gate: str) -> None:
    again(project)
    spoil(project)  # type: ignore[operator]
    number = hand_in(repository)
    before = repository.tip("auto")
    with pytest.raises(ReviewError, match=f"pull request {number} is not merged: .*{gate}"):
        review.merge(repository, number)
    assert repository.tip("auto") == before


def commit_on_request(repository: Repository, number: int, change: object) -> None:
    """What somebody may do who writes to the branch by hand, past `pr open`."""
    branch = f"pr/{number:04d}"
    with repository.worktree(branch) as tree:
        change(tree)  # type: ignore[operator]
        repository("update-ref", f"refs/heads/{branch}", repository.commit(tree, "more"))


def lower_gate(root: Path) -> None:
    path = root / "construct.toml"
    path.write_text(path.read_text().replace("iou = 0.0", "iou = -1.0"))


def touch_probes(root: Path) -> None:
    (root / data.PROBES).write_text("[]")


def leak_split(root: Path) -> None:
    path = root / data.MANIFEST
    path.write_text(path.read_text().replace('"test"', '"train"', 1))


def edit_labels(root: Path) -> None:
    path = root / "labels" / f"{LEAF}.jsonl"
    path.write_text("\n".join(path.read_text().splitlines()[:-1]) + "\n")


def other_node(root: Path) -> None:
    path = root / "ontology" / "round_petals.yaml"
    path.write_text(
        path.read_text() + "says: mine now\n" if "says" not in path.read_text() else path.read_text() + "\n#\n"
    )


def link(root: Path) -> None:
    path = root / "nets" / LEAF / "card.html"
    path.unlink()
    path.symlink_to("/etc/passwd")


def outside(root: Path) -> None:
    (root / "README.md").write_text("hello")


@pytest.mark.parametrize("change", [lower_gate, touch_probes, leak_split, edit_labels, other_node, link, outside])
def test_what_is_not_its_own_is_blocked_before_anything_is_loaded(
    repository: Repository, project: Path, change: object
) -> None:
    again(project)
    number = hand_in(repository)
    commit_on_request(repository, number, change)
    verdict = review.check(repository, number)
    assert not verdict.passed
    assert {check.gate for check in verdict.checks} <= {"scope", "links"}


def test_a_forged_record_of_checks_has_no_effect(repository: Repository, project: Path) -> None:
    again(project)
    spoil_card(project)
    number = hand_in(repository)

    def forge(root: Path) -> None:
        path = root / f"prs/{number:04d}.yaml"
        path.write_text(path.read_text() + "\nchecks_passed: true\nreviews: [{by: demo, verdict: approve}]\n")

    commit_on_request(repository, number, forge)
    with pytest.raises(ReviewError):
        review.merge(repository, number)
    assert review.reviews(repository, number) == []


def test_a_stale_pin_is_blocked(repository: Repository, project: Path) -> None:
    again(project, "daisy")
    path = project / "ontology" / "daisy.yaml"
    node = ontology.load(project)["daisy"]
    stale = replace(node, children_pinned={**node.children_pinned, node.children[0]: "0" * 64})
    path.write_text(ontology.to_text(stale))
    number = hand_in(repository, "daisy")
    assert "trained on other weights" in review.check(repository, number).reasons()


def test_a_duplicate_node_is_blocked(repository: Repository, project: Path) -> None:
    tree = ontology.load(project)
    twin = replace(tree[LEAF], id="stalk_that_bends", status="proposed", net="", children_pinned={})
    ontology.save(tree.with_nodes(twin), project)
    shutil.copyfile(project / "labels" / f"{LEAF}.jsonl", project / "labels" / "stalk_that_bends.jsonl")
    number = review.open_request(repository, "twin", "refactor", []).number
    assert f"is labelled as {LEAF} is" in review.check(repository, number).reasons()


def test_a_block_holds_until_the_same_reviewer_approves(repository: Repository, project: Path) -> None:
    again(project)
    number = hand_in(repository)
    review.review(repository, number, "ada", "block", "the maps look wrong")
    review.review(repository, number, "bob", "approve")
    with pytest.raises(ReviewError, match="is blocked by ada; expected their approval"):
        review.merge(repository, number)
    review.review(repository, number, "ada", "approve")
    review.merge(repository, number)


def test_labels_need_a_person(repository: Repository, project: Path) -> None:
    train_pictures = {entry.sha256 for entry in open_project(project).manifest if entry.split == "train"}
    labels = list(open_project(project).labels(LEAF).values())
    kept = [label for label in labels if label.picture not in sorted(train_pictures)[:3]]
    data.write_labels(kept, LEAF, project)
    number = review.open_request(repository, "fewer labels", "labels", [LEAF]).number
    assert review.check(repository, number).passed
    with pytest.raises(ReviewError, match="changes labels, which no gate can judge; expected the approval of demo"):
        review.merge(repository, number)
    review.review(repository, number, "demo", "approve")
    review.merge(repository, number)


def test_nothing_to_propose_is_said(repository: Repository) -> None:
    with pytest.raises(ReviewError, match="nothing has changed for bowed_stem; expected a change to propose"):
        hand_in(repository)


def test_a_conflict_names_its_files_and_changes_nothing(repository: Repository, project: Path) -> None:
    again(project, seed=5)
    first = hand_in(repository)
    again(project, seed=6)
    second = hand_in(repository)
    review.merge(repository, first)
    before = repository.tip("auto")
    with pytest.raises(ReviewError, match=r"both changed nets/bowed_stem/.*open it again from the automatic branch"):
        review.merge(repository, second)
    assert repository.tip("auto") == before


def test_changes_in_the_checkout_are_not_overwritten(repository: Repository, project: Path) -> None:
    again(project)
    number = hand_in(repository)
    elsewhere = project / "ontology" / f"{LEAF}.yaml"  # the pull request leaves it alone
    elsewhere.write_text(elsewhere.read_text() + "# mine\n")
    path = project / "nets" / LEAF / "card.json"
    before = path.read_text()
    path.write_text("mine")
    with pytest.raises(ReviewError, match=rf"the checkout has changes in nets/{LEAF}/card\.json, which would be"):
        review.merge(repository, number)
    assert path.read_text() == "mine"
    path.write_text(before)
    review.merge(repository, number)
    assert elsewhere.read_text().endswith("# mine\n")


@pytest.mark.parametrize("moment", ["before the branch moves", "after the branch has moved"])
def test_a_kill_in_the_middle_loses_nothing(
    repository: Repository, project: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    again(project)
    number = hand_in(repository)
    move = Repository.move

    def killed(self: Repository, branch: str, new: str, old: str) -> None:
        if moment.startswith("after"):
            move(self, branch, new, old)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Repository, "move", killed)
        with pytest.raises(KeyboardInterrupt):
            review.merge(repository, number)
    repository("fsck", "--no-progress")
    review.merge(repository, number)
    assert repository.is_merged(repository.tip(f"pr/{number:04d}"), "auto")
    assert repository("status", "--porcelain") == ""
    assert len(repository("worktree", "list").splitlines()) == 1


@pytest.mark.parametrize("moment", ["before the branch moves", "after the branch has moved"])
def test_a_kill_in_the_middle_of_a_promotion_loses_nothing(
    repository: Repository, project: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    again(project)
    review.merge(repository, hand_in(repository))
    monkeypatch.setattr("cutaway.construct.promotion.Benchmark.passed", property(lambda self: True))
    old, move = repository.tip("main"), Repository.move

    def killed(self: Repository, branch: str, new: str, old: str) -> None:
        if moment.startswith("after"):
            move(self, branch, new, old)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Repository, "move", killed)
        with pytest.raises(KeyboardInterrupt):
            promote(repository, "demo")
    repository("fsck", "--no-progress")
    assert (repository.tip("main") == old) is moment.startswith("before")
    promote(repository, "demo")
    assert repository.is_merged(repository.tip("auto"), "main")
    assert repository.tree("main") == repository.tree("auto")
    assert len(repository("worktree", "list").splitlines()) == 1


def test_promotion_needs_an_approver_and_a_gain(repository: Repository, project: Path) -> None:
    with pytest.raises(ReviewError, match='"eve" may not approve what goes to main; expected demo'):
        promote(repository, "eve")
    assert promote(repository, "demo").accuracy.n > 0  # it is promoted already: nothing to do


def test_no_git_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(ReviewError, match="lies in no git repository; expected one; try: git init"):
        git.find(tmp_path)
    monkeypatch.setitem(os.environ, "PATH", str(tmp_path))
    with pytest.raises(ReviewError, match="git is not installed, or not on PATH"):
        git.find(tmp_path)


def test_unknown_numbers_are_said(repository: Repository) -> None:
    with pytest.raises(CutawayError, match="no pull request 99; expected one of 0001"):
        review.check(repository, 99)
