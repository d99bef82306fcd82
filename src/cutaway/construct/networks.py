"""Part networks: a leaf sees pixels, every node above it sees its children's maps and nothing else.

Each network answers with a map of logits; a head that nobody trains reads off it whether the part is there at all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import torch
import torch.nn.functional as F
import yaml
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from cutaway.construct.answering import Answer
from cutaway.construct.ontology import check_id, read_yaml
from cutaway.core.cache import write_atomically
from cutaway.core.errors import ProjectError, choose

FORMS = ("leaf", "composed", "rule")
ANSWERS = ("map", "children")
# A file from elsewhere is read before anybody knows whether it is sensible.
MOST_REACH, MOST_MEMBERS, MOST_WHETHER = 5, 16, 100
WEIGHTS, SPEC = "weights.safetensors", "spec.yaml"


@dataclass(frozen=True)
class Spec:
    """What a node's network is. size: pixels a side of the pictures; inputs: its children, one channel each.

    threshold: the presence from which on the part is there; level: the logit from which on a place belongs to it.
    supervision: "mask" (whole pictures, per pixel) or "crop" (cut-out parts, one answer each). laid_in: the share of
    a leaf's pictures that get another one's part laid in, so that it is known by itself and not by its company.
    reach: how many convolutions of a leaf's wide look, each twice as far as the one before (2 see 41 pixels, 3 see 73).
    members: networks that answer with the mean of their maps.
    whether: how much it counts in learning that a part is there at all, against where.
    answer: whether a part is there, read off the "map" alone, or off all that its "children" show in the picture.
    """

    form: str = "leaf"
    inputs: tuple[str, ...] = ()
    size: int = 64
    width: int = 16
    kernel: int = 15
    filters: int = 8
    head: str = "max"
    whether: float = 0.3
    answer: str = "map"
    supervision: str = "mask"
    laid_in: float = 0.2
    reach: int = 2
    members: int = 1
    batch: int = 50
    seed: int = 0
    epochs: int = 12
    threshold: float = 0.0
    level: float = 0.0

    def __post_init__(self) -> None:
        choose(self.form, FORMS, "form of network")
        choose(self.head, HEADS, "head")
        choose(self.answer, ANSWERS, "answer")
        choose(self.supervision, ("mask", "crop"), "supervision")
        for child in self.inputs:
            check_id(child)
        numbers = (self.size, self.width, self.kernel, self.filters, self.epochs, self.batch)
        if not all(0 < number <= 1024 for number in numbers) or self.size % 4 or self.kernel % 2 == 0:
            raise ProjectError(
                f"a network of size {self.size}, width {self.width}, kernel {self.kernel}, filters {self.filters}; "
                "expected 1 to 1024 each, a size that 4 divides and an odd kernel"
            )
        if not 1 <= self.reach <= MOST_REACH or not 1 <= self.members <= MOST_MEMBERS:
            raise ProjectError(
                f"a network of {self.members} members that reach {self.reach} convolutions far; expected 1 to "
                f"{MOST_MEMBERS} and 1 to {MOST_REACH}"
            )
        if not 0 <= self.laid_in <= 1 or not 0 <= self.whether <= MOST_WHETHER:
            raise ProjectError(
                f"parts laid into {self.laid_in} of the pictures, whether they are there counting {self.whether}; "
                f"expected a share from 0 to 1, and 0 to {MOST_WHETHER}"
            )
        if self.answer == "children" and (self.form != "composed" or self.head != "max"):
            raise ProjectError(
                f"a {self.form} network with the head {self.head} that answers by its children; expected a composed "
                "one with the head max"
            )
        if (self.form == "leaf") == bool(self.inputs):
            raise ProjectError(
                f"a {self.form} network of {len(self.inputs)} children; expected none for a leaf, else some"
            )

    @property
    def grid(self) -> int:
        """Places a side of the network's map."""
        return self.size if self.form == "leaf" else self.size // 4


