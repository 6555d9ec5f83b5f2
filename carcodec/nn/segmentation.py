"""Semantic segmentation in whole numbers: encoder and decoder find the same map, on every machine.

name in paper (EDMS) | here
segmentation network | `SegNet`: picture -> scores of classes on the 1/4 grid
SMapNet              | `SMapNet`: scores and the picture they were found on -> better scores

Scores are logarithms to base 2 of likelihoods in units of 1/64, as `carcodec.entropy.tables` has them.
SMapNet is given probabilities and returns scores; the published one regresses class numbers, so that its errors jump
between unrelated classes.

Exact: layers of `carcodec.nn.exact`, re-ordering of pixels, and sums and integer divisions of whole numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from carcodec.entropy.tables import POWERS, SCORE_BITS, WEIGHT_BITS
from carcodec.nn.exact import LARGEST_ACTIVATION, ExactBlock, ExactConv2d, rectified, rounded

CELL_PX: Final = 4  # side of the square of pixels that one score speaks of
ALIGNMENT_PX: Final = 32  # pictures come padded to multiples of it
LARGEST_SCORE: Final = 1023
NATS_PER_SCORE: Final = math.log(2) / (1 << SCORE_BITS)
CENTRE: Final = 128  # taken off the picture, so that networks begin with numbers about zero


class SegNet(nn.Module):
    """Scores of classes, from a picture.

    Levels at 1/4, 1/8, 1/16 and 1/32: down by pixel-unshuffle, up by pixel-shuffle, each joined to the features of its
    size by a clamped sum.

    Args:
        n_classes: how many.
        widths: channels of the levels.
        depths: residual blocks of the levels on the way down; one more each at 1/8 and 1/4 on the way up.

    Shapes: float32[N,3,H,W], whole numbers 0..255, H and W multiples of 32 -> float32[N,n_classes,H/4,W/4],
    whole numbers within +-1023.
    """

    def __init__(
        self, n_classes: int, widths: Sequence[int] = (32, 64, 128, 128), depths: Sequence[int] = (1, 2, 3, 3)
    ) -> None:
        super().__init__()
        finer, coarser = widths[:-1], widths[1:]
        self.head = ExactConv2d(3 * CELL_PX**2, widths[0], largest_input=CENTRE)
        self.stages = nn.ModuleList(_blocks(width, depth) for width, depth in zip(widths, depths, strict=True))
        self.down = nn.ModuleList(ExactConv2d(4 * a, b, 1) for a, b in zip(finer, coarser, strict=True))
        self.up = nn.ModuleList(_damped(ExactConv2d(b, 4 * a, 1)) for a, b in zip(finer, coarser, strict=True))
        self.joined = nn.ModuleList(_blocks(width, 1 if i < 2 else 0) for i, width in enumerate(finer))
        self.tail = _damped(ExactConv2d(widths[0], n_classes, 1))

    def forward(self, picture: Tensor) -> Tensor:
        scores: Tensor = self.levels(picture)[0]
        return scores

    def levels(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        """Scores, and the features float32[N,widths[2],H/16,W/16] behind them, 0..255."""
        x = self.stages[0](rectified(self.head(cells(picture))))
        passed = [x]
        for down, stage in zip(self.down, self.stages[1:], strict=True):
            x = stage(rectified(down(F.pixel_unshuffle(x, 2))))
            passed.append(x)
        features = [passed.pop()]
        for up, blocks in zip(reversed(self.up), reversed(self.joined), strict=True):
            features.append(blocks(rectified(passed.pop() + F.pixel_shuffle(up(features[-1]), 2))))
        return rounded(self.tail(features[-1]), -LARGEST_SCORE, LARGEST_SCORE), features[1]


class SMapNet(nn.Module):
    """Corrects scores that were found on an up-sampled compact picture.

    Args:
        n_classes: how many.
        width: channels on the 1/8 grid, where up-sampled pictures have all their detail; half of it on the 1/4 grid.
        depth: residual blocks on the 1/8 grid.

    Shapes: scores float32[N,n_classes,H/4,W/4] and the picture float32[N,3,H,W], as `SegNet` has them
    -> better scores, of the same shape and range; those given, before training.
    """

    def __init__(self, n_classes: int, width: int = 64, depth: int = 3) -> None:
        super().__init__()
        self.head = ExactConv2d(n_classes + 3 * CELL_PX**2, width // 2, 1)
        self.down = ExactConv2d(2 * width, width, 1)
        self.blocks = _blocks(width, depth)
        self.up = _damped(ExactConv2d(width, 2 * width, 1))
        self.tail = ExactConv2d(width // 2, n_classes, 1)
        nn.init.zeros_(self.tail.weight)

    def forward(self, scores: Tensor, picture: Tensor) -> Tensor:
        x = rectified(self.head(torch.cat([probabilities(scores), cells(picture)], dim=1)))
        inner = self.blocks(rectified(self.down(F.pixel_unshuffle(x, 2))))
        x = rectified(x + F.pixel_shuffle(self.up(inner), 2))
        return rounded(scores + self.tail(x), -LARGEST_SCORE, LARGEST_SCORE)


class Segmenter(nn.Module):
    """Both networks: the map of a picture that was up-sampled from a compact one.

    Args:
        classes: their names, in order.
        colours: red, green, blue of each, to show a map with.

    Shapes: as `SegNet`, with a score for each of the classes.
    """

    def __init__(self, classes: Sequence[str], colours: Sequence[Sequence[int]]) -> None:
        super().__init__()
        if len(classes) != len(colours):
            raise ValueError(f"{len(classes)} classes need a colour each, not {len(colours)} colours")
        self.classes = tuple(classes)
        self.colours = tuple((red, green, blue) for red, green, blue in colours)
        self.segnet = SegNet(len(classes))
        self.smapnet = SMapNet(len(classes))

    def forward(self, picture: Tensor) -> Tensor:
        scores: Tensor = self.smapnet(self.segnet(picture), picture)
        return scores


def cells(picture: Tensor) -> Tensor:
    """The pixels of each cell of 4x4 as channels: float32[N,3,H,W], 0..255 -> float32[N,48,H/4,W/4], -128..127."""
    return F.pixel_unshuffle(picture - CENTRE, CELL_PX)


@torch.no_grad()
def probabilities(scores: Tensor) -> Tensor:
    """How likely each class is, from scores, without `exp`.

    Args:
        scores: float32[N,C,h,w], whole numbers within +-1023.

    Returns:
        float32[N,C,h,w], whole numbers 0..255, 255 for certainty; their sum is 255 but for rounding. Exact.
    """
    whole = scores.to(torch.int64)
    below = whole.amax(dim=1, keepdim=True) - whole
    powers = torch.from_numpy(POWERS).to(scores.device)
    weights = powers[below & (len(POWERS) - 1)] >> (below >> SCORE_BITS).clamp_max(WEIGHT_BITS + 1)
    total = weights.sum(dim=1, keepdim=True)
    shares = torch.div(2 * LARGEST_ACTIVATION * weights + total, 2 * total, rounding_mode="floor")
    return shares.to(torch.float32)


@torch.no_grad()
def labels(scores: Tensor) -> Tensor:
    """The likeliest class of each pixel; of equal ones the first.

    Args:
        scores: float32[N,C,h,w], whole numbers within +-1023.

    Returns:
        uint8[N,4h,4w]. Scores are interpolated bilinearly, whose weights are multiples of 1/64 here: exact.
    """
    best = classes = None
    for i, plane in enumerate(torch.split(scores, 1, dim=1)):
        fine = F.interpolate(plane, scale_factor=CELL_PX, mode="bilinear", align_corners=False)[:, 0]
        if best is None or classes is None:
            best, classes = fine, torch.zeros_like(fine, dtype=torch.uint8)
            continue
        classes[fine > best] = i
        best = torch.maximum(best, fine)
    assert classes is not None
    return classes


def _blocks(width: int, n: int) -> nn.Sequential:
    return nn.Sequential(*(ExactBlock(width) for _ in range(n)))


def _damped(layer: ExactConv2d) -> ExactConv2d:
    with torch.no_grad():
        layer.weight.mul_(0.3)
    return layer
