"""Rules: how each primitive operation of torch moves or combines coordinates.

A rule is a small function; the table at the end says which operations it is for. An operation that is not in the table
makes numbers that lie nowhere and may depend on everything, so that nothing is claimed wrongly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

from cutaway.trace import coordinates as place
from cutaway.trace.coordinates import NOTHING, NOWHERE, Coordinates, joined, nothing_like, short, summed, windows

Of: TypeAlias = "Callable[[Any], Coordinates | None]"
Rule: TypeAlias = "Callable[[Of, Any, tuple[Any, ...], Any], Coordinates | list[Coordinates] | None]"
"""From a lookup of coordinates, the operation, its arguments and its result: the coordinates of the result."""

_VIEWS = ("view", "_unsafe_view", "_reshape_alias", "reshape")
_MOVES = (
    *("repeat", "index_select", "reflection_pad2d", "replication_pad2d", "pixel_shuffle"),
    *("pixel_unshuffle", "native_channel_shuffle", "channel_shuffle", "upsample_nearest2d"),
)
_SAME = (
    *("clone", "_to_copy", "contiguous", "lift_fresh", "native_dropout", "native_batch_norm", "cudnn_batch_norm"),
    *("_batch_norm_no_update", "_native_batch_norm_legit_no_training", "hardswish", "hardtanh", "_prelu_kernel"),
)
_REDUCTIONS = (
    *("mean", "sum", "amax", "amin", "max", "min", "var", "std", "var_mean", "std_mean", "linalg_vector_norm", "norm"),
    *("logsumexp", "prod"),
)
_EMPTY = ("zeros_like", "ones_like", "empty_like", "full_like", "new_zeros", "new_empty", "new_full", "new_ones")


def same(of: Of, func: Any, args: tuple[Any, ...], result: Any) -> Coordinates | None:
    return of(args[0])


def pointwise(of: Of, func: Any, args: tuple[Any, ...], result: Any) -> Coordinates:
    parts = [found for value in tensors(args) if (found := of(value)) is not None]
    return joined(parts, next(tensors(result)).shape)


def moved(of: Of, func: Any, args: tuple[Any, ...], result: Any) -> Coordinates | list[Coordinates] | None:
    these = of(args[0])
    if these is None:
        return None
    if isinstance(result, Tensor):
        return these.map(lambda t: func(t, *args[1:]))
    pieces = [func(t, *args[1:]) for t in (*these.places, *these.reach)]
    return [Coordinates(tuple(each[:3]), tuple(each[3:])) for each in zip(*pieces, strict=True)]


def reshaped(of: Of, func: Any, args: tuple[Any, ...], result: Any) -> Coordinates | None:
    these = of(args[0])
    return these and these.map(lambda t: t.reshape(result.shape))


def indexed(of: Of, func: Any, args: tuple[Any, ...], result: Any) -> Coordinates | None:
    these = of(args[0])
    return these and these.map(lambda t: func(t, args[1]))


def turned(of: Of, func: Any, args: tuple[Any, ...], result: Any) -> Coordinates | None:
    """Rolled or flipped, which does nothing along an axis of equal entries."""
    these = of(args[0])
    return these and these.map(lambda t: func(short(t), *args[1:])).expand(*result.shape)


def concatenated(of: Of, func: Any, args: tuple[Any, ...], result: Any) -> Coordinates:
    parts = [of(value) or nothing_like(value) for value in args[0]]
    axis = args[1] if len(args) > 1 else 0
    if func._schema.name == "aten::stack":
        axis %= len(result.shape)
        parts = [part.map(lambda t: t.unsqueeze(axis)) for part in parts]
    return place.side_by_side(parts, axis)


def padded(of: Of, func: Any, args: tuple[Any, ...], result: Any) -> Coordinates | None:
    these, border = of(args[0]), list(args[1])
    axes = [result.ndim - 1 - index // 2 for index, width in enumerate(border) if width]
    return these and these.each(
        lambda t: F.pad(short(t, keep=axes), border, value=NOWHERE),
        lambda t: F.pad(short(t, keep=axes), border, value=NOTHING),
    ).expand(*result.shape)


def patches(of: Of, func: Any, args: tuple[Any, ...], result: Any) -> Coordinates | None:
    """im2col: windows taken out; zeros come from outside the picture."""
    these = of(args[0])
    inside = func(torch.ones_like(args[0]), *args[1:]) > 0
    return these and these.each(
        lambda t: torch.where(inside, func(t.contiguous(), *args[1:]), NOWHERE),
        lambda t: torch.where(inside, func(t.contiguous(), *args[1:]), NOTHING),
    )


def reduced(of: Of, func: Any, args: tuple[Any, ...], result: Any) -> list[Coordinates] | None:
    these = of(args[0])
    if these is None:
        return None
    axes = next((value for value in args[1:] if isinstance(value, (list, tuple))), None)
    if axes is None and func._overloadname == "dim":  # max.dim and the like name one axis
        axes = [args[1]]
    if axes is None and func._schema.name in ("aten::linalg_vector_norm", "aten::norm") and len(args) > 2:
        axes = [args[2]] if isinstance(args[2], int) else None
    total = summed(these, axes or range(len(these.shape)))
    return [total.map(lambda t, shape=out.shape: t.reshape(shape)) for out in tensors(result)]  # type: ignore[misc]


def normalised(of: Of, func: Any, args: tuple[Any, ...], result: Any) -> Coordinates | None:
    """Layer norm: each number depends on all along the last axes, group norm: on its sample; places stay."""
    these = of(args[0])
    if these is None:
        return None
    whole = func._schema.name == "aten::native_group_norm"
    axes = range(1, len(these.shape)) if whole else range(-len(args[1]), 0)
    return Coordinates(these.places, summed(these, axes).expand(*these.shape).reach)


def softened(of: Of, func: Any, args: tuple[Any, ...], result: Any) -> Coordinates | None:
    these = of(args[0])
    return these and Coordinates(these.places, summed(these, [args[1]]).expand(*these.shape).reach)


def convolved(of: Of, func: Any, args: tuple[Any, ...], result: Any) -> Coordinates | list[Coordinates] | None:
    these, weight = of(args[0]), args[1]
    stride, padding, dilation, transposed = args[3:7]
    if these is None or transposed or weight.ndim not in (3, 4):
        return unknown(of, func, args, result)
    these = summed(these, [1])  # over the channels
    if weight.ndim == 3:  # a row of places: windows of height 1
        flat = these.map(lambda t: t.unsqueeze(2))
        flat = windows(flat, (1, weight.shape[2]), (1, stride[0]), (0, padding[0]), (1, dilation[0]))
        these = flat.map(lambda t: t.squeeze(2))
    else:
        these = windows(these, weight.shape[2:], stride, padding, dilation)
    return these.expand(*result.shape)


def pooled(of: Of, func: Any, args: tuple[Any, ...], result: Any) -> Coordinates | None:
    these, out = of(args[0]), next(tensors(result))
    if these is None:
        return None
    given = list(args[1:])
    size, stride, padding, *rest = given + [[], 0][len(given) - 1 :]  # stride and padding may be left out
    dilation = rest.pop(0) if rest and "max" in func._schema.name else 1
    return windows(these, size, stride, padding, dilation, ceil=bool(rest and rest[0])).expand(*out.shape)


def pooled_to_size(of: Of, func: Any, args: tuple[Any, ...], result: Any) -> Coordinates | None:
    these, out = of(args[0]), next(tensors(result))
    if these is None:
        return None
    if out.shape[-2:].numel() == 1:
        return summed(these, [-2, -1]).expand(*out.shape)
    size = (out.shape[-2], out.shape[-1])
    grids = (out.ndim - 2, out.ndim - 1)
    return these.each(
        lambda t: F.adaptive_avg_pool2d(short(t, keep=grids), size),
        lambda t: F.adaptive_max_pool2d(short(t, keep=grids), size),
    ).expand(*out.shape)


def enlarged(of: Of, func: Any, args: tuple[Any, ...], result: Any) -> Coordinates | list[Coordinates] | None:
    """Smooth interpolation to a finer grid: each place sees its neighbours on the coarse one, two away at most."""
    these = of(args[0])
    if these is None or any(new < old for new, old in zip(result.shape[-2:], these.shape[-2:], strict=True)):
        return unknown(of, func, args, result)
    size = list(result.shape[-2:])
    near = windows(these, 5, 1, 2)
    grids = (result.ndim - 2, result.ndim - 1)
    finer = Coordinates(these.places, near.reach).each(
        lambda t: F.interpolate(short(t, keep=grids), size, mode="bilinear"),
        lambda t: F.interpolate(short(t, keep=grids), size, mode="nearest"),
    )
    return finer.expand(*result.shape)


def multiplied(of: Of, func: Any, args: tuple[Any, ...], result: Any) -> Coordinates:
    """Matrix products: a row of the result lies where the row of the first factor does, else where the column of the
    second does. An attention map so lies at its queries, and what attention gives too."""
    name = func._schema.name
    first, second = args[1:3] if name in ("aten::addmm", "aten::baddbmm") else args[:2]
    rows, columns = of(first), None if name == "aten::linear" else of(second)
    parts = [summed(rows, [-1])] if rows else []
    parts += [summed(columns, [-2])] if columns else []
    if len(parts) == 2:
        return place.first_or_second(parts[0], parts[1], result.shape)
    return joined(parts, result.shape)


def attended(of: Of, func: Any, args: tuple[Any, ...], result: Any) -> Coordinates | list[Coordinates]:
    """Attention: what it gives lies where its query does, and depends on every key and value."""
    out = next(tensors(result))
    query = of(args[0])
    if query is None:
        return unknown(of, func, args, result)
    seen = [summed(found, [-2, -1]) for value in args[1:3] if (found := of(value)) is not None]
    here = summed(query, [-1])
    parts = [part.expand(*out.shape) for part in (here, *(s for s in seen if s.shape[:-2] == out.shape[:-2]))]
    if len(parts) != 1 + len(seen):  # several heads of queries share one of keys
        return unknown(of, func, args, result)
    return Coordinates(here.expand(*out.shape).places, joined(parts, out.shape).reach)


def whole_layer(of: Of, func: Any, args: tuple[Any, ...], result: Any) -> Coordinates | list[Coordinates]:
    """A transformer's layer as one operation: tokens stay where they are, and depend on every other."""
    these = of(args[0])
    blind = unknown(of, func, args, result)
    return blind if these is None else [Coordinates(these.places, blind[0].reach), *blind[1:]]


