"""The Model: pictures in [0, 1] to logits, any network inside, left as it was found."""

from __future__ import annotations

import pytest
import torch
from small_networks import CLASSES, SIZE, Convnet, Reused, TinyViT, pictures, seeded
from torch import Tensor, nn

from cutaway.core.errors import ForwardError, ModelError
from cutaway.nets import Model, Preprocess, as_model

PREPROCESS = Preprocess(size=SIZE, mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.4))


def model(factory: type[nn.Module] = Convnet, **options: object) -> Model:
    return Model(seeded(factory), PREPROCESS, **options)  # type: ignore[arg-type]


def test_it_normalises_and_evaluates() -> None:
    given = pictures()
    plain = seeded(Convnet).eval()
    mean, std = (torch.tensor(values)[:, None, None] for values in (PREPROCESS.mean, PREPROCESS.std))
    with torch.no_grad():
        assert torch.equal(model()(given), plain((given - mean) / std))


def test_the_inputs_stay_as_they_are_also_where_the_first_layer_works_in_place() -> None:
    given = pictures()
    copy = given.clone()
    Model(seeded(Convnet), Preprocess(size=SIZE, mean=(0.5,) * 3))(given)
    assert torch.equal(given, copy)


def test_the_gradient_is_by_the_pixels() -> None:
    given = pictures().requires_grad_()
    answer = model()
    (slope,) = torch.autograd.grad(answer(given)[:, 1].sum(), given)
    step = 1e-2 * slope / slope.norm()
    with torch.no_grad():
        rise = float((answer(given + step) - answer(given - step))[:, 1].sum())
    assert rise == pytest.approx(float(2 * (slope * step).sum()), rel=0.05)


@pytest.mark.parametrize("factory", [Convnet, Reused, TinyViT])
def test_the_modes_of_every_layer_are_put_back(factory: type[nn.Module]) -> None:
    answer = model(factory)
    parts = list(answer.module.modules())
    parts[2].eval()  # a frozen part of a network in training
    before = [part.training for part in parts]
    answer(pictures())
    assert [part.training for part in parts] == before
    with pytest.raises(ZeroDivisionError), answer.in_use():
        raise ZeroDivisionError
    assert [part.training for part in parts] == before


def test_a_tuple_as_output() -> None:
    assert model(Reused)(pictures()).shape == (3, CLASSES)


class OneLogit(nn.Module):
    """Grey pictures, one score each, (batch,)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x).mean(dim=(1, 2, 3))


def test_a_single_logit_of_grey_pictures() -> None:
    answer = Model(OneLogit())
    assert len(answer.preprocess.mean) == 1
    (only,) = answer.predict(torch.rand(3, 40, 30))
    assert only.index == 0
    assert only.probability == pytest.approx(torch.tensor(only.logit).sigmoid().item(), abs=1e-6)
    assert answer.target(None, torch.rand(2, 1)).tolist() == [0, 0]


def test_predictions_are_sorted_and_sum_to_one() -> None:
    found = model(labels=["a", "b", "c", "d"]).predict(torch.rand(3, 30, 20), k=CLASSES)
    assert [each.logit for each in found] == sorted((each.logit for each in found), reverse=True)
    assert sum(each.probability for each in found) == pytest.approx(1)
    assert all(each.label == "abcd"[each.index] for each in found)


def test_classes_that_do_not_exclude_each_other() -> None:
    logits = torch.tensor([1.0, 2.0])
    assert torch.equal(model(multilabel=True).probabilities(logits), logits.sigmoid())


def test_nan_is_not_an_answer() -> None:
    broken = model()
    nn.init.constant_(broken.module.head.bias, float("nan"))
    with pytest.raises(ModelError, match="answered 4 scores that are NaN or infinite; expected finite logits"):
        broken.predict(torch.rand(3, 20, 20))


def test_another_size_than_the_network_takes() -> None:
    with pytest.raises(ForwardError, match=r"TinyViT failed on 1 picture.* of 16 x 16 pixels .*another --size"):
        model(TinyViT)(torch.rand(1, 3, 16, 16))


@pytest.mark.parametrize("shape", [(3, SIZE, SIZE), (1, 1, SIZE, SIZE), (2, 7)])
def test_a_tensor_that_is_no_batch_of_pictures(shape: tuple[int, ...]) -> None:
    with pytest.raises(Exception, match=r"expected \(batch, 3, height, width\) in \[0, 1\]|pictures"):
        model()(torch.rand(shape))


def test_as_many_labels_as_scores() -> None:
    with pytest.raises(ModelError, match="answers 4 scores but has 2 labels; expected one label for each"):
        model(labels=["a", "b"])(pictures())


def test_something_else_than_a_network() -> None:
    with pytest.raises(Exception, match=r"no network; expected a torch\.nn\.Module|module"):
        Model("resnet")  # type: ignore[arg-type]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own, as it loads its compiler
def test_wrappers_of_parallel_and_compiled_runs_are_taken_off() -> None:
    inner = seeded(Convnet)
    compiled = torch.compile(nn.DataParallel(inner))
    assert Model(compiled).module is inner  # type: ignore[arg-type]
    assert as_model(inner).module is inner
    assert Model(inner).layers()[0].name == "first"


class Constant(nn.Module):
    """No parameters, no layers."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(dim=(2, 3))


def test_a_network_without_parameters() -> None:
    assert Model(Constant()).device == torch.device("cpu")
    assert Model(Constant())(pictures()).shape == (3, 3)


def test_the_hash_of_the_weights() -> None:
    assert model().weights_hash() == model().weights_hash()
    other = model()
    with torch.no_grad():
        other.module.head.bias[0] += 1e-6
    assert other.weights_hash() != model().weights_hash()
