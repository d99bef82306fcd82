"""The gallery of gradients: what is drawn, that it is safe to open, and the verb that writes it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from typer.testing import CliRunner

from cutaway.cli.main import app
from cutaway.core.errors import DataError
from cutaway.core.seeds import generator
from cutaway.metrics.gallery import as_picture, filters, legibility_page, toward
from cutaway.metrics.slopes import held_gradient
from cutaway.nets import Model
from cutaway.nets.preprocess import Preprocess
from cutaway.nets.zoo.bias_free_net import bias_free_net

LABELS = ["cat", "dog", "<script>"]


@pytest.fixture
def model() -> Model:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = bias_free_net(3, (4, 6), 3)
    return Model(module, Preprocess(8, (0.5,) * 3, (0.25,) * 3), LABELS, name="a network")


PICTURES = torch.rand(2, 3, 8, 8, generator=generator(0))


def test_gradients_are_toward_the_named_class_and_the_strongest_other(model: Model) -> None:
    first, second = toward(model, PICTURES, [2, 0])
    with torch.no_grad():
        answers = model(PICTURES)
    assert first.classes[0] == 2
    assert first.classes[1] == int(answers[0, :2].argmax())
    for index, one in enumerate((first, second)):
        expected = held_gradient(model, PICTURES[index : index + 1], torch.tensor([one.classes[0]]))[0]
        torch.testing.assert_close(one.slopes[0], expected)
        assert float(one.shares.sum()) == pytest.approx(float(answers[index, one.classes[0]]), rel=1e-3)


def test_without_labels_the_answer_is_asked_about(model: Model) -> None:
    with torch.no_grad():
        answers = model(PICTURES).argmax(1).tolist()
    assert [one.classes[0] for one in toward(model, PICTURES)] == answers


def test_no_gradient_is_grey_and_the_greatest_are_full() -> None:
    assert np.unique(as_picture(torch.zeros(3, 4, 4))).tolist() == [128]
    drawn = as_picture(torch.linspace(-1, 1, 48).view(3, 4, 4))
    assert (int(drawn.min()), int(drawn.max())) == (0, 255)


def test_the_page_holds_every_plate_and_no_script(model: Model) -> None:
    page = legibility_page(model, PICTURES, [2, 0])
    assert page.count("<figure>") == 2 * 4 + 3 + 6
    assert "<script" not in page
    assert "toward &lt;script&gt;" in page
    assert 'src="http' not in page


def test_filters_of_a_network_without_any() -> None:
    network = Model(nn.Sequential(nn.Flatten(), nn.Linear(192, 3)), Preprocess(8), LABELS, name="a line")
    with pytest.raises(DataError, match="a line has no convolution that reads pictures; expected one"):
        filters(network)


def test_the_verb_writes_the_page(tmp_path: Path) -> None:
    page = tmp_path / "gallery.html"
    words = ["measure", "--data", "partworld:4?seed=3&split=test", "--model", "partworld", "--pictures", "2"]
    done = CliRunner().invoke(app, [*words, "--gallery", str(page), "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == {"gallery": str(page)}
    assert page.read_text().count("<figcaption>toward ") == 4
