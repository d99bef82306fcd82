"""Our own small architectures, and the networks that the package ships with weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from torch import nn

from cutaway.data import cifar10
from cutaway.data.partworld.classes import LABELS as PARTWORLD_LABELS
from cutaway.nets.preprocess import CIFAR10_MEAN, CIFAR10_STD, IMAGENET_MEAN, IMAGENET_STD, Preprocess
from cutaway.nets.zoo.airbench_net import airbench_net
from cutaway.nets.zoo.bagnet import bagnet
from cutaway.nets.zoo.bcos_net import bcos_net
from cutaway.nets.zoo.bias_free_net import bias_free_net
from cutaway.nets.zoo.bucket_net import bucket_net
from cutaway.nets.zoo.cifar_resnet import cifar_resnet
from cutaway.nets.zoo.clear_net import clear_net
from cutaway.nets.zoo.conjunctions import conjunction_disjunction, directional
from cutaway.nets.zoo.gumbel_net import gumbel_net
from cutaway.nets.zoo.inception_v1 import inception_v1
from cutaway.nets.zoo.inception_v2 import inception_v2
from cutaway.nets.zoo.inception_v3 import inception_v3
from cutaway.nets.zoo.partworld import partworld_net
from cutaway.nets.zoo.positive_net import positive_net
from cutaway.nets.zoo.prototype_net import deformable_prototypes, protopnet
from cutaway.nets.zoo.shallow_net import shallow_net
from cutaway.nets.zoo.smooth_convnet import smooth_convnet
from cutaway.nets.zoo.squeezenet import squeezenet1_1
from cutaway.nets.zoo.two_layer_net import two_layer_net

WEIGHTS = Path(__file__).parents[1] / "weights"
"""Where the shipped weights lie: `<name>.safetensors`, and `<name>.json`, the card."""

LABEL_SETS: Mapping[str, tuple[str, ...]] = {"partworld": PARTWORLD_LABELS, "cifar10": cifar10.LABELS}
"""Class labels in index order. ImageNet's are not ours to ship: a user passes them with `--labels`."""


@dataclass(frozen=True)
class ZooEntry:
    """One network by name: how it is made, what it expects of pictures, and what its classes are."""

    name: str
    says: str
    factory: Callable[..., nn.Module]
    """`factory(classes=...)`: the network with random weights."""
    preprocess: Preprocess
    classes: int
    label_set: str
    shipped: bool = False

    @property
    def labels(self) -> tuple[str, ...] | None:
        """The class labels, or None where the package does not ship them."""
        return LABEL_SETS.get(self.label_set)

    @property
    def weights(self) -> Path | None:
        """The shipped weights (halves or whole numbers; load them into float32), or None where there are none."""
        return WEIGHTS / f"{self.name}.safetensors" if self.shipped else None

    def build(self) -> nn.Module:
        """The network for its own number of classes, with random weights from torch's global stream."""
        return self.factory(classes=self.classes)


_CIFAR10 = Preprocess(size=32, mean=CIFAR10_MEAN, std=CIFAR10_STD)
_CIFAR10_AS_IMAGENET = Preprocess(size=32, mean=IMAGENET_MEAN, std=IMAGENET_STD)
_PARTWORLD = Preprocess(size=64, mean=(0.5,) * 3, std=(0.25,) * 3)
_IMAGENET = Preprocess(size=224, mean=IMAGENET_MEAN, std=IMAGENET_STD, resize=256)
# The means and spreads with which the public weights of these networks were trained.
_LUCID = Preprocess(size=224, mean=(117 / 255,) * 3, std=(1 / 255,) * 3, resize=256)
_CAFFE = Preprocess(size=224, mean=(104 / 255, 117 / 255, 128 / 255), std=(1 / 255,) * 3, resize=256, bgr=True)
_INCEPTION = Preprocess(size=299, mean=(0.5,) * 3, std=(0.5,) * 3, resize=342)
_ADVISER = partial(airbench_net, widths=(128, 384, 384))
_CLEAR = partial(clear_net, widths=(64, 192, 256), strength=1.0, advisers=(_ADVISER,), places=4)


