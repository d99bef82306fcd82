import pytest
import torch
from small_networks import CLASSES, SIZE, Convnet, pictures, seeded
from torch import nn

from cutaway import Model, Preprocess
from cutaway.attribution import gradient
from cutaway.attribution.scores import check_inputs, passes
from cutaway.core.errors import ModelError, OptionError, PictureError, TargetError


def model():
    return Model(
        seeded(Convnet),
        Preprocess(SIZE, mean=(0.4, 0.5, 0.6), std=(0.2, 0.25, 0.5)),
        labels=["ash", "birch", "cedar, true cedar", "ash"],
    )


def test_a_models_gradient_is_in_pixel_space():
    inner = model()
    found = gradient(inner, pictures(), 1)
    normalised = inner.preprocess.normalise(pictures())
    per_pixel = gradient(inner.module, normalised, 1).values / torch.tensor([0.2, 0.25, 0.5])[:, None, None]
    assert torch.allclose(found.values, per_pixel, atol=1e-6)


def test_targets_by_index_label_tensor_and_prediction():
    inner = model()
    with torch.no_grad():
        predicted = inner(pictures()).argmax(1)
    assert gradient(inner, pictures()).target.tolist() == predicted.tolist()
    assert gradient(inner, pictures(), "Cedar").target.tolist() == [2, 2, 2]
    assert gradient(inner, pictures(), torch.tensor([0, 1, 2])).target.tolist() == [0, 1, 2]
    assert gradient(inner, pictures(), [3, 1, 2], batch_size=2).target.tolist() == [3, 1, 2]
    assert gradient(inner, pictures(), 1, versus="cedar").versus.tolist() == [2, 2, 2]


def test_a_single_logit_is_its_own_target():
    found = gradient(lambda x: x.flatten(1).sum(1), pictures())
    assert found.target.tolist() == [0, 0, 0]
    assert torch.equal(found.values, torch.ones_like(pictures()))


@pytest.mark.parametrize(
    ("target", "versus", "message"),
    [
        (CLASSES, None, "no class 4; expected an index from 0 to 3"),
        (-1, None, "no class -1; expected an index from 0 to 3"),
        ("ash", None, "is the label of 2 classes \\(0, 3\\)"),
        ("brich", None, 'no class "brich"; expected one of 4 labels; did you mean "birch"'),
        (torch.tensor([0, 1]), None, r"target has shape \(2,\); expected one class index for each of 3 inputs"),
        (1, 1, "versus is the target itself, class 1; expected another"),
    ],
)
def test_targets_that_cannot_be_meant(target, versus, message):
    with pytest.raises(TargetError, match=message):
        gradient(model(), pictures(), target, versus=versus, batch_size=2)


@pytest.mark.parametrize(
    "forward",
    [
        lambda x: x.detach().flatten(1)[:, :2],
        lambda x: torch.full((len(x), 2), 3.0),
        lambda x: torch.ones(len(x), 2, requires_grad=True) * 2,
    ],
)
def test_a_score_that_does_not_depend_on_the_input(forward):
    with pytest.raises(ModelError, match="does not depend on its inputs; expected a differentiable function"):
        gradient(forward, pictures(), 0)


def test_scores_and_gradients_that_are_not_finite():
    with pytest.raises(ModelError, match="scores that are NaN or infinite; expected finite ones"):
        gradient(lambda x: x.flatten(1)[:, :2] / 0, pictures() + 1, 0)

    def root(x):
        return x.flatten(1)[:, :2].sqrt()

    with pytest.raises(ModelError, match="the gradient of root is NaN or infinite at these inputs"):
        gradient(root, torch.zeros(1, 3), 0)


@pytest.mark.parametrize("inputs", [torch.zeros(0, 3, SIZE, SIZE), torch.zeros(1, 3, SIZE, SIZE, dtype=torch.uint8)])
def test_inputs_that_are_no_batch_of_floats(inputs):
    with pytest.raises(PictureError, match="expected a batch of floating-point inputs"):
        check_inputs(inputs)


def test_a_batch_size_below_one():
    with pytest.raises(OptionError, match="batch_size is 0; expected at least 1"):
        gradient(seeded(Convnet), pictures(), 0, batch_size=0)


def test_double_stays_double_and_autocast_is_off():
    network = nn.Sequential(nn.Flatten(), nn.Linear(3 * SIZE**2, 5))
    plain = gradient(network, pictures(), 0).values
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(gradient(network, pictures(), 0).values, plain)
    assert gradient(network.double(), pictures().double(), 0).values.dtype == torch.float64


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_the_gradient_mode_of_the_caller_does_not_matter(mode):
    network = seeded(Convnet)
    plain = gradient(network, pictures(), 0).values
    with mode():
        assert torch.equal(gradient(network, pictures(), 0).values, plain)


def test_passes_cover_every_point_once():
    seen = [pair for rows, points in passes(3, 4, 5) for pair in zip(rows.tolist(), points.tolist(), strict=True)]
    assert seen == [(row, point) for row in range(3) for point in range(4)]
    assert max(len(rows) for rows, _ in passes(3, 4, 5)) == 5
