"""Restoration of a decoded JPEG, with or without guidance."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from carcodec.nn.trunk import Tail, Trunk


class Restorer(nn.Module):
    """Trunk and tail: the picture plus a correction.

    Shapes: base float[N,3,H,W] in 0..1, condition float[N,131] -> float32[N,3,H,W], not clipped;
    H and W are multiples of 8.
    """

    def __init__(self, widths: Sequence[int] = (48, 96, 192), depths: Sequence[int] = (1, 2, 4, 2, 2)) -> None:
        super().__init__()
        self.trunk = Trunk(widths, depths)
        self.tail = Tail(widths[0])

    def forward(self, base: Tensor, condition: Tensor) -> Tensor:
        y: Tensor = base + self.tail(self.trunk(base, condition))
        return y
