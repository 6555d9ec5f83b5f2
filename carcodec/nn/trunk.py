"""The one trunk that restores, in every mode: a U-shape behind pixel-unshuffle.

Its lowest level has one feature vector per 8x8 pixels, in step with the JPEG's blocks.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from carcodec.jpeg.conditioning import CONDITION_SIZE
from carcodec.nn.blocks import ModulatedStage, conv

CODE_SIZE = 128


def condition_code() -> nn.Sequential:
    """What scales and shifts the blocks: condition float[N,131] -> float[N,128]."""
    return nn.Sequential(nn.Linear(CONDITION_SIZE, CODE_SIZE), nn.SiLU(), nn.Linear(CODE_SIZE, CODE_SIZE), nn.SiLU())


class Trunk(nn.Module):
    """Decoded JPEG and its quantization tables -> features at half resolution.

    Args:
        widths: channels at 1/2, 1/4 and 1/8 of the resolution.
        depths: blocks on the way down at 1/2 and 1/4, at 1/8, on the way up at 1/4 and 1/2.

    Shapes: base float[N,3,H,W] in 0..1, condition float[N,131] -> float[N,widths[0],H/2,W/2];
    H and W are multiples of 8.
    """

    def __init__(self, widths: Sequence[int] = (48, 96, 192), depths: Sequence[int] = (1, 2, 4, 2, 2)) -> None:
        super().__init__()
        fine, middle, coarse = widths
        self.code = condition_code()
        self.head = conv(12, fine)
        self.down_fine = ModulatedStage(fine, depths[0], CODE_SIZE)
        self.to_middle = nn.Conv2d(fine, middle, 2, 2)
        self.down_middle = ModulatedStage(middle, depths[1], CODE_SIZE)
        self.to_coarse = nn.Conv2d(middle, coarse, 2, 2)
        self.coarse = ModulatedStage(coarse, depths[2], CODE_SIZE)
        self.from_coarse = nn.Conv2d(coarse, 4 * middle, 1)
        self.up_middle = ModulatedStage(middle, depths[3], CODE_SIZE)
        self.from_middle = nn.Conv2d(middle, 4 * fine, 1)
        self.up_fine = ModulatedStage(fine, depths[4], CODE_SIZE)

    def down(self, base: Tensor, code: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Features at 1/2, 1/4 and 1/8 of the resolution, on the way down."""
        fine = self.down_fine(self.head(F.pixel_unshuffle(base - 0.5, 2)), code)
        middle = self.down_middle(self.to_middle(fine), code)
        return fine, middle, self.to_coarse(middle)

    def forward(self, base: Tensor, condition: Tensor) -> Tensor:
        code = self.code(condition)
        fine, middle, coarse = self.down(base, code)
        coarse = self.coarse(coarse, code)
        middle = self.up_middle(middle + F.pixel_shuffle(self.from_coarse(coarse), 2), code)
        features: Tensor = self.up_fine(fine + F.pixel_shuffle(self.from_middle(middle), 2), code)
        return features


class Tail(nn.Module):
    """Features at half resolution -> correction of the picture; begins at zero.

    Shapes: float[N,C,H/2,W/2] -> float32[N,3,H,W].
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = conv(width, 12)
        with torch.no_grad():
            for weight in self.conv.parameters():
                weight.zero_()

    def forward(self, features: Tensor) -> Tensor:
        correction: Tensor = F.pixel_shuffle(self.conv(features), 2)
        # The picture itself must never pass through bfloat16: eight bits are too few for it.
        return correction.to(torch.float32)
