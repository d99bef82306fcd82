"""The score that is attributed: asked of a Model, a module or any callable, and differentiated by its inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.autograd.graph import GradientEdge, get_gradient_edge

from cutaway.attribution.sharing import shared, sharing
from cutaway.core.errors import CutawayError, ModelError, OptionError, PictureError, TargetError
from cutaway.core.types import Logits
from cutaway.nets.model import Model, as_model
from cutaway.nets.outputs import scores_of
from cutaway.nets.targets import Target, target_indices

Forward: TypeAlias = "Model | nn.Module | Callable[[Tensor], Tensor]"
"""Anything that answers a batch of inputs with scores (batch, classes)."""

Inputs: TypeAlias = Float[Tensor, "batch ..."]
"""A batch of inputs of any shape."""

LEAST_PASS = 32  # points that share a pass by default where a method needs many per input


class Answer(NamedTuple):
    """One score per input, and the classes that it is the score of: target, less versus where there is one."""

    score: Float[Tensor, " batch"]
    target: Int[Tensor, " batch"]
    versus: Int[Tensor, " batch"] | None


@dataclass(frozen=True)
class Question:
    """What every method is asked: of which network, at which inputs, for which classes, and how many at a time."""

    forward: Forward
    inputs: Inputs
    target: Target = None
    versus: Target = None
    batch_size: int | None = None

    def portions(self) -> Iterator[tuple[Tensor, Target, Target]]:
        """The inputs at most batch_size at a time (None = all at once), each with its share of the targets."""
        return portions(self.inputs, self.target, self.versus, self.batch_size)


def answer(forward: Forward, points: Inputs, target: Target, versus: Target, spare: bool = False) -> Answer:
    """The score asked about at each point, inside `plain`; the points are not changed unless they are spare."""
    return asked(forward, shared(lambda: scores_at(forward, points, spare)), target, versus)


def scores_at(forward: Forward, points: Inputs, spare: bool = False) -> Logits:
    """All scores at each point; the points are not changed unless they are spare."""
    output = forward(points if spare else points.clone())  # a copy: the first layer may work in place
    return scores_of(output, len(points), name_of(forward))


def asked(forward: Forward, scores: Logits, target: Target, versus: Target) -> Answer:
    """The score asked about, among all that the network answered.

    A TargetError for a class out of range, a ModelError if a score is NaN or infinite.
    """
    labels = forward.labels if isinstance(forward, Model) else None
    chosen = target_indices(target, scores, labels)
    against = None if versus is None else target_indices(versus, scores, labels)
    if against is not None and bool((chosen == against).any()):
        raise TargetError(f"versus is the target itself, class {int(chosen[chosen == against][0])}; expected another")
    score = _picked(scores, chosen) - (0 if against is None else _picked(scores, against))
    if not score.isfinite().all():
        raise ModelError(
            f"{name_of(forward)} answered scores that are NaN or infinite; expected finite ones; check its weights"
        )
    return Answer(score, chosen, against)


def answers(forward: Forward, inputs: Inputs, target: Target, versus: Target, batch_size: int | None) -> Answer:
    """The score asked about at each input, without gradients, at most batch_size inputs at a time."""
    with plain(forward, inputs), torch.no_grad():
        return join([answer(forward, *portion) for portion in portions(inputs, target, versus, batch_size)])


def gradients(
    forward: Forward,
    points: Inputs,
    target: Target,
    versus: Target,
    during: AbstractContextManager[object] | None = None,
    spare: bool = False,
) -> tuple[Inputs, Answer]:
    """The gradient of each point's score by the point, and the scores; `during` surrounds the forward pass.

    The points are not changed unless they are spare. A ModelError if the score does not depend on them, or if a
    gradient is NaN or infinite.
    """

    def forward_pass() -> tuple[GradientEdge, Logits]:
        entered = _entered(points, spare)
        edge = get_gradient_edge(entered)
        with during or nullcontext():
            return edge, scores_at(forward, entered, spare=True)

    with plain(forward, points):
        edge, scores = shared(forward_pass)
        found = asked(forward, scores, target, versus)
        gradient = gradient_of(forward, found.score, edge)
    return gradient, Answer(found.score.detach(), found.target, found.versus)


def gradients_of_all(
    question: Question, during: Callable[[], AbstractContextManager[object]] = nullcontext
) -> tuple[Inputs, Answer]:
    """`gradients` of a question's inputs, portion by portion; `during` is made anew for each pass."""
    found = [gradients(question.forward, *portion, during=during()) for portion in question.portions()]
    return torch.cat([each for each, _ in found]), join([each for _, each in found])


