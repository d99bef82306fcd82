"""First order: forward derivatives are those that one backward pass per class finds."""

from __future__ import annotations

import pytest
import torch
from small_networks import SIZE, Convnet, Reused, TinyViT, pictures, seeded
from torch import nn

from cutaway.blocks.first_order import first_order
from cutaway.nets import Model, Preprocess
from cutaway.trace import trace

LAYERS = [(Convnet, "pool"), (Convnet, "norm"), (Reused, "act#0"), (TinyViT, "patch"), (TinyViT, "blocks.0")]


def literally(model, given, layer, change):
    seen = trace(model, given, [layer], cut=layer)
    rows = []
    for picture in range(len(given)):
        row = []
        for score in seen.logits[picture]:
            gradient = torch.autograd.grad(score, seen[layer], retain_graph=True)[0]
            row.append(float((gradient[picture] * change[picture]).sum()))
        rows.append(row)
    return torch.tensor(rows)


@pytest.mark.parametrize(("factory", "layer"), LAYERS)
def test_it_is_what_backward_passes_find(factory, layer):
    model, given = Model(seeded(factory), Preprocess(size=SIZE)), pictures(2)
    with torch.no_grad():
        output = trace(model, given, [layer])[layer]
    change = torch.randn(output.shape, generator=torch.Generator().manual_seed(3))
    found = first_order(model, given, layer, lambda _: change)
    expected = literally(model, given, layer, change)
    assert torch.allclose(found, expected, atol=1e-4 * float(expected.abs().max()))
    assert not found.requires_grad


class Cube(torch.autograd.Function):
    """Without a forward rule."""

    @staticmethod
    def forward(context, x):
        context.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(context, gradient):
        return gradient * 3 * context.saved_tensors[0] ** 2


class Cubed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lift = nn.Conv2d(3, 4, 1)
        self.head = nn.Linear(4, 3)

    def forward(self, x):
        return self.head(Cube.apply(self.lift(x)).mean(dim=(2, 3)))


def test_an_operation_without_a_forward_rule_is_differentiated_backwards():
    torch.manual_seed(0)
    model, given = Model(Cubed(), Preprocess(size=8)), torch.rand(2, 3, 8, 8)
    change = torch.randn(2, 4, 8, 8)
    found = first_order(model, given, "lift", lambda _: change)
    assert torch.allclose(found, literally(model, given, "lift", change), atol=1e-6)
    assert found.abs().min() > 1e-4


def test_a_layer_that_no_score_depends_on_changes_nothing():
    class Ignores(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.seen, self.answer = nn.Conv2d(3, 4, 3), nn.Linear(3, 2)

        def forward(self, x):
            self.seen(x)
            return self.answer(x.mean(dim=(2, 3)))

    found = first_order(Model(Ignores(), Preprocess(size=8)), torch.rand(1, 3, 8, 8), "seen", torch.ones_like)
    assert found.tolist() == [[0.0, 0.0]]
