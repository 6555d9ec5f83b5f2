"""The networks of the layered mode that make and use the compact picture.

name in paper (EDMS) | here
CompNet              | `CompNet`: picture -> compact picture; in the encoder alone, so float
FineNet              | `FineNet`: compact picture and segments -> the picture; on both sides, so exact

Both work on the grid of 1/8, whatever the scale: a compact picture of 1/16 or 1/32 is an average of that of 1/8, and
is up-sampled to it again. Batch or instance norm, as published, would make a pixel depend on the whole picture.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from carcodec.nn.blocks import conv
from carcodec.nn.exact import LARGEST_ACTIVATION, ExactBlock, ExactConv2d, rectified, rounded

GRID_PX = 8  # side of a square of the grid
SCALES = (8, 16, 32)
CENTRE = 128
SCALE_LEVELS = 64  # what tells the scales apart, as levels of an input


class CompNet(nn.Module):
    """The compact picture: means of squares, and what a network adds so that more can be predicted from them.

    Args:
        compact_width: channels.

    Shapes: picture float32[N,3,H,W], 0..255, scale one of `SCALES`, H and W multiples of it
    -> float32[N,3,H/scale,W/scale], whole numbers 0..255.
    """

    def __init__(self, compact_width: int = 64) -> None:
        super().__init__()
        self.head = nn.Conv2d(3 * GRID_PX**2, compact_width, 1)
        self.hidden = conv(compact_width, compact_width)
        self.tail = conv(compact_width, 3)
        nn.init.zeros_(self.tail.weight)
        assert self.tail.bias is not None
        nn.init.zeros_(self.tail.bias)

    def forward(self, picture: Tensor, scale: int) -> Tensor:
        squares = F.pixel_unshuffle(picture / CENTRE - 1, GRID_PX)
        added = self.tail(torch.relu(self.hidden(torch.relu(self.head(squares)))))
        means = F.avg_pool2d(picture, GRID_PX) + CENTRE * added.float()
        return rounded(F.avg_pool2d(means, scale // GRID_PX), 0, LARGEST_ACTIVATION)


class FineNet(nn.Module):
    """What stands between the squares of a compact picture, told what they show.

    Args:
        n_classes: of the segments.
        width: channels on the 1/8 grid.
        depth: residual blocks.

    Shapes: grid float32[N,3,H/8,W/8], the compact picture brought to the 1/8 grid, probabilities
    float32[N,n_classes,H/4,W/4], up-sampled compact picture float32[N,3,H,W], all whole numbers 0..255, scale one of
    `SCALES` -> the base float32[N,3,H,W], whole numbers 0..255. H and W multiples of 8. Exact.
    """

    def __init__(self, n_classes: int, width: int = 96, depth: int = 4) -> None:
        super().__init__()
        self.head = ExactConv2d(3 + 4 * n_classes + len(SCALES), width)
        self.blocks = nn.Sequential(*(ExactBlock(width) for _ in range(depth)))
        self.tail = ExactConv2d(width, 3 * GRID_PX**2)
        nn.init.zeros_(self.tail.weight)

    def forward(self, grid: Tensor, probabilities: Tensor, upsampled: Tensor, scale: int) -> Tensor:
        flags = torch.zeros_like(grid)
        flags[:, SCALES.index(scale)] = SCALE_LEVELS
        inputs = torch.cat((grid - CENTRE, F.pixel_unshuffle(probabilities, 2), flags), 1)
        correction = F.pixel_shuffle(self.tail(self.blocks(rectified(self.head(inputs)))), GRID_PX)
        return rounded(upsampled + correction.float(), 0, LARGEST_ACTIVATION)


def bilinear(compact: Tensor, factor: int) -> Tensor:
    """`pixels.upsample.upsampled` for tensors: float32[N,C,h,w] -> [N,C,h*factor,w*factor], whole numbers.

    Exact: weights are multiples of 1/(2 factor), and every sum has less than 24 bits.
    """
    if factor == 1:
        return compact
    fine = F.interpolate(compact, scale_factor=factor, mode="bilinear", align_corners=False)
    return rounded(fine, 0, LARGEST_ACTIVATION)
