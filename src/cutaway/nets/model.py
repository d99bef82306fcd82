"""The Model: a network with its preprocessing and labels, called with pictures in [0, 1], answering with logits."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from cutaway.core.cache import hash_tensors
from cutaway.core.errors import CutawayError, ForwardError, ModelError
from cutaway.core.types import Logits, Pictures
from cutaway.data.pictures import Source, pictures_from
from cutaway.nets.layers import LayerInfo, find_layer, layer_table
from cutaway.nets.outputs import scores_of
from cutaway.nets.preprocess import Preprocess, guess_preprocess
from cutaway.nets.targets import Target, target_indices


@dataclass(frozen=True)
class Prediction:
    """One class that a picture may be: its index and label, probability and logit."""

    index: int
    label: str
    probability: float
    logit: float


_locks: weakref.WeakKeyDictionary[nn.Module, threading.RLock] = weakref.WeakKeyDictionary()
_new_lock = threading.Lock()


class Model:
    """A torch module with its preprocessing and class labels.

    Called with pictures (batch, channels, height, width) in [0, 1], it normalises, never resizes, and answers with
    logits (batch, classes), differentiable with respect to the pictures. The module always runs in evaluation mode
    and is left in the mode it was in. `multilabel` says that classes do not exclude each other (sigmoid, not softmax).
    `spec` is how it was loaded, `note` what a reader of its results should know (say, that its weights are random).
    """

    def __init__(
        self,
        module: nn.Module,
        preprocess: Preprocess | None = None,
        labels: Sequence[str] | None = None,
        *,
        name: str | None = None,
        multilabel: bool = False,
        spec: str = "",
        note: str = "",
    ) -> None:
        if not isinstance(module, nn.Module):
            raise ModelError(f"a {type(module).__name__} is no network; expected a torch.nn.Module")
        self.module = module = _unwrapped(module)
        self.preprocess = preprocess or guess_preprocess(module)
        self.labels = None if labels is None else tuple(labels)
        self.name = name or type(module).__name__
        self.multilabel = multilabel
        self.spec = spec
        self.note = note

    def __repr__(self) -> str:
        return f"Model({self.name}, {self.preprocess})"

    @property
    def device(self) -> torch.device:
        """Where its parameters (or buffers) lie; the CPU if it has none."""
        first = next(self.module.parameters(), next(self.module.buffers(), torch.empty(0)))
        return first.device

    @contextmanager
    def in_use(self) -> Iterator[nn.Module]:
        """The module in evaluation mode, for this thread alone; its modes are put back afterwards."""
        with _new_lock:
            lock = _locks.setdefault(self.module, threading.RLock())
        with lock:
            training = [layer for layer in self.module.modules() if layer.training]
            for layer in training:
                layer.training = False
            try:
                yield self.module
            finally:
                for layer in training:
                    layer.training = True

    def __call__(self, pictures: Pictures) -> Logits:
        """Logits of a batch of pictures in [0, 1] of the size that the network takes."""
        channels = len(self.preprocess.mean)
        if pictures.ndim != 4 or pictures.shape[1] != channels:
            raise ForwardError(
                f"{self.name} was given a tensor of shape {tuple(pictures.shape)}; expected (batch, {channels}, "
                "height, width) in [0, 1]; try model.prepare(...)"
            )
        normalised = self.preprocess.normalise(pictures.to(self.device))
        with self.in_use() as module:
            try:
                output = module(normalised)
            except CutawayError:
                raise
            except (RuntimeError, AssertionError, ValueError) as error:
                size = " x ".join(map(str, pictures.shape[-2:]))
                reason = (str(error).strip() or type(error).__name__).splitlines()[0]
                raise ForwardError(
                    f"{self.name} failed on {len(pictures)} picture(s) of {size} pixels ({reason}); "
                    "expected pictures of the size that it was made for; try another --size"
                ) from error
        logits = scores_of(output, len(pictures), self.name)
        if self.labels is not None and len(self.labels) != logits.shape[1]:
            raise ModelError(
                f"{self.name} answers {logits.shape[1]} scores but has {len(self.labels)} labels; "
                "expected one label for each; try other --labels"
            )
        return logits

    def prepare(self, source: Source | Sequence[Source]) -> Pictures:
        """Pictures from paths, Pillow images, arrays, tensors or a list of them: resized, cropped, in [0, 1]."""
        return torch.stack([self.preprocess.fit(picture) for picture in pictures_from(source)]).to(self.device)

    def predict(self, source: Source, k: int = 5) -> list[Prediction]:
        """The k likeliest classes of one picture, best first."""
        with torch.no_grad():
            logits = self(self.prepare(source)[:1])
        return self.predictions(logits[0], k)

    def predictions(self, logits: Tensor, k: int = 5) -> list[Prediction]:
        """The k likeliest classes of one picture from its logits (classes,); a ModelError if they are not finite."""
        logits = logits.detach().float().cpu()
        if not logits.isfinite().all():
            raise ModelError(
                f"{self.name} answered {int((~logits.isfinite()).sum())} scores that are NaN or infinite; expected "
                "finite logits; check its weights and preprocessing"
            )
        best = logits.argsort(descending=True, stable=True)[:k]
        likely = self.probabilities(logits)
        return [Prediction(int(i), self.label(int(i)), float(likely[i]), float(logits[i])) for i in best]

    def probabilities(self, logits: Tensor) -> Tensor:
        """Softmax over the last axis; sigmoid where classes do not exclude each other or there is only one."""
        single = logits.shape[-1] == 1
        return logits.sigmoid() if single or self.multilabel else logits.softmax(dim=-1)

    def label(self, index: int) -> str:
        """A class in words, or `class 7` where the model has no labels."""
        return self.labels[index] if self.labels is not None else f"class {index}"

    def target(self, target: Target, logits: Logits) -> Tensor:
        """The class that is meant for each picture of a batch with these logits, as indices (batch,)."""
        return target_indices(target, logits, self.labels)

    def layers(self) -> tuple[LayerInfo, ...]:
        """The layer table, as one grey picture of the network's own size passes through it."""
        picture = torch.full((1, *self.preprocess.shape), 0.5, device=self.device)
        with self.in_use():
            return layer_table(self.module, lambda: self(picture), self.preprocess.shape)

    def layer(self, name: str) -> LayerInfo:
        """The layer of that name (`name#k` for one call of several), or a LayerError with the nearest names."""
        return find_layer(name, self.layers(), self.name)

    def weights_hash(self) -> str:
        """A hash of every parameter and buffer: two Models with one hash hold the same numbers."""
        return hash_tensors(self.module.state_dict())


def as_model(model: Model | nn.Module) -> Model:
    """The Model itself, or one around a bare module that takes its input as it is (no normalisation)."""
    return model if isinstance(model, Model) else Model(model)


def _unwrapped(module: nn.Module) -> nn.Module:
    """The network within torch's wrappers for parallel and compiled runs, which would hide its layers."""
    while isinstance(module, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
        module = module.module
    compiled = getattr(module, "_orig_mod", None)
    return _unwrapped(compiled) if isinstance(compiled, nn.Module) else module
