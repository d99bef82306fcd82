import pytest
import torch
from small_networks import SIZE, Convnet, pictures, seeded

from cutaway.attribution import occlusion
from cutaway.attribution.perturbation import windows
from cutaway.core.errors import OptionError


def literal(network, points, target, window, stride, baseline):
    """Every window by hand, one picture and one window at a time."""
    network.eval()
    values = torch.zeros_like(points)
    with torch.no_grad():
        for row in range(len(points)):
            whole = network(points[row : row + 1].clone())[0, target]
            total, count = torch.zeros(SIZE, SIZE), torch.zeros(SIZE, SIZE)
            top = 0
            while True:
                left = 0
                while True:
                    covered = points[row : row + 1].clone()
                    covered[..., top : top + window[0], left : left + window[1]] = baseline
                    drop = whole - network(covered)[0, target]
                    total[top : top + window[0], left : left + window[1]] += drop
                    count[top : top + window[0], left : left + window[1]] += 1
                    if left + window[1] >= SIZE:
                        break
                    left += stride[1]
                if top + window[0] >= SIZE:
                    break
                top += stride[0]
            values[row] = total / count
    return values


@pytest.mark.parametrize(("window", "stride"), [((4, 4), (2, 2)), ((5, 3), (3, 3)), ((1, 12), (1, 1))])
def test_occlusion_is_the_mean_drop_over_the_windows_that_cover_a_value(window, stride):
    points = pictures(2)
    found = occlusion(seeded(Convnet), points, 1, window=window, stride=stride, baseline=0.3)
    assert torch.allclose(found.values, literal(seeded(Convnet), points, 1, window, stride, 0.3), atol=1e-5)
    assert found.evaluations[0] == len(windows(points.shape[1:], window, stride)) + 1


def test_a_planted_patch_is_found_and_nothing_else():
    points = torch.full((1, 3, SIZE, SIZE), 0.5)
    points[0, :, 3:6, 6:9] = 1

    def whiteness(x):
        return (x - 0.5).clamp(min=0).sum(dim=(1, 2, 3))

    values = occlusion(whiteness, points, window=3, stride=3).values[0]
    assert values[:, 3:6, 6:9].min() == values.max() == pytest.approx(13.5)
    assert values.sum() == pytest.approx(13.5 * 27)


def test_windows_over_one_axis_over_all_axes_and_the_default():
    assert windows((6,), 2, 2) == [(..., slice(0, 2)), (..., slice(2, 4)), (..., slice(4, 6))]
    assert windows((2, 3, 3), (1, 3, 3), 1) == [(..., slice(c, c + 1), slice(0, 3), slice(0, 3)) for c in range(2)]
    assert len(windows((3, 32, 32))) == 15 * 15
    found = occlusion(lambda x: x[:, :2], torch.rand(2, 6) + 0.1, 0, window=1, stride=1, baseline=0.0)
    assert (found.values[:, 0] > 0).all()
    assert not found.values[:, 1:].any()


def test_gradients_are_not_needed():
    def counted(x):
        return (x > 0.5).flatten(1).sum(1, keepdim=True).float().detach()

    assert occlusion(counted, pictures(), 0, baseline=0.0).values.sum() > 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"window": 13}, r"window is 13; expected at least 1 and at most the input's size, \(3, 12, 12\)"),
        ({"window": 0}, "window is 0; expected at least 1"),
        ({"window": (1, 3, 4, 4)}, "window is"),
        ({"window": 3, "stride": 4}, r"stride is 4; expected at least 1 and at most the window, \(3, 3\)"),
        ({"window": 3, "stride": 0}, "stride is 0; expected at least 1"),
        ({"window": 3, "stride": (1, 1, 1)}, "stride is"),
        ({"baseline": torch.zeros(4)}, r"the baseline has shape \(4,\); expected a number"),
    ],
)
def test_options_that_make_no_sense(options, message):
    with pytest.raises(OptionError, match=message):
        occlusion(seeded(Convnet), pictures(), 0, **options)
