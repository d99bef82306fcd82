"""From a picture of any size to what a network expects; and the normalisation that happens inside the Model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.core.errors import OptionError
from cutaway.core.types import Picture, Pictures

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CIFAR10_MEAN, CIFAR10_STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)

LUMINANCE = (0.299, 0.587, 0.114)  # ITU-R BT.601, what Pillow uses for "L"


@dataclass(frozen=True)
class Preprocess:
    """What a network expects of its pictures.

    size: side of the square that it takes, in pixels, or (height, width).
    mean, std: per channel, in the units of [0, 1]; their length is the number of channels (1 = grey).
    resize: the short side is first resized to this, then the centre is cropped to `size`; None = `size`.
    interpolation: "bilinear", "bicubic" or "nearest"; the first two are antialiased, as Pillow's are.
    crop: False = the whole picture is stretched to `size`, and `resize` has no say.
    bgr: the network takes its channels as blue, green, red; mean and std are in that order too.
    """

    size: int | tuple[int, int] = 224
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    std: tuple[float, ...] = (1.0, 1.0, 1.0)
    resize: int | None = None
    interpolation: str = "bilinear"
    crop: bool = True
    bgr: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "mean", tuple(float(m) for m in _values(self.mean)))
        object.__setattr__(self, "std", tuple(float(s) for s in _values(self.std)))
        if len(self.mean) != len(self.std) or len(self.mean) not in (1, 3):
            raise OptionError(
                f"mean has {len(self.mean)} values and std {len(self.std)}; expected 1 (grey) or 3 (RGB) of each"
            )
        if min(self.std) <= 0:
            raise OptionError(f"std is {self.std}; expected positive values")
        if min(self.shape[1:]) < 1:
            raise OptionError(f"size is {self.size}; expected at least 1 pixel")
        if self.interpolation not in ("bilinear", "bicubic", "nearest"):
            raise OptionError(f'no interpolation "{self.interpolation}"; expected bilinear, bicubic or nearest')

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, height, width) of what the network takes."""
        height, width = (self.size, self.size) if isinstance(self.size, int) else self.size
        return len(self.mean), height, width

    def fit(self, picture: Picture) -> Float[Tensor, "_ _ _"]:
        """The picture resized by its short side and cropped at its centre; grey or RGB as the network wants it."""
        channels, height, width = self.shape
        picture = _with_channels(picture, channels)
        if not self.crop:
            return _resized(picture, (height, width), self.interpolation)
        if self.resize is None:  # the smallest size that covers the crop
            factor = max(height / picture.shape[-2], width / picture.shape[-1])
        else:
            factor = max(self.resize, height, width) / min(picture.shape[-2:])
        # Rounded as torchvision rounds, so that a network sees the very pixels that it was tested with.
        inner = (
            max(height, int(picture.shape[-2] * factor + 1e-6)),
            max(width, int(picture.shape[-1] * factor + 1e-6)),
        )
        picture = _resized(picture, inner, self.interpolation)
        top, left = round((inner[0] - height) / 2), round((inner[1] - width) / 2)
        return picture[:, top : top + height, left : left + width].contiguous()

    def normalise(self, pictures: Pictures) -> Pictures:
        """(pictures - mean) / std, differentiable; the last thing before the network."""
        mean = pictures.new_tensor(self.mean)[:, None, None]
        std = pictures.new_tensor(self.std)[:, None, None]
        return ((pictures.flip(1) if self.bgr else pictures) - mean) / std


def guess_preprocess(module: nn.Module) -> Preprocess:
    """The preprocessing of a network that came without one: no normalisation; grey if its first convolution is."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            return Preprocess(mean=(0.0,), std=(1.0,)) if layer.in_channels == 1 else Preprocess()
    return Preprocess()


def _values(given: float | Sequence[float]) -> Sequence[float]:
    return given if isinstance(given, Sequence) else (given,)


def _with_channels(picture: Picture, channels: int) -> Tensor:
    if picture.shape[0] == channels:
        return picture
    if channels == 3:
        return picture.expand(3, -1, -1)
    return (picture * picture.new_tensor(LUMINANCE)[:, None, None]).sum(dim=0, keepdim=True)


def _resized(picture: Picture, size: tuple[int, int], interpolation: str) -> Tensor:
    if tuple(picture.shape[-2:]) == size:
        return picture
    smooth = interpolation != "nearest"
    options = {"align_corners": False, "antialias": True} if smooth else {}
    resized = F.interpolate(picture[None], size=size, mode=interpolation, **options)[0]
    return torch.clamp(resized, 0, 1)  # bicubic overshoots
