"""The Inception networks: the public parameter names, the papers' widths, and what their operations add up to."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
import torchvision_operators
from torch import nn

from cutaway.nets.zoo import inception_v1, inception_v2, inception_v3


def randomised(module: nn.Module) -> nn.Module:
    """With statistics in its normalisation that are not the first ones."""
    torch.manual_seed(0)
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.normal_(0, 0.1)
            layer.running_var.uniform_(0.5, 2)
    return module.eval()


def millions(module: nn.Module) -> float:
    return sum(p.numel() for p in module.parameters()) / 1e6


def test_v1_has_the_names_of_the_public_weights():
    names = set(inception_v1().state_dict())
    assert "conv2d0_pre_relu_conv.weight" in names
    assert "mixed4d_3x3_bottleneck_pre_relu_conv.bias" in names
    assert "softmax2_pre_activation_matmul.weight" in names
    assert len(names) == 2 * (3 + 9 * 6 + 1)


def test_v1_is_the_articles_network():
    """Widths of the article's layers at 224 x 224, and the first operations spelled out."""
    torch.manual_seed(0)
    module, picture = inception_v1().eval(), torch.randn(1, 3, 64, 64)
    widths = {}
    for name in ("mixed3a", "mixed3b", "mixed4a", "mixed4b", "mixed4c", "mixed4d", "mixed4e", "mixed5a", "mixed5b"):
        module.get_submodule(name).register_forward_hook(
            lambda _, __, out, name=name: widths.__setitem__(name, tuple(out.shape[1:]))
        )
    with torch.no_grad():
        assert module(picture).shape == (1, 1008)
        state = module.state_dict()
        x = F.conv2d(
            F.pad(picture, (2, 3, 2, 3)),
            state["conv2d0_pre_relu_conv.weight"],
            state["conv2d0_pre_relu_conv.bias"],
            stride=2,
        ).relu()
        x = F.max_pool2d(F.pad(x, (0, 1, 0, 1), value=-torch.inf), 3, 2)
        expected = F.local_response_norm(x, 9, alpha=1e-4, beta=0.5, k=1)
        seen = []
        module.localresponsenorm0.register_forward_hook(lambda _, __, out: seen.append(out))
        module(picture)
    assert torch.allclose(seen[0], expected, atol=1e-6)
    assert [each[0] for each in widths.values()] == [256, 480, 508, 512, 512, 528, 832, 832, 1024]
    assert (widths["mixed3a"][1], widths["mixed4a"][1], widths["mixed5a"][1]) == (8, 4, 2)


def test_v2_has_the_names_and_widths_of_the_public_weights():
    state = inception_v2().state_dict()
    assert state["inception_3c_double_3x3_2_bn.running_var"].shape == (96,)
    assert state["inception_4e_3x3.weight"].shape == (192, 128, 3, 3)
    assert state["inception_5b_1x1.weight"].shape == (352, 1024, 1, 1)
    assert state["last_linear.weight"].shape == (1000, 1024)
    assert "inception_4e_1x1.weight" not in state
    assert millions(inception_v2()) == pytest.approx(11.3, abs=0.05)


def test_a_block_of_v2_is_its_branches_side_by_side():
    module = randomised(inception_v2())
    x, seen = torch.rand(1, 192, 8, 8), {}
    module.inception_3a_output.register_forward_hook(lambda _, __, out: seen.__setitem__("out", out))
    with torch.no_grad():
        module._mixed("3a", x)

        def normed(x, name, padding=0):
            layer = getattr(module, f"inception_3a_{name}")
            return getattr(module, f"inception_3a_{name}_bn")(
                F.conv2d(x, layer.weight, layer.bias, padding=padding)
            ).relu()

        expected = torch.cat(
            [
                normed(x, "1x1"),
                normed(normed(x, "3x3_reduce"), "3x3", 1),
                normed(normed(normed(x, "double_3x3_reduce"), "double_3x3_1", 1), "double_3x3_2", 1),
                normed(F.avg_pool2d(x, 3, 1, 1), "pool_proj"),
            ],
            dim=1,
        )
    assert torch.allclose(seen["out"], expected, atol=1e-5)


@pytest.mark.slow
def test_v3_is_torchvisions_without_the_auxiliary_head():
    torchvision_operators.declare()
    models = pytest.importorskip("torchvision.models")
    theirs = randomised(models.inception_v3(weights=None, init_weights=False, aux_logits=False))
    ours = inception_v3().eval()
    ours.load_state_dict(theirs.state_dict())
    picture = torch.randn(1, 3, 96, 96)
    with torch.no_grad():
        assert torch.allclose(ours(picture), theirs(picture), atol=1e-5)
    assert millions(ours) == pytest.approx(23.8, abs=0.05)