def _entered(points: Tensor, spare: bool) -> Tensor:
    """The points where gradients by them end: no leaf, as the first layer may work in place; in place if spare."""
    points, nothing = points.detach(), points.new_zeros((), requires_grad=True)
    return points.add_(nothing) if spare and not points.is_inference() else points + nothing


def gradient_of(
    forward: Forward,
    score: Float[Tensor, " batch"],
    leaf: Tensor | GradientEdge,
    absent: CutawayError | None = None,
) -> Tensor:
    """The gradient of the summed score by a leaf; `absent` is raised where the score does not depend on it."""
    found = None
    if score.requires_grad:
        found = torch.autograd.grad(score.sum(), leaf, allow_unused=True, retain_graph=sharing())[0]
    if found is None:
        raise absent or ModelError(
            f"the score of {name_of(forward)} does not depend on its inputs; expected a differentiable function of "
            "them; look for no_grad, detach or rounding inside it"
        )
    if not found.isfinite().all():
        raise ModelError(f"the gradient of {name_of(forward)} is NaN or infinite at these inputs; expected finite ones")
    return found


def portions(
    inputs: Inputs, target: Target, versus: Target, batch_size: int | None
) -> Iterator[tuple[Tensor, Target, Target]]:
    """The inputs at most batch_size at a time (None = all at once), each with its share of the targets."""
    check_inputs(inputs)
    size = pass_size(batch_size, len(inputs))
    target, versus = per_input(target, len(inputs)), per_input(versus, len(inputs))
    for start in range(0, len(inputs), size):
        rows = slice(start, start + size)
        yield inputs[rows], _share(target, rows), _share(versus, rows)


def check_inputs(inputs: Tensor) -> None:
    """A PictureError unless there is at least one input, of a floating type."""
    if inputs.ndim < 1 or len(inputs) < 1 or not inputs.is_floating_point():
        raise PictureError(
            f"inputs are {inputs.dtype} of shape {tuple(inputs.shape)}; expected a batch of floating-point inputs"
        )


def pass_size(batch_size: int | None, default: int) -> int:
    """How many points share a pass; an OptionError if batch_size is below 1."""
    if batch_size is not None and batch_size < 1:
        raise OptionError(f"batch_size is {batch_size}; expected at least 1")
    return batch_size or default


def per_input(target: Target, batch: int) -> Target:
    """The same target, with one that names a class per input as a tensor of their number."""
    if target is None or isinstance(target, int | str):
        return target
    indices = torch.as_tensor(target)
    if indices.ndim == 0:
        return int(indices)
    if indices.shape != (batch,):
        raise TargetError(
            f"target has shape {tuple(indices.shape)}; expected one class index for each of {batch} inputs"
        )
    return indices


@contextmanager
def plain(forward: Forward, inputs: Tensor) -> Iterator[None]:
    """A Model or module in evaluation mode and for this thread alone (a callable is called as it is); gradients on and
    autocast off, whatever the caller's mode: attribution is computed at the inputs' precision."""
    device = forward.device if isinstance(forward, Model) else inputs.device
    with ExitStack() as stack:
        if isinstance(forward, Model | nn.Module):
            stack.enter_context(as_model(forward).in_use())
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        stack.enter_context(torch.autocast(device.type, enabled=False))
        yield


def name_of(forward: Forward) -> str:
    """What messages call it: a Model's name, a module's class, a function's name."""
    return forward.name if isinstance(forward, Model) else getattr(forward, "__name__", type(forward).__name__)


def join(parts: Sequence[Answer]) -> Answer:
    """The answers for consecutive portions of a batch as one."""
    against = [part.versus for part in parts if part.versus is not None]
    return Answer(
        score=torch.cat([part.score for part in parts]),
        target=torch.cat([part.target for part in parts]),
        versus=torch.cat(against) if against else None,
    )


def passes(batch: int, each: int, batch_size: int | None) -> Iterator[tuple[Int[Tensor, " n"], Int[Tensor, " n"]]]:
    """`each` points for every one of a batch of inputs, as (input, point) indices, one pass at a time."""
    size = pass_size(batch_size, max(LEAST_PASS, batch))
    for some in torch.arange(batch * each).split(size):
        yield some // each, some % each


def _picked(scores: Logits, classes: Int[Tensor, " batch"]) -> Float[Tensor, " batch"]:
    return scores.gather(1, classes[:, None])[:, 0]


def _share(target: Target, rows: slice) -> Target:
    return target[rows] if isinstance(target, Tensor) else target
