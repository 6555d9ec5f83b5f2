"""Rivals of the shipped trunk, to be measured beside it (docs/design.md, "Which trunk"); `flat` has two more.

All take a decoded JPEG and its condition, and give the picture plus a correction that begins at zero.
Shapes: base float[N,3,H,W] in 0..1, condition float[N,131] -> float32[N,3,H,W], not clipped.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from carcodec.nn.blocks import ModulatedStage, conv
from carcodec.nn.flat import FlatRestorer
from carcodec.nn.restorer import Restorer
from carcodec.nn.trunk import CODE_SIZE, condition_code

BLOCK_PX = 8
GLANCE_PX = 112  # side to which QGCN shrinks the picture for its global branch
# RGB in 0..1 to Y, Cb, Cr of JFIF (ITU-T T.871), chroma about 0.
TO_YCBCR = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))


class UntoldRestorer(Restorer):
    """The shipped trunk, told nothing of the tables: it must see for itself how strong the compression was."""

    def forward(self, base: Tensor, condition: Tensor) -> Tensor:
        return super().forward(base, torch.zeros_like(condition))


class GatedBlock(nn.Module):
    """NAF-style block: no activations, two gates; the code scales features where NAFNet's channel attention does.

    Attention over the whole picture would make pieces of it differ from the whole.

    Shapes: as `ModulatedBlock`. Source: Chen et al., "Simple baselines for image restoration" (ECCV 2022), figure 3c.
    """

    def __init__(self, width: int, code_size: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = ChannelNorm(width), ChannelNorm(width)
        self.widen = nn.Conv2d(width, 2 * width, 1)
        self.mix = nn.Conv2d(2 * width, 2 * width, 3, padding=1, groups=2 * width)
        self.project = nn.Conv2d(width, width, 1)
        self.modulation = nn.Linear(code_size, width)
        self.feed = nn.Conv2d(width, 2 * width, 1)
        self.finish = nn.Conv2d(width, width, 1)
        with torch.no_grad():
            for layer in (self.project, self.finish):
                layer.weight.mul_(0.1)
            self.modulation.weight.zero_()
            self.modulation.bias.zero_()

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        inner = gated(self.mix(self.widen(self.norm1(x))))
        x = x + self.project(inner * (1 + self.modulation(code)[:, :, None, None]))
        y: Tensor = x + self.finish(gated(self.feed(self.norm2(x))))
        return y


class ChannelNorm(nn.Module):
    """Each position's channels brought to mean 0 and variance 1, then scaled and shifted."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return y


def gated(x: Tensor) -> Tensor:
    """Half of the channels times the other half."""
    one, other = x.chunk(2, dim=1)
    return one * other


class GatedStage(ModulatedStage):
    """NAF-style blocks in a row."""

    def __init__(self, width: int, n_blocks: int, code_size: int) -> None:
        super().__init__(width, 0, code_size)
        self.blocks.extend(GatedBlock(width, code_size) for _ in range(n_blocks))


class GatedRestorer(Restorer):
    """The shipped U-shape of NAF-style blocks; H and W multiples of 8."""

    def __init__(self, widths: Sequence[int], depths: Sequence[int]) -> None:
        super().__init__(widths, depths)
        fine, middle, coarse = widths
        stages = {"down_fine": fine, "down_middle": middle, "coarse": coarse, "up_middle": middle, "up_fine": fine}
        for (name, width), n_blocks in zip(stages.items(), depths, strict=True):
            self.trunk.add_module(name, GatedStage(width, n_blocks, CODE_SIZE))


