"""Layout: channels and places, found by following the data; checked by changing one place of the picture."""

from __future__ import annotations

import pytest
import torch
from networks import Mixed, Tokens, Unfolded, Windows, of, seeded
from small_networks import SIZE, Convnet, TinyViT
from small_networks import seeded as small
from torch import Tensor, nn

from cutaway.core.errors import LayerError
from cutaway.nets import Model, Preprocess
from cutaway.trace import Layout, activations, layout, layouts


def responses(model: Model, layer: str, found: Layout) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """For several places: (the place whose pixels were changed, the place of the grid that answered most)."""
    channels, height, width = model.preprocess.shape
    rows, columns = found.grid
    plain = torch.rand(1, channels, height, width, generator=torch.Generator().manual_seed(1))
    answers = []
    for row, column in {(0, 0), (0, columns - 1), (rows - 1, 0), (rows // 2, columns // 3)}:
        changed = plain.clone()
        top, left = row * height // rows, column * width // columns
        changed[:, :, top : top + height // rows, left : left + width // columns] += 0.5
        pair = torch.cat([plain, changed])
        with torch.no_grad():
            grid = found.to_grid(activations(model, pair, [layer])[layer])
        assert grid.shape == (2, found.channels, rows, columns)
        moved = (grid[1] - grid[0]).norm(dim=0)
        best = int(moved.argmax())
        answers.append(((row, column), (best // columns, best % columns)))
    return answers


NETWORKS = {
    "convnet": (lambda: Model(small(Convnet), Preprocess(size=SIZE)), ["conv1", "act1", "pool", "act2"]),
    "vit": (lambda: Model(small(TinyViT), Preprocess(size=SIZE)), ["patch", "blocks.0.norm1", "blocks.1", "norm"]),
    "tokens": (lambda: of(seeded(Tokens, 16, 24), 16, 24), ["norm", "qkv", "mlp.0", "mlp.1", "mlp"]),
    "registers": (lambda: of(seeded(Tokens, 24, 24, 5)), ["norm", "qkv", "mlp.0", "mlp"]),
    "no class token": (lambda: of(seeded(Tokens, 24, 24, 0)), ["norm", "qkv", "mlp.0", "mlp"]),
    "windows": (lambda: of(seeded(Windows)), ["patch", "norm", "inside", "back", "merge"]),
    "unfolded": (lambda: of(seeded(Unfolded)), ["conv", "inside", "after"]),
    "mixed": (lambda: of(seeded(Mixed)), ["patch", "sum", "gated"]),
}


@pytest.mark.parametrize(
    ("name", "layer"), [(name, layer) for name, (_, layers) in NETWORKS.items() for layer in layers]
)
def test_the_place_that_changed_answers_most(name: str, layer: str) -> None:
    model = NETWORKS[name][0]()
    near = 1 if name == "convnet" else 0  # where windows overlap, a neighbour may answer more
    for changed, answered in responses(model, layer, layout(model, layer)):
        assert all(abs(one - other) <= near for one, other in zip(changed, answered, strict=True))


@pytest.mark.parametrize(
    ("name", "layer", "expected"),
    [
        ("convnet", "pool", Layout("channels height width", 6, (6, 6), positions=36)),
        ("convnet", "head", Layout("channels", 4, (1, 1))),
        ("vit", "blocks.0", Layout("tokens channels", 8, (3, 3), prefix=1, positions=10)),
        ("tokens", "mlp", Layout("tokens channels", 12, (4, 6), prefix=1, positions=25)),
        ("registers", "mlp", Layout("tokens channels", 12, (6, 6), prefix=5, positions=41)),
        ("no class token", "mlp", Layout("tokens channels", 12, (6, 6), positions=36)),
        ("windows", "norm", Layout("height width channels", 8, (12, 12), positions=144)),
        ("mixed", "gate", Layout("channels height width", 6, (1, 1))),
    ],
)
def test_axes_grid_and_prefix(name: str, layer: str, expected: Layout) -> None:
    assert layout(NETWORKS[name][0](), layer) == expected


@pytest.mark.parametrize(
    ("name", "layer", "axes"),
    [
        ("tokens", "map", r"\(batch, 2, 25 places, 25\)"),  # attention: heads, queries, keys
        ("tokens", "query", r"\(batch, 2, 25 places, 6\)"),  # channels on two axes
        ("mixed", "mix", r"\(batch, 6, 16\)"),  # every number is of all places
    ],
)
def test_what_has_no_grid_is_refused_by_its_axes(name: str, layer: str, axes: str) -> None:
    model = NETWORKS[name][0]()
    with pytest.raises(LayerError, match=f"output with axes {axes}; expected channels over the places of a grid"):
        layout(model, layer)
    assert layer not in layouts(model)


def test_windows_lie_in_the_batch_axis() -> None:
    model = NETWORKS["windows"][0]()
    found = layout(model, "inside")
    assert (found.axes, found.grid, found.positions, found.channel_axis) == ("places channels", (12, 12), 144, -1)
    kept = activations(model, torch.rand(3, 3, 24, 24), ["inside"])["inside"]
    assert kept.shape == (3 * 16, 9, 8)
    assert found.to_grid(kept).shape == (3, 8, 12, 12)


def test_the_grid_is_the_same_numbers_in_another_order() -> None:
    model = NETWORKS["tokens"][0]()
    kept = activations(model, torch.rand(2, 3, 16, 24), ["mlp"])["mlp"]
    grid = layout(model, "mlp").to_grid(kept)
    assert torch.equal(grid[1, :, 2, 3], kept[1, 1 + 2 * 6 + 3])


def test_the_layout_of_another_input_size() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    model = Model(net, Preprocess(size=24))
    assert layout(model, "0").grid == (12, 12)
    assert layout(model, "0", torch.rand(1, 3, 10, 16)).grid == (5, 8)
    assert layout(net, "0", torch.rand(1, 3, 6, 6)).grid == (3, 3)


class Vector(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(6, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x).relu()


def test_a_bare_module_of_vectors() -> None:
    assert layout(Vector(), "inner", torch.rand(2, 6)) == Layout("channels", 5, (1, 1))


class Clever(nn.Module):
    """Writes into slices of a new tensor, and into a slice of its own input."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.shifted = nn.Identity()
        self.zeroed = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        moved = torch.zeros_like(x)
        moved[:, :2, :, 1:] = x[:, :2, :, :-1]
        moved[:, 2:] = x[:, 2:]
        moved = self.shifted(moved)
        moved[:, :, 0] = 0
        return self.zeroed(moved).mean(dim=(2, 3))


def test_writing_into_slices_is_laid_out_or_refused_but_never_wrong() -> None:
    model = of(seeded(Clever), 8, 8)
    for layer in ("shifted", "zeroed"):
        found = layouts(model).get(layer)
        assert found is None or found.grid == (8, 8)


def test_the_survey_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    model = NETWORKS["convnet"][0]()
    first = layout(model, "conv1")
    monkeypatch.setattr(model.module, "forward", None)
    assert layout(model, "pool").grid == (6, 6)
    assert layout(model, "conv1") == first
