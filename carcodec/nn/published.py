"""Networks of published shapes, untrained: what they cost is measured beside ours. They are told no tables.

Shapes: base float[N,3,H,W] in 0..1, condition float[N,131], which is not looked at -> float32[N,3,H,W].
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from carcodec.nn.blocks import ResidualBlock, conv

FBCNN_CODE = 512


class EdsrBaseline(nn.Module):
    """EDSR-baseline without its up-sampler: 16 blocks of 64 channels at full resolution.

    Source: Lim et al., EDSR (CVPRW 2017).
    """

    def __init__(self, width: int = 64, n_blocks: int = 16) -> None:
        super().__init__()
        self.head = conv(3, width)
        self.body = nn.Sequential(*(ResidualBlock(width) for _ in range(n_blocks)), conv(width, width))
        self.tail = conv(width, 3)

    def forward(self, base: Tensor, condition: Tensor) -> Tensor:
        head = self.head(base)
        restored: Tensor = self.tail(head + self.body(head))
        return restored.to(torch.float32)


class Fbcnn(nn.Module):
    """FBCNN for colour: a U-shape that guesses the quality and is steered by the guess; H and W multiples of 8.

    Source: Jiang et al., "Towards flexible blind JPEG artifacts removal" (ICCV 2021), and the authors' code.
    """

    def __init__(self, widths: Sequence[int] = (64, 128, 256, 512), n_blocks: int = 4) -> None:
        super().__init__()
        self.head = conv(3, widths[0])
        self.down = nn.ModuleList(
            nn.Sequential(_blocks(fine, n_blocks), nn.Conv2d(fine, coarse, 2, 2, bias=False))
            for fine, coarse in pairwise(widths)
        )
        self.encoder, self.decoder = _blocks(widths[-1], n_blocks), _blocks(widths[-1], n_blocks)
        self.quality = nn.Sequential(
            _blocks(widths[-1], n_blocks),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            *_perceptron(widths[-1], FBCNN_CODE, FBCNN_CODE),
            nn.Linear(FBCNN_CODE, 1),
            nn.Sigmoid(),
        )
        self.embed = nn.Sequential(*_perceptron(1, FBCNN_CODE, FBCNN_CODE, FBCNN_CODE))
        self.up = nn.ModuleList(
            SteeredStage(coarse, fine, n_blocks) for fine, coarse in reversed(list(pairwise(widths)))
        )
        self.tail = conv(widths[0], 3)

    def forward(self, base: Tensor, condition: Tensor) -> Tensor:
        levels = [self.head(base)]
        for stage in self.down:
            levels.append(stage(levels[-1]))
        x = self.encoder(levels[-1])
        code = self.embed(self.quality(x))
        x = self.decoder(x) + levels.pop()
        for stage in self.up:
            x = stage(x, code) + levels.pop()
        restored: Tensor = self.tail(x)
        return restored.to(torch.float32)


class SteeredStage(nn.Module):
    """Up by two, then blocks whose residuals a code scales and shifts, the same in each."""

    def __init__(self, n_in: int, width: int, n_blocks: int) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(n_in, width, 2, 2, bias=False)
        self.blocks = nn.ModuleList(
            nn.Sequential(conv(width, width), nn.ReLU(), conv(width, width)) for _ in range(n_blocks)
        )
        self.scale = nn.Sequential(nn.Linear(FBCNN_CODE, width), nn.Sigmoid())
        self.shift = nn.Sequential(nn.Linear(FBCNN_CODE, width), nn.Tanh())

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        scale, shift = (layer(code)[:, :, None, None] for layer in (self.scale, self.shift))
        x = self.up(x)
        for block in self.blocks:
            x = x + scale * block(x) + shift
        return x


def _blocks(width: int, n_blocks: int) -> nn.Sequential:
    return nn.Sequential(*(ResidualBlock(width) for _ in range(n_blocks)))


def _perceptron(*widths: int) -> list[nn.Module]:
    return [layer for n_in, n_out in pairwise(widths) for layer in (nn.Linear(n_in, n_out), nn.ReLU())]