class GlancingRestorer(FlatRestorer):
    """QCN-style blocks at one resolution, and a global branch that modulates them; H and W multiples of `shrink`.

    The branch sees the whole picture, so pieces of it differ from the whole: good for measuring only.

    Source: Li et al., QGCN (arXiv 2009.06912): a glance at 112x112 pixels, four convolutions of stride 2.
    """

    def __init__(self, width: int, n_blocks: int, shrink: int) -> None:
        super().__init__(width, n_blocks, shrink)
        widths = (3, 32, 64, 96, 128)
        layers = [layer for n_in, n_out in itertools.pairwise(widths) for layer in (conv(n_in, n_out, 3, 2), nn.ReLU())]
        self.glance = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(widths[-1], CODE_SIZE))

    def describe(self, base: Tensor, condition: Tensor) -> Tensor:
        seen = F.interpolate(base, (GLANCE_PX, GLANCE_PX), mode="area")
        code: Tensor = super().describe(base, condition) + self.glance(seen - 0.5)
        return code


class PlanesRestorer(Restorer):
    """The shipped trunk, seeing luma unshuffled and chroma at half resolution; H and W multiples of 8.

    So a 4:2:0 JPEG's planes fit one grid. They are had by converting the decoded picture and taking means of 2x2
    chroma samples, since Pillow gives no planes before chroma is up-sampled: not quite the JPEG's own.
    """

    def __init__(self, widths: Sequence[int], depths: Sequence[int]) -> None:
        super().__init__(widths, depths)
        self.trunk.add_module("head", PlanesHead(widths[0]))


class PlanesHead(nn.Module):
    """In the place of the trunk's first layer: unshuffled RGB float[N,12,h,w], about 0 -> float[N,width,h,w]."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = conv(6, width)
        self.register_buffer("to_ycbcr", torch.tensor(TO_YCBCR), persistent=False)

    def forward(self, unshuffled: Tensor) -> Tensor:
        n, _, height, width = unshuffled.shape
        # pixel_unshuffle keeps the four places of a channel together.
        rgb = unshuffled.reshape(n, 3, 4 * height * width)
        planes = (self.get_buffer("to_ycbcr") @ rgb).view(n, 3, 4, height, width)
        chroma = planes[:, 1:].mean(dim=2)
        y: Tensor = self.conv(torch.cat([planes[:, 0], chroma], dim=1))
        return y


class CoefficientRestorer(nn.Module):
    """Blocks of the JPEG's own grid as positions, their coefficients as channels; H and W multiples of 8.

    Args:
        width: channels.
        n_blocks: modulated residual blocks.
    """

    def __init__(self, width: int, n_blocks: int) -> None:
        super().__init__()
        self.code = condition_code()
        self.head = conv(3 * BLOCK_PX**2, width)
        self.body = ModulatedStage(width, n_blocks, CODE_SIZE)
        self.tail = conv(width, 3 * BLOCK_PX**2)
        self.register_buffer("transform", coefficients_of_unshuffled(), persistent=False)
        with torch.no_grad():
            for weight in self.tail.parameters():
                weight.zero_()

    def forward(self, base: Tensor, condition: Tensor) -> Tensor:
        transform = self.get_buffer("transform")[:, :, None, None]
        coefficients = F.conv2d(F.pixel_unshuffle(base - 0.5, BLOCK_PX), transform)
        features = self.body(self.head(coefficients), self.code(condition))
        correction = F.conv_transpose2d(self.tail(features), transform)  # the transform's inverse is its transpose
        restored: Tensor = base + F.pixel_shuffle(correction, BLOCK_PX).to(torch.float32)
        return restored


def coefficients_of_unshuffled() -> Tensor:
    """float32[192,192], orthogonal: 8x8 pixels of three channels, unshuffled, to three planes of DCT coefficients.

    The planes are a rotation of RGB: luma with equal weights, and two differences.
    """
    places = torch.arange(BLOCK_PX)
    waves = torch.cos(math.pi / BLOCK_PX * places[:, None] * (places[None] + 0.5)) * (2 / BLOCK_PX) ** 0.5
    waves[0] /= 2**0.5
    colours = torch.tensor([[1.0, 1.0, 1.0], [-1.0, -1.0, 2.0], [1.0, -1.0, 0.0]])
    colours /= colours.norm(dim=1, keepdim=True)
    return torch.kron(colours, torch.kron(waves, waves))