class Leaf(nn.Module):
    """Pixels in [0, 1] to a map of logits at their size: a fine look at half of it, a wide one at a quarter, joined.

    The wide look costs a quarter of what it would cost on the fine grid and sees twice as far. Four answers a place
    (Shi et al. 2016) bring the map back to the pictures' size, without which a thin stem is drawn too thick.
    """

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        fine, wide = spec.width, 2 * spec.width
        self.fine = nn.Sequential(*_looking(3, fine, 5, stride=2))
        self.wide = nn.Sequential(
            *_looking(fine, wide, 3, stride=2),
            *(module for step in range(spec.reach) for module in _looking(wide, wide, 3, dilation=2**step)),
            nn.Conv2d(wide, fine, 1),
        )
        self.joined = nn.Sequential(*_looking(fine, fine, 3), nn.Conv2d(fine, 4, 3, 1, 1), nn.PixelShuffle(2))

    def forward(self, pictures: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n 1 grid grid"]:
        fine = self.fine(pictures - 0.5)
        answer: Tensor = self.joined(fine + F.interpolate(self.wide(fine), size=fine.shape[-2:]))
        return answer


def _looking(channels: int, filters: int, side: int, stride: int = 1, dilation: int = 1) -> tuple[nn.Module, ...]:
    convolution = nn.Conv2d(channels, filters, side, stride, dilation * (side // 2), dilation, bias=False)
    return convolution, nn.BatchNorm2d(filters), nn.ReLU()


class Composed(nn.Module):
    """One convolution over the children's maps; the largest of its filters answers at each place."""

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(len(spec.inputs), spec.filters, spec.kernel, padding=spec.kernel // 2)
        nn.init.normal_(self.convolution.weight, std=0.02)
        nn.init.constant_(self.convolution.bias, -1.0)  # type: ignore[arg-type]  # there is one: bias is on by default

    def forward(self, maps: Float[Tensor, "n children grid grid"]) -> Float[Tensor, "n 1 grid grid"]:
        answer: Tensor = self.convolution(maps).amax(dim=1, keepdim=True)
        return answer


class Mean(nn.Module):
    """Several networks of one kind, each of which learned from a seed of its own: the mean of their maps."""

    def __init__(self, members: Sequence[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, inputs: Float[Tensor, "n c h w"]) -> Float[Tensor, "n 1 grid grid"]:
        answer: Tensor = sum(member(inputs) for member in self.members) / len(self.members)
        return answer


class LinearHead(nn.Module):
    """A trained answer: one weight for each of 8 x 8 fields of the map."""

    def __init__(self) -> None:
        super().__init__()
        self.weigh = nn.Linear(64, 1)
        nn.init.constant_(self.weigh.weight, 1 / 64)

    def forward(self, field: Float[Tensor, "n 1 g g"]) -> Float[Tensor, " n"]:
        answer: Tensor = self.weigh(F.adaptive_max_pool2d(field, 8).flatten(1))
        return answer[:, 0]


class PartNet(nn.Module):
    """A node's network: `map` says where, `presence` whether at all.

    Where it answers by its children, its map is moved up or down as a whole until its highest place is that answer;
    while it learns where, it is not.
    """

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        if spec.form == "rule":
            raise ProjectError("a plain-coded node has no network; expected a leaf or a composed one")
        self.spec = spec
        kind = Leaf if spec.form == "leaf" else Composed
        self.map = kind(spec) if spec.members == 1 else Mean([kind(spec) for _ in range(spec.members)])
        self.head = LinearHead() if spec.head == "linear" else None
        self.answer = Answer(len(spec.inputs)) if spec.answer == "children" else None

    def forward(self, inputs: Float[Tensor, "n c h w"]) -> Float[Tensor, "n 1 grid grid"]:
        field: Tensor = self.map(inputs)
        if self.answer is None or self.training:
            return field
        moved: Tensor = field - field.amax(dim=(2, 3), keepdim=True) + self.answer(inputs)[:, None, None, None]
        return moved

    def presence(self, field: Float[Tensor, "n 1 g g"]) -> Float[Tensor, " n"]:
        """One logit a picture, read off its map."""
        if self.head is not None:
            answer: Tensor = self.head(field)
            return answer
        return HEADS[self.spec.head](field)


def highest(field: Float[Tensor, "n 1 g g"]) -> Float[Tensor, " n"]:
    """The plain-coded head: the part is as much there as at its best place."""
    return field.flatten(1).amax(dim=1)


def mean(field: Float[Tensor, "n 1 g g"]) -> Float[Tensor, " n"]:
    """The head that averages over all places."""
    return field.flatten(1).mean(dim=1)


HEADS: Mapping[str, Callable[[Tensor], Tensor]] = {"max": highest, "average": mean, "linear": highest}
"""How presence is read off a map; the linear head has weights of its own and is trained."""


def hash_of(folder: Path) -> str:
    """The hash of a node's weights file."""
    return hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()


def write(net: PartNet, spec: Spec, folder: Path) -> None:
    """The network as weights.safetensors (half precision) and spec.yaml."""
    tensors = {
        name: (value.half() if value.is_floating_point() else value).contiguous()
        for name, value in net.state_dict().items()
    }
    write_atomically(folder / WEIGHTS, lambda beside: save_file(tensors, beside))
    write_spec(spec, folder)


def write_spec(spec: Spec, folder: Path) -> None:
    plain = {**asdict(spec), "inputs": list(spec.inputs)}
    text = yaml.safe_dump(plain, sort_keys=False)
    write_atomically(folder / SPEC, lambda beside: beside.write_text(text))


def read_spec(folder: Path) -> Spec:
    """The spec in a node's folder. Raises ProjectError for unknown fields and values of the wrong kind."""
    path = folder / SPEC
    if not path.is_file() or path.is_symlink():
        raise ProjectError(f"{folder.name} has no {SPEC}; expected a trained node; try: cutaway construct train")
    data = read_yaml(path.read_text(), str(path.name))
    kinds = {each.name: type(getattr(Spec(), each.name)) for each in fields(Spec)}
    for key, value in data.items():
        wanted = kinds.get(key)
        if wanted is None or not isinstance(
            value, (list if wanted is tuple else (int, float) if wanted is float else wanted)
        ):
            raise ProjectError(f"{SPEC} of {folder.name}: {key} is {value!r}; expected one of {', '.join(kinds)}")
    if not all(isinstance(name, str) for name in data.get("inputs", [])):
        raise ProjectError(f"{SPEC} of {folder.name}: inputs are {data['inputs']!r}; expected ids")
    return Spec(**{**data, "inputs": tuple(data.get("inputs", ()))})


def read(folder: Path, spec: Spec | None = None, most: int | None = None) -> PartNet:
    """The network in a node's folder, in evaluation mode. The file's header is checked before anything is built.

    Raises ProjectError for weights that are missing, not finite, of other shapes, or of more than `most` parameters.
    """
    spec = spec or read_spec(folder)
    path = folder / WEIGHTS
    if not path.is_file() or path.is_symlink():
        raise ProjectError(f"{folder.name} has no {WEIGHTS}; expected a trained node; try: cutaway construct train")
    with torch.device("meta"):
        wanted = {name: tuple(value.shape) for name, value in PartNet(spec).state_dict().items()}
    count = sum(torch.Size(shape).numel() for shape in wanted.values())
    if most is not None and count > most:
        raise ProjectError(f"{folder.name} has {count:,} parameters; expected at most {most:,}")
    try:
        with safe_open(path, "pt") as file:
            shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118  # no dict
            if shapes != wanted:
                raise ProjectError(
                    f"{WEIGHTS} of {folder.name} hold other tensors than its spec; expected {len(wanted)}"
                )
            tensors = {name: file.get_tensor(name) for name in wanted}
    except SafetensorError as fault:
        raise ProjectError(f"{WEIGHTS} of {folder.name} are damaged ({fault}); expected safetensors") from None
    for name, value in tensors.items():
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            raise ProjectError(f"{WEIGHTS} of {folder.name}: {name} is not finite; expected numbers; train it again")
    net = PartNet(spec)
    net.load_state_dict(
        {name: value.float() if value.is_floating_point() else value for name, value in tensors.items()}
    )
    return net.eval()
