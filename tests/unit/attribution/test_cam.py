import pytest
import torch
import torch.nn.functional as F
from small_networks import SIZE, Convnet, Reused, TinyViT, pictures, seeded
from torch import nn

from cutaway import Model, Preprocess
from cutaway.attribution import grad_cam, layer_cam
from cutaway.core.errors import LayerError, ModelError


def literal(network, layer, points, target, to_grid=lambda t: t, by_place=False):
    """The map of one layer, by hand: a hook, a backward pass, loops over channels; Grad-CAM, or LayerCAM by place."""
    kept = []
    module = network.eval().get_submodule(layer)
    handle = module.register_forward_hook(
        lambda m, i, o: kept.append(o.detach().clone().requires_grad_()) or kept[-1].clone()
    )
    output = network(points.clone())
    handle.remove()
    output[:, target].sum().backward()
    found, slopes = to_grid(kept[0].detach()), to_grid(kept[0].grad)
    maps = torch.zeros(len(points), *found.shape[2:])
    for row in range(len(points)):
        for channel in range(found.shape[1]):
            weight = slopes[row, channel].clamp(min=0) if by_place else slopes[row, channel].mean()
            maps[row] += weight * found[row, channel]
    maps = maps.clamp(min=0)
    return F.interpolate(maps[:, None], size=points.shape[-2:], mode="bilinear", align_corners=False)[:, 0]


@pytest.mark.parametrize("layer", ["conv1", "norm", "act1", "pool", "conv2", "act2"])
def test_grad_cam_equals_its_formula_also_before_a_layer_that_works_in_place(layer):
    network, points = seeded(Convnet), pictures()
    found = grad_cam(network, points, 1, layer=layer)
    assert found.values.shape == (3, SIZE, SIZE)
    assert found.layer == layer
    assert found.values.any()
    assert torch.allclose(found.values, literal(seeded(Convnet), layer, points, 1), atol=1e-6)


@pytest.mark.parametrize("layer", ["conv1", "act1", "pool", "conv2"])
def test_layer_cam_equals_its_formula(layer):
    network, points = seeded(Convnet), pictures()
    found = layer_cam(network, points, 1, layer=layer)
    assert found.values.any()
    assert torch.allclose(found.values, literal(seeded(Convnet), layer, points, 1, by_place=True), atol=1e-6)


def test_a_transformers_tokens_are_laid_on_their_grid_without_the_class_token():
    network, points = seeded(TinyViT), pictures()

    def to_grid(tokens):
        return tokens[:, 1:].transpose(1, 2).reshape(len(tokens), -1, 3, 3)

    found = grad_cam(network, points, 1, layer="blocks.0")
    assert torch.allclose(found.values, literal(seeded(TinyViT), "blocks.0", points, 1, to_grid), atol=1e-6)


@pytest.mark.parametrize("factory", [Convnet, Reused, TinyViT])
def test_the_default_is_the_last_grid_that_the_score_depends_on(factory):
    network, points = seeded(factory), pictures()
    expected = {Convnet: "act2", Reused: "act#1", TinyViT: "blocks.1.norm1"}[factory]
    assert grad_cam(network, points, 1).layer == expected
    assert grad_cam(Model(network, Preprocess(SIZE)), points, 1).layer == expected


def test_a_planted_part_is_found():
    class Finder(nn.Module):
        """Scores: how much green, how much red there is."""

        def __init__(self):
            super().__init__()
            self.colours = nn.Conv2d(3, 2, 1, bias=False)
            self.colours.weight.data = torch.tensor([[-1.0, 1, 0], [1, -1, 0]])[:, :, None, None]
            self.act = nn.ReLU()

        def forward(self, x):
            return self.act(self.colours(x)).mean(dim=(2, 3))

    points = torch.zeros(1, 3, SIZE, SIZE)
    points[0, 1, 2:5, 6:9] = 1  # green
    points[0, 0, 8:11, 1:4] = 1  # red
    green = grad_cam(Finder(), points, 0).values[0]
    assert green.argmax() in [row * SIZE + column for row in range(2, 5) for column in range(6, 9)]
    assert green[2:5, 6:9].sum() == pytest.approx(float(green.sum()))
    against_red = grad_cam(Finder(), points, 0, versus=1).values[0]
    assert torch.allclose(against_red, green)


def test_layers_that_cannot_be_used():
    points = pictures()
    with pytest.raises(LayerError, match=r'no layer "conv3" in Convnet .*; did you mean "conv'):
        grad_cam(seeded(Convnet), points, 0, layer="conv3")
    with pytest.raises(
        LayerError, match=r'"head" of Convnet has no grid \(4 channels at one place\).*try .*conv2, act2'
    ):
        grad_cam(seeded(Convnet), points, 0, layer="head")
    with pytest.raises(LayerError, match=r'"act" of Reused is called 2 times in one pass; .*try act#0, act#1'):
        grad_cam(seeded(Reused), points, 0, layer="act")
    with pytest.raises(LayerError, match="Sequential has no layer with a grid of places; expected one"):
        grad_cam(nn.Sequential(nn.Flatten(), nn.Linear(3 * SIZE**2, 4)), points, 0)
    with pytest.raises(ModelError, match=r"grad_cam looks into layers but was given <lambda>, a function; expected a"):
        grad_cam(lambda x: x.flatten(1), points, 0)


def test_a_layer_that_does_not_feed_the_score():
    class Beside(Convnet):
        def __init__(self):
            super().__init__()
            self.aside = nn.Conv2d(3, 2, 1)

        def forward(self, x):
            self.aside(x)
            return super().forward(x)

    with pytest.raises(LayerError, match='does not depend on layer "aside"; expected a layer that feeds it'):
        grad_cam(seeded(Beside), pictures(), 1, layer="aside")
