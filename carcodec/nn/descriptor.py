"""Learned side information: artifact-descriptor extractor, quantizer, feature mapping, guided tail.

Source: "Improving Compression Artifact Reduction via End-to-End Learning of Side Information"
(VCIP 2020). The mapped descriptor multiplies features, as published; here it does so once, behind the
trunk, and everything after the product is linear. So the corrections of all 16 symbols of a site cost
the encoder one small convolution each, it can try them all, and the network can be trained on the
choice that the encoder will really make. Symbol 0 maps to zero: no guidance is the blind restoration.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from carcodec.ids import SITE_PX, SYMBOLS
from carcodec.nn.blocks import ModulatedBlock, conv
from carcodec.nn.restorer import Restorer
from carcodec.nn.trunk import CODE_SIZE


class Extractor(nn.Module):
    """What the JPEG lost, in 16 words: original and decoded picture -> logits per site.

    Three shared convolutions see each picture; both feature maps and their difference go down to the grid.

    Shapes: original, base float[N,3,H,W] in 0..1 -> float32[N,16,H/16,W/16]; H and W multiples of 16.
    """

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.see = nn.Sequential(
            conv(12, width), nn.ReLU(), conv(width, width, 4, 2), nn.ReLU(), conv(width, 2 * width), nn.ReLU()
        )
        self.down = nn.Sequential(
            conv(6 * width, 3 * width),
            nn.ReLU(),
            conv(3 * width, 3 * width, 4, 2),
            nn.ReLU(),
            conv(3 * width, 3 * width, 4, 2),
            nn.ReLU(),
            conv(3 * width, 3 * width),
            nn.ReLU(),
        )
        self.head = nn.Conv2d(3 * width, SYMBOLS, 1)

    def forward(self, original: Tensor, base: Tensor) -> Tensor:
        seen_original = self.see(F.pixel_unshuffle(original - 0.5, 2))
        seen_base = self.see(F.pixel_unshuffle(base - 0.5, 2))
        down = self.down(torch.cat([seen_original, seen_base, seen_original - seen_base], dim=1))
        logits: Tensor = self.head(down[..., : original.shape[2] // SITE_PX, : original.shape[3] // SITE_PX])
        return logits.to(torch.float32)


def quantize(logits: Tensor) -> Tensor:
    """The nearest one-hot vector in KL divergence, which is the arg max: int64[N,gh,gw]."""
    return logits.argmax(dim=1)


class FeatureMapping(nn.Module):
    """Symbols -> a pattern of weights at the features' resolution; symbol 0 -> zero.

    Each symbol has its own 8x8 pattern per channel (one transposed convolution whose patterns do not overlap).

    Shapes: int64[N,gh,gw] -> of the given type [N,C,8*gh,8*gw], channels last.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.patterns = nn.Parameter(torch.randn(SYMBOLS - 1, width, SITE_PX // 2, SITE_PX // 2) * 0.5)

    def table(self) -> Tensor:
        """float[16,C,8,8], row 0 zero."""
        return F.pad(self.patterns, (0, 0, 0, 0, 0, 0, 1, 0))

    def forward(self, symbols: Tensor, dtype: torch.dtype) -> Tensor:
        n, gh, gw = symbols.shape
        # In the order of the features, for a product of two orders is slow; chosen in float32, since the gradient of a
        # symbol's pattern is a sum over all its sites.
        table = self.table().permute(0, 2, 3, 1).contiguous()
        tiles = table[symbols].to(dtype)  # N, gh, gw, 8, 8, C
        y: Tensor = tiles.transpose(2, 3).reshape(n, gh * SITE_PX // 2, gw * SITE_PX // 2, -1)
        return y.permute(0, 3, 1, 2)


class GuidedTail(nn.Module):
    """Features and symbols -> a further correction of the picture, linear in the mapped symbols.

    Shapes: features float[N,C,H/2,W/2], code float[N,K], symbols int64[N,H/16,W/16] -> float32[N,3,H,W].
    """

    def __init__(self, features: int, width: int = 64) -> None:
        super().__init__()
        self.block = ModulatedBlock(features, CODE_SIZE)
        self.directions = conv(features, width)
        self.mapping = FeatureMapping(width)
        self.tail = nn.Conv2d(width, 12, 3, padding=1, bias=False)
        nn.init.normal_(self.tail.weight, std=1e-3)

    def prepare(self, features: Tensor, code: Tensor) -> Tensor:
        """What the mapped symbols multiply: float[N,width,H/2,W/2]."""
        prepared: Tensor = self.directions(self.block(features, code))
        return prepared

    def correct(self, prepared: Tensor, symbols: Tensor) -> Tensor:
        """The correction that a map of symbols selects: float32[N,3,H,W]."""
        return self._finish(prepared * self.mapping(symbols, prepared.dtype))

    def correct_all(self, prepared: Tensor, symbol: int) -> Tensor:
        """The same where every site has one symbol, without spelling the map out."""
        n, width, height, length = prepared.shape
        cell = SITE_PX // 2
        # Channels last, like the features: the product is several times slower otherwise.
        pattern = self.mapping.table()[symbol : symbol + 1].to(prepared.dtype, memory_format=torch.channels_last)
        pattern = pattern.view(width, 1, cell, 1, cell)
        weighted = prepared.view(n, width, height // cell, cell, length // cell, cell) * pattern
        return self._finish(weighted.view(n, width, height, length))

    def _finish(self, weighted: Tensor) -> Tensor:
        correction: Tensor = F.pixel_shuffle(self.tail(weighted), 2)
        return correction.to(torch.float32)

    def forward(self, features: Tensor, code: Tensor, symbols: Tensor) -> Tensor:
        return self.correct(self.prepare(features, code), symbols)


class GuidedRestorer(Restorer):
    """A restorer that listens to a descriptor; without one it is the plain restorer.

    Shapes: base float[N,3,H,W] in 0..1, condition float[N,131], symbols int64[N,H/16,W/16] -> float32[N,3,H,W];
    H and W multiples of 16 when symbols are given.
    """

    def __init__(self, widths: tuple[int, ...] = (48, 96, 192), depths: tuple[int, ...] = (1, 2, 4, 2, 2)) -> None:
        super().__init__(widths, depths)
        self.guided = GuidedTail(widths[0])

    def parts(self, base: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """The blind restoration float32[N,3,H,W], and what symbols multiply float[N,width,H/2,W/2]."""
        features, code = self.features(base, condition)
        return base + self.tail(features), self.guided.prepare(features, code)

    def features(self, base: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """What both tails read: float[N,widths[0],H/2,W/2], and the code of the condition."""
        return self.trunk(base, condition), self.trunk.code(condition)

    def forward(self, base: Tensor, condition: Tensor, symbols: Tensor | None = None) -> Tensor:
        if symbols is None:
            return super().forward(base, condition)
        blind, prepared = self.parts(base, condition)
        return blind + self.guided.correct(prepared, symbols)


@torch.no_grad()
def site_errors(guided: GuidedTail, prepared: Tensor, residual: Tensor) -> Tensor:
    """Squared error that each symbol would leave at each site, were it used all around.

    Args:
        prepared: of `GuidedTail.prepare`, float[N,C,H/2,W/2].
        residual: original minus blind restoration, float32[N,3,H,W] in 0..1.

    Returns:
        float32[N,16,gh,gw], summed over the site's 768 samples.
    """
    errors = []
    for symbol in range(SYMBOLS):
        left = residual
        if symbol:
            left = residual - guided.correct_all(prepared, symbol)
        errors.append(F.avg_pool2d(left.square().sum(dim=1, keepdim=True), SITE_PX)[:, 0] * SITE_PX**2)
    return torch.stack(errors, dim=1)
