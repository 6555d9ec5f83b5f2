"""CompNet and FineNet together: the most of a picture from the fewest bits of a compact one.

L = log of the base's squared error + what the compact picture costs, at the price of the residual bits it saves.

Published: GAN, feature and SSIM losses, which raise the residual's bits; here its logarithm alone is what the residual
coder pays for.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from carcodec.models import cards
from carcodec.nn.layered import GRID_PX, SCALES, CompNet, FineNet, bilinear
from carcodec.nn.segmentation import Segmenter, probabilities
from carcodec.runtime import build
from carcodec.train.photos import load_split, middles, random_crop
from carcodec.train.scenes import pictures_to_levels

P_SCALES = (0.4, 0.35, 0.25)
FLOOR = 1.0  # levels squared, of the error: below it a crop is flat, and its logarithm means nothing
SIGNIFICANT = 0.15  # share of residual samples that cost bits at middling qualities
VALIDATION_SIDE = 256
SEGMENTS = ("mapped", "unmapped", "original", "none")


class Codec(nn.Module):
    """What is trained together; `fine` is what a decoder has of it."""

    def __init__(self, n_classes: int, width: int, depth: int, compact_width: int) -> None:
        super().__init__()
        self.n_classes = n_classes
        self.compact = CompNet(compact_width)
        self.fine = FineNet(n_classes, width, depth)


@dataclass(frozen=True)
class Batch:
    """pictures: float32[N,3,H,W], 0..255; scale: of the step."""

    pictures: Tensor
    scale: int


class Predictor:
    """Networks in training or after it, and what FineNet is told of segments, one of `SEGMENTS`."""

    def __init__(self, codec: Codec, segments: str) -> None:
        if segments not in SEGMENTS:
            raise ValueError(f"segments must be one of {', '.join(SEGMENTS)}, not {segments!r}")
        segmenter = build(cards.default("segmenter"))
        assert isinstance(segmenter, Segmenter)
        if len(segmenter.classes) != codec.n_classes:
            raise ValueError(f"the segmenter has {len(segmenter.classes)} classes, the recipe {codec.n_classes}")
        self.codec, self.segments, self.segmenter = codec, segments, segmenter

    def __call__(self, pictures: Tensor, scale: int, codec: nn.Module | None = None) -> tuple[Tensor, Tensor]:
        """Compact pictures and bases of float32[N,3,H,W], 0..255; `codec` stands in for the own one."""
        networks: Any = codec or self.codec
        compact = networks.compact(pictures, scale)
        upsampled = bilinear(compact, scale)
        grid = bilinear(compact, scale // GRID_PX)
        return compact, networks.fine(grid, self._shares(pictures, upsampled), upsampled, scale)

    @torch.no_grad()
    def _shares(self, pictures: Tensor, upsampled: Tensor) -> Tensor:
        """Probabilities 0..255."""
        seen = pictures if self.segments == "original" else upsampled.detach()
        scores = self.segmenter(seen) if self.segments == "mapped" else self.segmenter.segnet(seen)
        shares = probabilities(scores)
        return torch.zeros_like(shares) if self.segments == "none" else shares


def codec_of(options: dict[str, Any]) -> Codec:
    """Untrained networks by a recipe's options."""
    return Codec(**{name: options[name] for name in ("n_classes", "width", "depth", "compact_width")})


class LayeredTask:
    """Options: crop, n_validation, those of FineNet and CompNet, and segments, one of `SEGMENTS`."""

    def __init__(self, data_dir: Path, options: dict[str, Any]) -> None:
        self.crop = options["crop"]
        self.network = codec_of(options)
        self.predictor = Predictor(self.network, options["segments"])
        self.pictures = load_split(data_dir, "train")
        photographs = load_split(data_dir, "val")[: options["n_validation"]]
        self.validation = pictures_to_levels(middles(photographs, VALIDATION_SIDE))

    def batch(self, rng: np.random.Generator, n_crops: int) -> Batch:
        crops = [random_crop(self.pictures, self.crop, rng) for _ in range(n_crops)]
        return Batch(pictures_to_levels(crops), int(rng.choice(SCALES, p=P_SCALES)))

    def loss(self, batch: Batch, device: torch.device, progress: float) -> tuple[Tensor, dict[str, float]]:
        pictures = batch.pictures.to(device)
        compact, base = self.predictor(pictures, batch.scale)
        error = torch.log((base - pictures).square().mean(dim=(1, 2, 3)) + FLOOR).mean()
        bits = compact_bits(compact)
        price = 2 / (batch.scale**2 * 3 * SIGNIFICANT)
        return error + price * bits, {"log_mse": error.item(), "compact_bits": bits.item()}

    @torch.no_grad()
    def validate(self, network: nn.Module, device: torch.device) -> dict[str, float]:
        """PSNR of the base in dB, in all and at each scale; and nats per compact pixel by the proxy."""
        figures = {}
        for scale in SCALES:
            errors, bits = [], []
            for part in torch.split(self.validation, 6):
                with torch.autocast(device.type, enabled=False):
                    compact, base = self.predictor(part.to(device), scale, network)
                errors.append((base.cpu() - part).square().mean(dim=(1, 2, 3)))
                bits.append(compact_bits(compact).item())
            figures[f"psnr_{scale}"] = (10 * torch.log10(255**2 / torch.cat(errors))).mean().item()
            figures[f"bits_{scale}"] = sum(bits) / len(bits)
        return {"psnr": sum(figures[f"psnr_{scale}"] for scale in SCALES) / len(SCALES)} | figures


def compact_bits(compact: Tensor) -> Tensor:
    """About how many nats a pixel of a compact picture takes: logarithms of its smaller slopes."""
    padded = F.pad(compact, (1, 0, 1, 0), mode="replicate")
    across = (padded[..., 1:, 1:] - padded[..., 1:, :-1]).abs()
    down = (padded[..., 1:, 1:] - padded[..., :-1, 1:]).abs()
    return 3 * torch.log(1 + torch.minimum(across, down)).mean()