def _resnet(depth: int) -> ZooEntry:
    says = f"He et al.'s CIFAR ResNet of {depth} layers, parameter-free shortcuts"
    # The public weights of these networks were trained with ImageNet's mean and std.
    return ZooEntry(f"resnet{depth}", says, partial(cifar_resnet, depth), _CIFAR10_AS_IMAGENET, 10, "cifar10")


def _white_box(name: str, says: str, factory: Callable[..., nn.Module]) -> ZooEntry:
    """A network of whitebox layers, trained by the recipe of its name."""
    return ZooEntry(name, says, factory, _CIFAR10, 10, "cifar10")


_ENTRIES = (
    ZooEntry("partworld", "the shipped PartWorld network", partworld_net, _PARTWORLD, 20, "partworld", shipped=True),
    ZooEntry("cifar10", "the shipped CIFAR-10 network", smooth_convnet, _CIFAR10, 10, "cifar10", shipped=True),
    ZooEntry("clear", "the shipped network that adds up from pixels", _CLEAR, _CIFAR10, 10, "cifar10", shipped=True),
    ZooEntry("smooth_convnet", "the shipped network's architecture", smooth_convnet, _CIFAR10, 10, "cifar10"),
    ZooEntry("squeezenet1_1", "SqueezeNet 1.1 for ImageNet", squeezenet1_1, _IMAGENET, 1000, "imagenet"),
    ZooEntry("inception_v1", "Inception v1 (GoogLeNet) as Lucid has it", inception_v1, _LUCID, 1008, "lucid"),
    ZooEntry("inception_v2", "Inception v2 (BN-Inception)", inception_v2, _CAFFE, 1000, "imagenet"),
    ZooEntry("inception_v3", "Inception v3", inception_v3, _INCEPTION, 1000, "imagenet"),
    *map(_resnet, (20, 32, 44, 56)),
    _white_box("clear_net", "gates of one network, values of another that add up from pixels", clear_net),
    _white_box("bias_free_net", "a common network without offsets", bias_free_net),
    _white_box("airbench_net", "the black box to compare with", airbench_net),
    _white_box("conjunction_disjunction", "one of several cases, each of four parts", conjunction_disjunction),
    _white_box("directional", "parts that move in their own corner", directional),
    _white_box("gumbel_net", "kernels that read one or two channels per place", gumbel_net),
    _white_box("two_layer_net", "large filters, their maxima, one of several units", two_layer_net),
    _white_box("shallow_net", "two layers, kernels, norm and head exchangeable", shallow_net),
    _white_box("bucket_net", "a shallow backbone for each of a class's cases", bucket_net),
    _white_box("positive_net", "three layers, no negative weight above the first", positive_net),
    _white_box("bagnet", "the mean of what patches of 10 pixels say", bagnet),
    _white_box("bcos_net", "weights that align with what they detect", bcos_net),
    _white_box("protopnet", "likeness to patches of training pictures", protopnet),
    _white_box("deformable_prototypes", "prototypes whose parts move in their own directions", deformable_prototypes),
)

ZOO: Mapping[str, ZooEntry] = {entry.name: entry for entry in _ENTRIES}
"""Name -> entry; the names that `cutaway.load` knows of our own."""

__all__ = [
    "LABEL_SETS",
    "WEIGHTS",
    "ZOO",
    "ZooEntry",
    "airbench_net",
    "bagnet",
    "bcos_net",
    "bias_free_net",
    "bucket_net",
    "cifar_resnet",
    "clear_net",
    "conjunction_disjunction",
    "deformable_prototypes",
    "directional",
    "gumbel_net",
    "inception_v1",
    "inception_v2",
    "inception_v3",
    "partworld_net",
    "positive_net",
    "protopnet",
    "shallow_net",
    "smooth_convnet",
    "squeezenet1_1",
    "two_layer_net",
]
