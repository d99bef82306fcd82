"""An explanation says the same as the network does, section by section."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from explained_networks import LABELS, convolutions
from torch import nn

from cutaway.core.errors import LayerError, ModelError, OptionError, PictureError, TargetError
from cutaway.explain import explain
from cutaway.naming.names import Name, UnitNames
from cutaway.nets import Model, Preprocess
from cutaway.nets.zoo.bias_free_net import bias_free_net
from cutaway.report.schema import ExplanationData, UnitName
from cutaway.trace import edit

QUICK = {"steps": 2}


def test_it_explains_the_answer_against_the_runner_up(model, picture, found):
    first, second = model.predict(picture, k=2)
    assert (found.data.target.index, found.data.versus.index) == (first.index, second.index)
    assert found.data.target.probability == pytest.approx(first.probability)
    assert found.data.margin == pytest.approx(first.logit - second.logit, abs=1e-5)
    assert [score.label for score in found.data.predictions] == [each.label for each in model.predict(picture, k=5)]


def test_another_class_is_compared_with_the_best_of_the_others(model, picture):
    answer = model.predict(picture, k=1)[0]
    asked = "elk" if answer.label != "elk" else "ant"
    data = explain(model, picture, asked, **QUICK).data
    assert (data.target.label, data.versus.index) == (asked, answer.index)
    assert data.margin < 0
    data = explain(model, picture, "ant", "bee", **QUICK).data
    assert (data.target.label, data.versus.label) == ("ant", "bee")


def test_every_ablation_is_what_the_network_answers_without_the_channel(model, picture, found):
    """Measured again, one edit at a time."""
    channels = [*found.data.channels.arguing_for, *found.data.channels.arguing_against]
    assert channels
    pictures = model.prepare(picture)
    for channel in channels:
        with torch.no_grad(), edit(model, {channel.unit: 0.0}):
            logits = model(pictures)[0]
        margin = float(logits[found.data.target.index] - logits[found.data.versus.index])
        assert channel.ablation.margin == pytest.approx(margin, abs=1e-5)
        assert channel.ablation.change == pytest.approx(margin - found.data.margin, abs=1e-5)
        assert channel.ablation.prediction.index == int(logits.argmax())
        assert channel.ablation.target_probability == pytest.approx(float(logits.softmax(0)[found.data.target.index]))


def test_units_are_called_by_their_names_where_these_fit(model, picture, found):
    unit, other = (channel.unit for channel in found.data.channels.arguing_for[:2])
    fit = UnitNames(unit, (Name("a <b>red</b> wheel", 0.8, 0.001),), abstained=False, reason="")
    none = UnitNames(other, (Name("a leaf", 0.1, 0.4),), abstained=True, reason="nothing fits")
    named = explain(model, picture, names=[fit, none], **QUICK)
    assert named.data.names == {unit: UnitName(text="a <b>red</b> wheel", score=0.8)}
    assert ">a &lt;b&gt;red&lt;/b&gt; wheel</span></h4>" in named.html()
    assert named.data.model_copy(update={"names": {}}) == found.data


def test_names_of_another_layer_are_said_to_be(model, picture):
    elsewhere = UnitNames("stem:0", (Name("a leaf", 0.8, 0.001),), abstained=False, reason="")
    data = explain(model, picture, names=[elsewhere], **QUICK).data
    assert data.names == {}
    assert any(note.startswith("The names given are of stem; this explanation looks into ") for note in data.notes)


def test_below_a_linear_head_estimates_and_ablations_agree(found):
    """The sign is where it is easily wrong: what argues for the class, lowers the margin when it is gone."""
    assert all(channel.ablation.change < 0 for channel in found.data.channels.arguing_for)
    assert all(channel.ablation.change > 0 for channel in found.data.channels.arguing_against)
    assert found.data.channels.rank_correlation == pytest.approx(1)


def test_it_looks_into_the_deepest_grid_or_where_it_is_told(model, picture, found):
    assert found.data.channels.layer == found.data.dictionary.layer == found.data.grid.layer == "0.3"
    shallow = explain(model, picture, layer="0.1", **QUICK).data
    assert {shallow.channels.layer, shallow.dictionary.layer, shallow.grid.layer} == {"0.1"}
    assert shallow.provenance.settings["layer"] == "0.1"


def test_every_picture_that_the_data_names_is_there_and_no_other(found):
    def names(data):
        if isinstance(data, dict | list):
            for each in data.values() if isinstance(data, dict) else data:
                yield from names(each)
        elif isinstance(data, str) and data.endswith(".png"):
            yield data

    assert set(names(json.loads(found.json()))) == set(found.pictures)
    assert all(content.startswith(b"\x89PNG") for content in found.pictures.values())


def test_each_map_says_what_it_means_and_how_far_to_trust_it(found):
    methods = [shown.method for shown in found.data.maps]
    assert methods == ["grad_cam", "grad_cam", "occlusion", "integrated_gradients", "smoothgrad", "gradient"]
    assert all(shown.says and shown.trust for shown in found.data.maps)
    integrated = found.data.maps[3]
    assert integrated.relative_gap <= 0.05
    assert integrated.question == found.data.target.label
    assert found.data.maps[1].question == f"{found.data.target.label} rather than {found.data.versus.label}"


def test_the_dictionary_spells_every_place_and_shows_the_strongest(found):
    cells = found.data.dictionary.cells
    rows, columns = found.data.dictionary.grid
    assert len(cells) == rows * columns
    framed = [cell for cell in cells if cell.place]
    assert 1 <= len(framed) <= 6
    assert all(None not in cell.icons for cell in framed)
    assert max(framed, key=lambda cell: cell.strength).strength == 1


def test_twice_the_same_is_the_same_to_the_last_bit(model, picture, found, monkeypatch, tmp_path):
    monkeypatch.setenv("CUTAWAY_CACHE", str(tmp_path / "another"))
    again = explain(model, picture, **QUICK)
    assert again.json() == found.json()
    assert again.pictures == found.pictures
    other = explain(model, picture, seed=1, **QUICK)
    assert other.pictures != found.pictures


def test_the_json_reads_back_and_holds_no_date(found):
    assert ExplanationData.model_validate_json(found.json()) == found.data
    assert json.loads(found.json())["schema"] == "cutaway.explanation/1"


def test_provenance_is_enough_to_do_it_again(model, picture):
    data = explain(model, picture, seed=3, command="cutaway explain x.png --seed 3", **QUICK).data
    assert data.provenance.seed == 3
    assert data.provenance.command == "cutaway explain x.png --seed 3"
    assert data.model.weights_hash == model.weights_hash()
    assert data.provenance.settings["steps"] == 2
    assert data.picture.size == (40, 50)


def test_it_says_what_it_is_doing(model, picture):
    said: list[str] = []
    explain(model, picture, progress=said.append, **QUICK)
    assert said[0] == "attribution maps"
    assert said[-1] == "activation grid of 0.3"


def test_a_model_s_note_comes_first(picture):
    noted = Model(convolutions(), Preprocess(size=32), LABELS, note="Its weights are random.")
    assert explain(noted, picture, **QUICK).data.notes[0] == "Its weights are random."


def test_a_network_without_a_grid_is_explained_by_its_pixels(picture):
    torch.manual_seed(0)
    flat = nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 16, 8), nn.ReLU(), nn.Linear(8, 4))
    data = explain(Model(flat, Preprocess(size=16), name="flat"), picture, **QUICK).data
    assert (data.channels, data.dictionary, data.grid) == (None, None, None)
    assert [shown.method for shown in data.maps] == ["occlusion", "integrated_gradients", "smoothgrad", "gradient"]
    assert any("flat has no layer with channels over a grid of places" in note for note in data.notes)


def test_a_white_box_shows_what_each_pixel_gives_and_no_other_network_does(picture, found):
    torch.manual_seed(0)
    data = explain(Model(bias_free_net(4, (8, 8, 8)), Preprocess(size=32), name="white"), picture, **QUICK).data
    first = data.maps[0]
    assert (first.method, first.title) == ("dynamic_linear", "Contributions")
    assert first.relative_gap < 1e-4
    assert "dynamic_linear" not in [shown.method for shown in found.data.maps]


def test_a_single_score_is_compared_with_nothing(picture):
    data = explain(Model(convolutions(classes=1), Preprocess(size=32)), picture, **QUICK).data
    assert data.versus is None
    assert data.margin == data.target.logit
    assert data.target.probability == pytest.approx(1 / (1 + np.exp(-data.target.logit)))
    assert not any("rather" in shown.question for shown in data.maps)
    assert "occlusion" in [shown.method for shown in data.maps]
    for channel in data.channels.arguing_for:
        assert channel.ablation.margin == channel.ablation.target_logit


def test_a_network_of_grey_pictures_is_explained(picture):
    grey = Model(convolutions(channels=1), Preprocess(size=32, mean=(0.5,), std=(0.5,)), LABELS)
    data = explain(grey, picture, **QUICK).data
    assert data.model.input == (1, 32, 32)
    assert data.channels is not None


class Wrapped(nn.Module):
    """Answers a tuple, as networks with auxiliary heads do."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = convolutions()

    def forward(self, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        logits = self.inner(pictures)
        return logits, logits * 2


def test_tuples_as_outputs_are_handled(model, picture, found):
    wrapped = explain(Model(Wrapped(), model.preprocess, LABELS), picture, **QUICK).data
    assert wrapped.margin == pytest.approx(found.data.margin)
    assert wrapped.channels.layer == "inner.0.3"


class Rounds(nn.Module):
    """No gradient passes through its answer."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = convolutions()

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return (self.inner(pictures) * 1000).detach().round()


def test_maps_that_cannot_be_drawn_are_noted(picture):
    data = explain(Model(Rounds(), Preprocess(size=32), LABELS), picture, **QUICK).data
    assert [shown.method for shown in data.maps] == ["occlusion"]
    assert any(note.startswith("Integrated gradients could not be drawn: ") for note in data.notes)


def test_the_model_is_left_as_it_was(model, picture):
    model.module.train()
    before = {name: value.clone() for name, value in model.module.state_dict().items()}
    explain(model, picture, **QUICK)
    assert model.module.training
    assert all(torch.equal(value, before[name]) for name, value in model.module.state_dict().items())
    assert not any(layer._forward_hooks or layer._forward_pre_hooks for layer in model.module.modules())
    assert all(parameter.grad is None for parameter in model.module.parameters())


def test_what_can_be_mended_is_said(model, picture):
    with pytest.raises(TargetError, match='versus is the target itself, "ant"'):
        explain(model, picture, "ant", 0)
    with pytest.raises(PictureError, match="2 pictures were given; expected one"):
        explain(model, torch.rand(2, 3, 32, 32))
    with pytest.raises(LayerError, match='layer "3" of small has 5 channels but only one place'):
        explain(model, picture, layer="3")


def test_a_network_without_layers_is_refused(picture):
    class Bare(nn.Module):
        def forward(self, pictures: torch.Tensor) -> torch.Tensor:
            return pictures.mean(dim=(2, 3))

    with pytest.raises(ModelError, match=r"bare has no layers; expected a network made of submodules; try cut"):
        explain(Model(Bare(), Preprocess(size=32), name="bare"), picture)


def test_saving_writes_page_json_and_pictures(found, tmp_path):
    page = found.save(tmp_path / "deep" / "out")
    assert page == tmp_path / "deep" / "out" / "index.html"
    assert page.read_text().lstrip().lower().startswith("<!doctype html>")
    assert (page.parent / "explanation.json").read_text() == found.json()
    for name, content in found.pictures.items():
        assert (page.parent / name).read_bytes() == content
    kept = {str(path.relative_to(page.parent)) for path in page.parent.rglob("*") if path.is_file()}
    assert kept == {"index.html", "explanation.json", *found.pictures}  # nothing half written stays behind
    found.save(page.parent)  # again, over what is there


def test_a_folder_that_cannot_be_made_is_said(found, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OptionError, match=r"cannot write into .*file \(.*\); expected a folder that can be written"):
        found.save(tmp_path / "file")


def test_it_shows_itself_in_a_notebook_without_touching_it(found):
    shown = found._repr_html_()
    assert shown.startswith("<iframe")
    assert "sandbox=" in shown
    assert "allow-same-origin" not in shown


def test_hostile_names_are_text(picture, tmp_path):
    from PIL import Image

    labels = ['<script>alert("x")</script>', *LABELS[1:]]
    hostile = Model(convolutions(), Preprocess(size=32), labels, name="<b>net</b>")
    path = tmp_path / "<img src=x onerror=alert(1)>.png"
    Image.fromarray((picture.numpy().transpose(1, 2, 0) * 255).astype(np.uint8)).save(path)
    page = explain(hostile, path, 0, **QUICK).html()
    assert '<script>alert("x")' not in page
    assert "<img src=x" not in page
    assert "<b>net</b>" not in page
    assert "&lt;b&gt;net&lt;/b&gt;" in page
