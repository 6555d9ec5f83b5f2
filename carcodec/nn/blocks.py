"""Building blocks that more than one network uses."""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def conv(n_in: int, n_out: int, size: int = 3, stride: int = 1) -> nn.Conv2d:
    """A convolution that keeps the picture's size (at stride 1)."""
    return nn.Conv2d(n_in, n_out, size, stride, padding=size // 2)


class ResidualBlock(nn.Module):
    """x + conv2(relu(conv1(x))); no normalisation, as in EDSR.

    Shapes: float[N,C,H,W] -> float[N,C,H,W].
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = conv(width, width)
        self.conv2 = conv(width, width)
        with torch.no_grad():
            self.conv2.weight.mul_(0.1)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = x + self.conv2(torch.relu(self.conv1(x)))
        return y


class ModulatedBlock(nn.Module):
    """Residual block whose inner features a code scales and shifts, channel by channel.

    x + conv2(relu(conv1(x) * (1 + scale) + shift)), with scale and shift linear in the code.

    Shapes: x float[N,C,H,W], code float[N,K] -> float[N,C,H,W].
    Source: feature modulation as in FBCNN (arXiv 2109.14573); no normalisation, as in EDSR.
    """

    def __init__(self, width: int, code_size: int) -> None:
        super().__init__()
        self.conv1 = conv(width, width)
        self.conv2 = conv(width, width)
        self.modulation = nn.Linear(code_size, 2 * width)
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)
        with torch.no_grad():
            self.conv2.weight.mul_(0.1)

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        scale, shift = self.modulation(code).chunk(2, dim=1)
        y: Tensor = x + self.conv2(torch.relu(self._modulated(x, 1 + scale, shift)))
        return y

    def _modulated(self, x: Tensor, factor: Tensor, shift: Tensor) -> Tensor:
        """conv1(x) * factor + shift, of which float[N,C] has one for each channel."""
        if len(x) > 1:
            return torch.addcmul(shift[:, :, None, None], self.conv1(x), factor[:, :, None, None])
        # One picture: into the kernel, for two passes fewer over its features.
        kernel = self.conv1.weight * factor[0, :, None, None, None]
        bias = cast(Tensor, self.conv1.bias) * factor[0] + shift[0]
        y: Tensor = F.conv2d(x, kernel, bias, padding="same")
        return y


class ModulatedStage(nn.Module):
    """Several modulated blocks in a row; the code goes to each."""

    def __init__(self, width: int, n_blocks: int, code_size: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(ModulatedBlock(width, code_size) for _ in range(n_blocks))

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x, code)
        return x
