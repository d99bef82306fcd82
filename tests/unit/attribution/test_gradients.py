import pytest
import torch
from small_networks import CLASSES, Convnet, Reused, TinyViT, pictures, seeded, smooth
from torch import nn

from cutaway.attribution import gradient, input_x_gradient, smoothgrad
from cutaway.core.errors import OptionError
from cutaway.core.seeds import generator


def slope(forward, point, target, index, step=1e-6):
    """The derivative by one value, from two scores."""
    moved = [point.clone(), point.clone()]
    moved[0].view(-1)[index] += step
    moved[1].view(-1)[index] -= step
    with torch.no_grad():
        up, down = (forward(each[None])[0, target] for each in moved)
    return float(up - down) / (2 * step)


def test_gradient_is_the_slope_of_the_score():
    network = smooth().double()
    points = torch.randn(2, 6, dtype=torch.float64)
    found = gradient(network, points, torch.tensor([1, 3]))
    for row, target in enumerate((1, 3)):
        expected = [slope(network, points[row], target, index) for index in range(6)]
        assert found.values[row].tolist() == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("factory", [Convnet, Reused, TinyViT])
def test_gradient_of_any_network_equals_autograd_in_evaluation_mode(factory):
    network, points = seeded(factory), pictures()
    found = gradient(network, points, 2)
    network.eval()
    leaf = points.clone().requires_grad_()
    output = network(leaf.clone())
    (output[0] if isinstance(output, tuple) else output)[:, 2].sum().backward()
    assert torch.equal(found.values, leaf.grad)


def test_versus_attributes_the_difference_of_two_scores():
    network, points = seeded(Convnet), pictures()
    apart = gradient(network, points, 2).values - gradient(network, points, 0).values
    assert torch.allclose(gradient(network, points, 2, versus=0).values, apart, atol=1e-7)


def test_a_linear_score_is_shared_out_exactly_by_input_x_gradient():
    network = nn.Linear(6, CLASSES, bias=False).double()
    points = torch.randn(5, 6, dtype=torch.float64)
    found = input_x_gradient(network, points, 1)
    assert torch.allclose(found.values, points * network.weight[1])
    assert torch.allclose(found.values.sum(1), network(points)[:, 1])


def test_smoothgrad_is_the_mean_gradient_over_noisy_copies():
    network, points = seeded(Convnet).eval(), pictures(2)
    found = smoothgrad(network, points, torch.tensor([1, 3]), samples=4, spread=0.2, seed=7)
    for row, target in enumerate((1, 3)):
        total = torch.zeros_like(points[row])
        for sample in range(4):
            noise = torch.randn(points[row].shape, generator=generator(7, "smoothgrad", sample))
            noisy = points[row] + 0.2 * (points[row].max() - points[row].min()) * noise
            total += gradient(network, noisy[None], target).values[0]
        assert torch.allclose(found.values[row], total / 4, atol=1e-6)
    assert found.evaluations.tolist() == [4, 4]


def test_smoothgrad_without_noise_is_the_gradient_and_of_a_linear_score_too():
    network, points = seeded(Convnet), pictures()
    assert torch.allclose(
        smoothgrad(network, points, 1, samples=2, spread=0.0).values, gradient(network, points, 1).values, atol=1e-7
    )
    linear = nn.Sequential(nn.Flatten(), nn.Linear(points[0].numel(), CLASSES))
    noisy = smoothgrad(linear, points, 1, samples=3).values
    assert torch.allclose(noisy, gradient(linear, points, 1).values, atol=1e-7)


def test_smoothgrad_repeats_by_its_seed_and_a_map_does_not_depend_on_its_batch():
    network, points = seeded(TinyViT), pictures()
    first = smoothgrad(network, points, 1, samples=3, seed=1).values
    assert torch.equal(first, smoothgrad(network, points, 1, samples=3, seed=1).values)
    assert not torch.allclose(first, smoothgrad(network, points, 1, samples=3, seed=2).values)
    assert torch.allclose(first[1:2], smoothgrad(network, points[1:2], 1, samples=3, seed=1).values, atol=1e-6)


def test_smoothgrad_takes_the_class_of_the_clean_picture():
    network, points = seeded(Convnet), pictures()
    found = smoothgrad(network, points, samples=2, spread=3.0)
    assert found.target.tolist() == network.eval()(points.clone()).argmax(1).tolist()


@pytest.mark.parametrize("options", [{"samples": 0}, {"spread": -0.1}])
def test_smoothgrad_refuses_what_makes_no_sense(options):
    with pytest.raises(OptionError, match="expected at least 1 sample, spread >= 0"):
        smoothgrad(seeded(Convnet), pictures(), 0, **options)
