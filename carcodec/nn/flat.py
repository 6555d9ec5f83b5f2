"""Restorers of one resolution, measured beside the U-shape that is shipped (docs/design.md, "Which trunk")."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from carcodec.nn.blocks import ModulatedStage, conv
from carcodec.nn.trunk import CODE_SIZE, condition_code


class FlatRestorer(nn.Module):
    """Residual blocks at one resolution, told the tables as the shipped trunk is.

    Args:
        width: channels.
        n_blocks: residual blocks of two 3x3 convolutions.
        shrink: 1 works on the pixels: EDSR-baseline without its up-sampler (16 blocks of 64), the published trunk of
            the side information; 2 works on pixel-unshuffled halves, as QGCN's trunk does.

    Shapes: base float[N,3,H,W] in 0..1, condition float[N,131] -> float32[N,3,H,W]; H and W multiples of `shrink`.
    Source: Lim et al., EDSR (CVPRW 2017); Li et al., QGCN (arXiv 2009.06912).
    """

    def __init__(self, width: int = 64, n_blocks: int = 16, shrink: int = 1) -> None:
        super().__init__()
        self.shrink = shrink
        self.code = condition_code()
        self.head = conv(3 * shrink**2, width)
        self.body = ModulatedStage(width, n_blocks, CODE_SIZE)
        self.tail = conv(width, 3 * shrink**2)
        with torch.no_grad():
            for weight in self.tail.parameters():
                weight.zero_()

    def describe(self, base: Tensor, condition: Tensor) -> Tensor:
        """What modulates the blocks: float[N,128]."""
        code: Tensor = self.code(condition)
        return code

    def forward(self, base: Tensor, condition: Tensor) -> Tensor:
        head = self.head(F.pixel_unshuffle(base - 0.5, self.shrink))
        correction = F.pixel_shuffle(self.tail(head + self.body(head, self.describe(base, condition))), self.shrink)
        restored: Tensor = base + correction.to(torch.float32)
        return restored
