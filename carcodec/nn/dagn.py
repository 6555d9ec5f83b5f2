"""DAGN: restoration guided by two complementary features of the compressed picture.

Source: "Sensitivity Decouple Learning for Image Compression Artifacts Reduction" (arXiv 2405.09291), of which the
parts are published and the layers are not. Part by part:

| in the paper | here |
| --- | --- |
| compression-insensitive auto-encoder: what stays when a picture is compressed | `InsensitiveEncoder` |
| discriminator that must not tell its features of the two pictures apart | training: `carcodec.train.tasks.dagn` |
| compression-sensitive auto-encoder: how strongly, and where, it was compressed | `SensitiveEncoder` |
| its awareness of quality, supervised | training, as above |
| artifact-reduction baseline | `carcodec.nn.trunk.Trunk`, weights and all |
| compression-insensitive and compression-sensitive guidance of the decoding phase | `DualGuidance` |
| cross-feature fusion module | `Fusion` |

Both encoders work at 1/8 of the resolution, in step with the JPEG's blocks; with all that they guide they cost a sixth
of the trunk at its default depths, a tenth at those of new files (2, 3, 7, 3, 3). What they say enters through layers
that begin at zero: put around a trained trunk, the network begins as the plain restorer. A restored pixel depends on
pixels up to 257 away at the default depths (the plain restorer: 119), 317 at those of new files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from carcodec.nn.blocks import ModulatedStage, ResidualBlock, conv
from carcodec.nn.descriptor import GuidedRestorer
from carcodec.nn.restorer import Restorer
from carcodec.nn.trunk import CODE_SIZE, Trunk

BLOCK_PX = 8  # of the JPEG grid, whose step both encoders keep


@dataclass(frozen=True)
class Perception:
    """What the encoders say of a picture: float[N,width,H/8,W/8] each; None: the network does without."""

    insensitive: Tensor | None
    sensitive: Tensor | None


class InsensitiveEncoder(nn.Module):
    """What a picture shows, however strongly it was compressed; sees no tables.

    A step down to 1/16 and back lets it see far.

    Shapes: float[N,3,H,W] in 0..1 -> float[N,width,H/8,W/8]; H and W multiples of 16.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.head = conv(3 * BLOCK_PX**2, width)
        self.near = nn.Sequential(*(ResidualBlock(width) for _ in range(2)))
        self.to_far = nn.Conv2d(width, 2 * width, 2, 2)
        self.far = nn.Sequential(*(ResidualBlock(2 * width) for _ in range(3)))
        self.from_far = nn.Conv2d(2 * width, 4 * width, 1)
        self.last = ResidualBlock(width)

    def forward(self, picture: Tensor) -> Tensor:
        near = self.near(self.head(F.pixel_unshuffle(picture - 0.5, BLOCK_PX)))
        far = self.from_far(self.far(self.to_far(near)))
        features: Tensor = self.last(near + F.pixel_shuffle(far, 2))
        return features


