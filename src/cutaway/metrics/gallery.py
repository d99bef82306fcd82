"""What legibility looks like: gradients toward classes beside their pictures, classes on noise, the first filters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.core.errors import DataError
from cutaway.core.types import Pictures
from cutaway.metrics.asking import scores
from cutaway.metrics.noise import DRAWS, class_slopes, shown
from cutaway.metrics.slopes import CHUNK, Reading, mean_colour, slopes_of
from cutaway.nets.model import Model
from cutaway.report.drawing import Field, Raster, enlarge, heat, png, to_raster
from cutaway.report.gallery_page import Plate, Sheet, gallery_page

ENLARGED = 96  # pixels a side, at least, on the page
FULL = 0.995  # the quantile of magnitudes that is drawn as the full colour


@dataclass(frozen=True)
class Toward:
    """One picture, and the gradients toward the class that it shows and toward the class that comes next."""

    picture: Float[Tensor, "channels height width"]
    classes: tuple[int, int]
    slopes: Float[Tensor, "classes channels height width"]
    shares: Float[Tensor, "height width"]
    """Gradient times input toward the first class, colours added up."""


def legibility_page(
    model: Model, pictures: Pictures, labels: Sequence[int] | None = None, reading: Reading = "gradient", seed: int = 0
) -> str:
    """One self-contained page. labels: the class that each picture shows; the network's answer where left out."""
    found = toward(model, pictures, labels, reading)
    classes = scores(model, pictures[:1]).shape[1]
    averages = class_slopes(model, classes, reading, DRAWS, seed=seed).mean(1)
    sheets = [
        Sheet(
            "Gradients toward classes",
            "Each picture; the gradient toward its class, as a picture about grey; each pixel's share of the score "
            "(orange for, blue against); the gradient toward the class that comes next.",
            [plate for one in found for plate in plates(model, one)],
        ),
        Sheet(
            "Classes on noise",
            f"The gradient toward each class, averaged over {DRAWS} pictures of noise: what the class is, unseen.",
            [
                Plate(model.label(index), png(enlarge(to_raster(each.cpu().numpy()), ENLARGED)))
                for index, each in enumerate(shown(model, averages))
            ],
        ),
        Sheet("First filters", "The first convolution's kernels, each about its own grey.", filters(model)),
    ]
    return gallery_page(f"What {model.name} shows", f"{len(pictures)} pictures, reading: {reading}", sheets)


def toward(
    model: Model, pictures: Pictures, labels: Sequence[int] | None = None, reading: Reading = "gradient"
) -> list[Toward]:
    """The gradients of each picture toward its class and toward the strongest other one."""
    answers = scores(model, pictures)
    first = answers.argmax(1) if labels is None else torch.tensor(list(labels), device=answers.device)
    second = answers.scatter(1, first[:, None], -torch.inf).argmax(1)
    slopes = torch.stack([slopes_of(reading)(model, pictures, each, CHUNK) for each in (first, second)], dim=1)
    shares = (slopes[:, 0] * (pictures - mean_colour(model, pictures))).sum(1)
    return [Toward(pictures[i], (int(first[i]), int(second[i])), slopes[i], shares[i]) for i in range(len(pictures))]


def plates(model: Model, one: Toward) -> list[Plate]:
    """A picture's four plates."""
    first, second = (model.label(each) for each in one.classes)
    share: Field = one.shares.double().cpu().numpy()
    return [
        Plate(first, _png(to_raster(one.picture.cpu().numpy()))),
        Plate(f"toward {first}", _png(as_picture(one.slopes[0]))),
        Plate("share of the score", _png(heat(share, signed=True))),
        Plate(f"toward {second}", _png(as_picture(one.slopes[1]))),
    ]


def as_picture(slopes: Float[Tensor, "channels height width"]) -> Raster:
    """A gradient about grey, its full colours at a high quantile of its magnitudes."""
    full = slopes.abs().flatten().quantile(FULL).clamp(min=1e-12)
    return to_raster((0.5 + 0.5 * slopes / full).clamp(0, 1).cpu().numpy())


def filters(model: Model) -> list[Plate]:
    """The kernels of the first convolution that reads pictures."""
    for name, layer in model.module.named_modules():
        weight = getattr(layer, "weight", None)
        if isinstance(weight, Tensor) and weight.ndim == 4 and weight.shape[1] == model.preprocess.shape[0]:
            assert isinstance(layer, nn.Module)
            kernels = weight.detach()
            return [Plate(f"{name}:{unit}", _png(as_picture(kernel))) for unit, kernel in enumerate(kernels)]
    raise DataError(f"{model.name} has no convolution that reads pictures; expected one; try another network")


def _png(raster: Raster) -> bytes:
    return png(enlarge(raster, ENLARGED))
