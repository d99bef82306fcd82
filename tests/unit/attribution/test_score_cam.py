import pytest
import torch
import torch.nn.functional as F
from small_networks import Convnet, TinyViT, pictures, seeded

from cutaway.attribution import score_cam


@pytest.mark.parametrize("layer", ["pool", "act2"])
def test_score_cam_equals_its_formula(layer):
    network, points = seeded(Convnet).eval(), pictures()
    kept = []
    handle = network.get_submodule(layer).register_forward_hook(lambda m, i, o: kept.append(o.clone()))
    with torch.no_grad():
        network(points.clone())
        handle.remove()
        expected = torch.zeros(len(points), *points.shape[-2:])
        for row in range(len(points)):
            scores = []
            for channel in kept[0][row]:
                mask = F.interpolate(channel[None, None], size=points.shape[-2:], mode="bilinear")[0, 0]
                mask = mask - mask.min()
                mask = mask / mask.max() if mask.max() > 0 else mask
                scores.append(network(points[row : row + 1] * mask)[0, 1])
            weights = torch.stack(scores).softmax(0)
            coarse = sum(weight * channel for weight, channel in zip(weights, kept[0][row], strict=True)).clamp(min=0)
            expected[row] = F.interpolate(coarse[None, None], size=points.shape[-2:], mode="bilinear")[0, 0]
    found = score_cam(seeded(Convnet), points, 1, layer=layer)
    assert torch.allclose(found.values, expected, atol=1e-6)
    assert found.evaluations.tolist() == [kept[0].shape[1] + 1] * 3


def test_tokens_are_laid_on_their_grid():
    found = score_cam(seeded(TinyViT), pictures(), 1)
    assert found.layer == "blocks.1.norm1"
    assert found.values.any()
