"""The float twin of `carcodec.descriptor.context`, for training: the rate of a grid of symbols.

name in paper                      | here
masked 5x5 convolution             | `head`, over one-hot symbols and a seventeenth channel "outside the grid"
three 1x1 convolutions             | `hidden1`, `hidden2`, `tail`

Weights and activations are rounded and clamped in the forward pass as the frozen model will have them,
with straight-through gradients, so that freezing changes next to nothing.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from carcodec.descriptor.context import (
    ACTIVATION_BITS,
    KERNEL_BITS,
    LARGEST_ACTIVATION,
    MARGIN,
    NEIGHBOURS,
    OUTSIDE,
    RATE_CLASSES,
)
from carcodec.ids import SYMBOLS

LARGEST_KERNEL = (1 << 15) - 1  # frozen weights are stored in 16 bits
BITS_PER_NAT = 1 / math.log(2)


class ContextNetwork(nn.Module):
    """Logits of each site's symbol, from the twelve neighbours coded before it and the rate class.

    Args:
        width: hidden channels; 24 keeps a frozen wave under 0.1 ms.

    Shapes: codes int64[N,gh,gw], symbols 0..15 or 16 where there is no site, rate_class int64[N] 0..7
    -> float32[N,16,gh,gw], logarithms to base 2 up to a constant. Sites beyond the array count as outside.
    """

    mask: Tensor

    def __init__(self, width: int = 24) -> None:
        super().__init__()
        self.head = nn.Conv2d(OUTSIDE + 1, width, 2 * MARGIN + 1, bias=False)
        self.rate = nn.Embedding(RATE_CLASSES, width)
        self.hidden1 = nn.Conv2d(width, width, 1)
        self.hidden2 = nn.Conv2d(width, width, 1)
        self.tail = nn.Conv2d(width, SYMBOLS, 1)
        mask = torch.zeros(2 * MARGIN + 1, 2 * MARGIN + 1)
        for dy, dx in NEIGHBOURS:
            mask[dy + MARGIN, dx + MARGIN] = 1
        self.register_buffer("mask", mask, persistent=False)
        # Twelve entries are added, not 17 x 25 products as the default of a convolution expects.
        nn.init.normal_(self.head.weight, std=1 / math.sqrt(len(NEIGHBOURS)))
        nn.init.normal_(self.rate.weight, std=0.3)

    def forward(self, codes: Tensor, rate_class: Tensor, rounding: bool = True) -> Tensor:
        """Args as above; `rounding` False leaves out what freezing will do, to measure what it costs."""
        with torch.autocast(codes.device.type, enabled=False):
            kernel = _rounded_kernel if rounding else _same
            pass_on = _rounded_activation if rounding else torch.relu
            hidden = F.conv2d(self._one_hot(codes), kernel(self.head.weight * self.mask))
            hidden = pass_on(hidden + kernel(self.rate(rate_class))[:, :, None, None])
            for layer in (self.hidden1, self.hidden2):
                hidden = pass_on(F.conv2d(hidden, kernel(layer.weight), layer.bias))
            logits: Tensor = F.conv2d(hidden, kernel(self.tail.weight), self.tail.bias)
            return logits

    @staticmethod
    def _one_hot(codes: Tensor) -> Tensor:
        padded = F.pad(codes, (MARGIN,) * 4, value=OUTSIDE)
        return F.one_hot(padded, OUTSIDE + 1).permute(0, 3, 1, 2).to(torch.float32)


def site_bits(logits: Tensor, codes: Tensor) -> Tensor:
    """What each symbol costs: float32[N,gh,gw] bits, 0 where there is no site (code 16)."""
    nats = F.cross_entropy(logits / BITS_PER_NAT, codes, ignore_index=OUTSIDE, reduction="none")
    return nats * BITS_PER_NAT


def _same(kernel: Tensor) -> Tensor:
    return kernel


def _rounded_kernel(kernel: Tensor) -> Tensor:
    scale = 1 << KERNEL_BITS
    return _straight_through((kernel * scale).round().clamp(-LARGEST_KERNEL, LARGEST_KERNEL) / scale, kernel)


def _rounded_activation(sums: Tensor) -> Tensor:
    scale = 1 << ACTIVATION_BITS
    inside = sums.clamp(0, LARGEST_ACTIVATION / scale)
    return _straight_through((inside * scale).round() / scale, inside)


def _straight_through(value: Tensor, source: Tensor) -> Tensor:
    """`value`, with the gradient of `source`."""
    return source + (value - source).detach()
