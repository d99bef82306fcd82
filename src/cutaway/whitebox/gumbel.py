"""The Gumbel convolution: every place of every kernel chooses the few input channels that it looks at."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.core.errors import OptionError
from cutaway.core.seeds import generator
from cutaway.whitebox.gradients import at_least_one, positive

FARTHEST = 1e-9  # below it a share is taken as none: log stays finite


class GumbelConv2d(nn.Module):
    """A convolution whose kernels look at `top_k` input channels per place, chosen by a Gumbel softmax.

    kernel = weight * choice, and choice (out, in, y, x) adds up to `top_k` over the input channels of each place. In
    training the choice is drawn: `top_k` draws without putting back from softmax((choices + noise) / tau) (Jang et al.
    2017; Xie and Ermon 2019); a recipe lowers `tau` towards one-hot choices and `noise`, the share of the noise that is
    added. `hard` makes the drawn choice one-hot forward while gradients stay soft. In eval it is the `top_k` best
    choices, without noise; `settled` makes it so in training too, and what is chosen, and all layers behind, learn
    with the kernels that eval uses: as long as kernels are drawn they train a network that eval never runs.

    The noise of call n is drawn from (seed, n), and n is stored with the weights: a resumed training draws what an
    undisturbed one would have drawn. Raises OptionError for top_k beyond the input channels and tau <= 0.
    """

    calls: Tensor

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
        top_k: int = 1,
        tau: float = 1.0,
        hard: bool = False,
        noise: float = 1.0,
        bias: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if not 1 <= top_k <= in_channels:
            raise OptionError(f"top_k is {top_k}; expected 1 to {in_channels}, the input channels; try top_k=1")
        self.in_channels, self.out_channels = in_channels, at_least_one(out_channels, "out_channels")
        self.kernel_size, self.stride, self.padding = at_least_one(kernel_size, "kernel_size"), stride, padding
        self.top_k, self.tau, self.hard, self.seed = top_k, positive(tau, "tau"), hard, seed
        self.noise, self.settled = noise, False
        shape = (out_channels, in_channels, kernel_size, kernel_size)
        seen = (
            top_k * kernel_size**2
        )  # inputs of one output: its variance is kept as in a dense layer that sees as many
        self.weight = nn.Parameter(torch.randn(shape, generator=generator(seed, "weight")) / seen**0.5)
        self.choices = nn.Parameter(0.01 * torch.randn(shape, generator=generator(seed, "choices")))
        self.bias = nn.Parameter(torch.zeros(out_channels)) if bias else None
        self.register_buffer("calls", torch.zeros((), dtype=torch.long))

    def forward(self, pictures: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch out y x"]:
        return F.conv2d(pictures, self.kernel(), self.bias, self.stride, self.padding)

    def kernel(self) -> Float[Tensor, "out in y x"]:
        """What is convolved with: drawn anew for each call in training, fixed in eval and once choices are settled."""
        if self.settled or not self.training:
            return self.weight * self.chosen()
        draw = generator(self.seed, "noise", int(self.calls))
        self.calls += 1
        uniform = torch.rand(self.choices.shape, generator=draw).clamp(min=FARTHEST).to(self.choices.device)
        return self.weight * self._drawn(self.choices - self.noise * torch.log(-torch.log(uniform)))

    def chosen(self) -> Float[Tensor, "out in y x"]:
        """1 for the `top_k` best input channels of each place, else 0."""
        return _one_hot(self.choices, self.top_k)

    def agreement(self) -> float:
        """How settled the choices are: the mean share of softmax(choices / tau) that the chosen channels hold."""
        shares = torch.softmax(self.choices.detach() / self.tau, 1)
        return float((shares * self.chosen()).sum(1).mean())

    @torch.no_grad()
    def to_conv2d(self) -> nn.Conv2d:
        """A plain convolution with the chosen channels alone (all other weights are 0): the same outputs as in eval."""
        plain = nn.Conv2d(
            self.in_channels,
            self.out_channels,
            self.kernel_size,
            self.stride,
            self.padding,
            bias=self.bias is not None,
            device=self.weight.device,
            dtype=self.weight.dtype,
        )
        plain.weight.copy_(self.weight * self.chosen())
        if self.bias is not None and plain.bias is not None:
            plain.bias.copy_(self.bias)
        return plain.train(self.training)

    def extra_repr(self) -> str:
        return f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, top_k={self.top_k}"

    def _drawn(self, noisy: Tensor) -> Tensor:
        """`top_k` soft draws without putting back: each draw lowers what it took before the next."""
        scores, soft = noisy, torch.zeros_like(noisy)
        for _ in range(self.top_k):
            share = torch.softmax(scores / positive(self.tau, "tau"), 1)
            soft = soft + share
            scores = scores + torch.log((1 - share).clamp(min=FARTHEST))
        if not self.hard:
            return soft
        return _one_hot(noisy, self.top_k) + soft - soft.detach()


def _one_hot(scores: Float[Tensor, "out in y x"], k: int) -> Float[Tensor, "out in y x"]:
    return torch.zeros_like(scores).scatter_(1, scores.topk(k, dim=1).indices, 1.0)