class SensitiveEncoder(nn.Module):
    """How strongly, and where, a picture was compressed: its blocks beside what its tables claim.

    Shapes: base float[N,3,H,W] in 0..1, code float[N,K] of its condition -> float[N,width,H/8,W/8];
    H and W multiples of 8.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.head = conv(3 * BLOCK_PX**2, width)
        self.body = ModulatedStage(width, 3, CODE_SIZE)

    def forward(self, base: Tensor, code: Tensor) -> Tensor:
        features: Tensor = self.body(self.head(F.pixel_unshuffle(base - 0.5, BLOCK_PX)), code)
        return features


class DualGuidance(nn.Module):
    """Features of one level, scaled and shifted at each position by what both encoders say there; begins as nothing.

    x * (1 + scale) + shift, where scale and shift are sums over the encoders; each position in a block of the JPEG has
    weights of its own.

    Args:
        encoders: names of those that guide, fields of `Perception`.
        n_said: channels of what each says.
        width: channels of the features.
        factor: their resolution, in positions per block across and down.

    Shapes: x float[N,width,f*h,f*w], encoders float[N,n_said,h,w] -> float[N,width,f*h,f*w].
    """

    def __init__(self, encoders: Sequence[str], n_said: int, width: int, factor: int) -> None:
        super().__init__()
        self.factor = factor
        self.by = nn.ModuleDict({name: zeroed(nn.Conv2d(n_said, 2 * width * factor**2, 1)) for name in encoders})

    def forward(self, x: Tensor, perception: Perception) -> Tensor:
        if not self.by:
            return x
        # What the layers say in sum, as one convolution: these maps are large, and each pass over them takes time.
        heard = torch.cat([getattr(perception, name) for name in self.by], dim=1)
        layers = [cast(nn.Conv2d, layer) for layer in self.by.values()]
        weight = torch.cat([layer.weight for layer in layers], dim=1)
        bias = torch.stack([cast(Tensor, layer.bias) for layer in layers]).sum(dim=0)
        said = F.conv2d(heard, weight, bias)
        scale, shift = F.pixel_shuffle(said, self.factor).chunk(2, dim=1)
        return torch.addcmul(x + shift, x, scale)


class Fusion(nn.Module):
    """Cross-feature fusion: insensitive features merged into the trunk's where it is coarsest; begins as nothing.

    Shapes: x float[N,width,h,w], insensitive float[N,n_said,h,w] -> float[N,width,h,w].
    """

    def __init__(self, n_said: int, width: int) -> None:
        super().__init__()
        self.merge = zeroed(nn.Conv2d(n_said + width, width, 1))

    def forward(self, x: Tensor, insensitive: Tensor) -> Tensor:
        y: Tensor = x + self.merge(torch.cat([x, insensitive.to(x.dtype)], dim=1))
        return y


class DagnTrunk(Trunk):
    """The trunk with both encoders beside it; where it decodes, they guide it.

    Args:
        widths, depths: as `Trunk`.
        guide_width: channels of each encoder.
        sensitive, insensitive: which encoders there are.
        fusion: whether insensitive features are merged in, too.

    Shapes: as `Trunk`, but H and W are multiples of 16.

    Raises:
        ValueError: fusion without the encoder whose features it merges.
    """

    def __init__(
        self,
        widths: Sequence[int],
        depths: Sequence[int],
        guide_width: int,
        sensitive: bool,
        insensitive: bool,
        fusion: bool,
    ) -> None:
        if fusion and not insensitive:
            raise ValueError("fusion merges what the insensitive encoder says: it needs that encoder")
        super().__init__(widths, depths)
        fine, middle, coarse = widths
        self.insensitive = InsensitiveEncoder(guide_width) if insensitive else None
        self.sensitive = SensitiveEncoder(guide_width) if sensitive else None
        self.fusion = Fusion(guide_width, coarse) if fusion else None
        there = {"insensitive": insensitive, "sensitive": sensitive}
        guides = [name for name, is_there in there.items() if is_there]
        self.guide_coarse = DualGuidance(guides, guide_width, coarse, 1)
        self.guide_middle = DualGuidance(guides, guide_width, middle, 2)
        self.guide_fine = DualGuidance(guides, guide_width, fine, 4)

    def perceive(self, base: Tensor, code: Tensor) -> Perception:
        """What the encoders say of a picture.

        Shapes: base float[N,3,H,W] in 0..1, code float[N,K] of its condition.
        """
        return Perception(
            None if self.insensitive is None else self.insensitive(base),
            None if self.sensitive is None else self.sensitive(base, code),
        )

    def guided(self, base: Tensor, condition: Tensor) -> tuple[Tensor, Perception]:
        """The trunk's features, and what they were guided by."""
        code = self.code(condition)
        said = self.perceive(base, code)
        fine, middle, coarse = self.down(base, code)
        if self.fusion is not None and said.insensitive is not None:
            coarse = self.fusion(coarse, said.insensitive)
        coarse = self.coarse(self.guide_coarse(coarse, said), code)
        middle = middle + F.pixel_shuffle(self.from_coarse(coarse), 2)
        middle = self.up_middle(self.guide_middle(middle, said), code)
        fine = fine + F.pixel_shuffle(self.from_middle(middle), 2)
        return self.up_fine(self.guide_fine(fine, said), code), said

    def forward(self, base: Tensor, condition: Tensor) -> Tensor:
        return self.guided(base, condition)[0]


class Dagn(Restorer):
    """The restorer around `DagnTrunk`; weights of a plain `Restorer` of the same widths and depths fit in.

    Shapes: base float[N,3,H,W] in 0..1, condition float[N,131] -> float32[N,3,H,W], not clipped;
    H and W are multiples of 16.
    """

    def __init__(
        self,
        widths: Sequence[int] = (48, 96, 192),
        depths: Sequence[int] = (1, 2, 4, 2, 2),
        guide_width: int = 64,
        sensitive: bool = True,
        insensitive: bool = True,
        fusion: bool = True,
    ) -> None:
        super().__init__(widths, depths)
        self.trunk: DagnTrunk = DagnTrunk(widths, depths, guide_width, sensitive, insensitive, fusion)

    def perceived(self, base: Tensor, condition: Tensor) -> tuple[Tensor, Perception]:
        """The restoration, and what it was guided by."""
        features, said = self.trunk.guided(base, condition)
        return base + self.tail(features), said


class GuidedDagn(Dagn, GuidedRestorer):
    """The same trunk in mode `side`: with a descriptor it is guided as `GuidedRestorer`, without one it is `Dagn`.

    Shapes: as `GuidedRestorer`; H and W are multiples of 16.
    """


def zeroed(layer: nn.Conv2d) -> nn.Conv2d:
    """The layer with zeros for weights."""
    for weight in layer.parameters():
        nn.init.zeros_(weight)
    return layer