def empty(of: Of, func: Any, args: tuple[Any, ...], result: Any) -> Coordinates:
    return nothing_like(result)


def unknown(of: Of, func: Any, args: tuple[Any, ...], result: Any) -> list[Coordinates]:
    """Nowhere, and depending on all that went in."""
    parts = [summed(found, range(len(found.shape))) for value in tensors(args) if (found := of(value)) is not None]
    seen = joined([part.map(lambda t: t.reshape(1)) for part in parts], torch.Size([1]))
    nowhere = Coordinates(tuple(torch.full_like(t, NOWHERE) for t in seen.places), seen.reach)
    return [
        nowhere.map(lambda t, n=out.ndim: t.reshape([1] * n)).expand(*out.shape)  # type: ignore[misc]
        for out in tensors(result)
    ]


RULES: Mapping[str, Rule] = {
    **dict.fromkeys(_VIEWS, reshaped),
    **dict.fromkeys(_MOVES, moved),
    **dict.fromkeys(_SAME, same),
    **dict.fromkeys(_REDUCTIONS, reduced),
    **dict.fromkeys(_EMPTY, empty),
    **dict.fromkeys(("cat", "stack"), concatenated),
    **dict.fromkeys(("roll", "flip"), turned),
    **dict.fromkeys(("native_layer_norm", "native_group_norm", "_fused_rms_norm"), normalised),
    **dict.fromkeys(("_softmax", "_log_softmax", "softmax", "log_softmax"), softened),
    **dict.fromkeys(("convolution", "_convolution", "cudnn_convolution", "mkldnn_convolution"), convolved),
    **dict.fromkeys(("max_pool2d_with_indices", "max_pool2d", "avg_pool2d"), pooled),
    **dict.fromkeys(("_adaptive_avg_pool2d", "adaptive_avg_pool2d", "adaptive_max_pool2d"), pooled_to_size),
    **dict.fromkeys(("upsample_bilinear2d", "upsample_bicubic2d"), enlarged),
    **dict.fromkeys(("mm", "bmm", "addmm", "baddbmm", "linear", "matmul"), multiplied),
    **dict.fromkeys(
        (
            *("_scaled_dot_product_flash_attention_for_cpu", "_scaled_dot_product_flash_attention"),
            *("_scaled_dot_product_efficient_attention", "_scaled_dot_product_cudnn_attention"),
            *("_scaled_dot_product_attention_math", "_scaled_dot_product_fused_attention_overrideable"),
        ),
        attended,
    ),
    **dict.fromkeys(("_native_multi_head_attention", "_transformer_encoder_layer_fwd"), whole_layer),
    "index": indexed,
    "constant_pad_nd": padded,
    "im2col": patches,
}


def tensors(values: Any) -> Iterator[Tensor]:
    """All tensors within nested arguments or results."""
    if isinstance(values, Tensor):
        yield values
    elif isinstance(values, (list, tuple)):
        for value in values:
            yield from tensors(value)
    elif isinstance(values, dict):
        yield from tensors(list(values.values()))
