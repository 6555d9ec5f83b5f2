"""What coding photographs losslessly costs, with a base of any scale or none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from carcodec.nn.samples import SampleNetwork, sample_bits, sample_inputs
from carcodec.residual.coding import CODING_ORDER
from carcodec.train.photos import Picture, load_split, middles, random_crop

SCALES = (0, 8, 16, 32)  # of the compact picture behind the base; 0: no base
P_SCALES = (0.15, 0.15, 0.25, 0.45)
P_SMALL = 0.06  # share of crops that are compact pictures themselves
P_GRAY = 0.05
P_STEPPED = 0.1  # share of near-lossless crops
STEPS = (3, 5, 7, 11, 17, 25)
P_SHRINK = 0.6  # photographs that were compressed once are sharp and noisy again when they are shrunk
VALIDATION_SIDE = 256
BEGIN_CROPS = 64
LARGEST_CROP = 192  # the smallest training photograph is hardly larger


@dataclass(frozen=True)
class Example:
    """Samples of pictures one after the other.

    Attributes:
        inputs, planes, reference: of `nn.samples.sample_inputs`, float32[m,...].
        step: float32[m,1].
        shapes: sides of the pictures.
    """

    inputs: Tensor
    planes: Tensor
    reference: Tensor
    step: Tensor
    shapes: tuple[tuple[int, int], ...]

    @classmethod
    def joined(cls, parts: Sequence[Example]) -> Example:
        """Several as one."""
        rows = zip(*((part.inputs, part.planes, part.reference, part.step) for part in parts), strict=True)
        inputs, planes, reference, step = (torch.cat(tensors) for tensors in rows)
        return cls(inputs, planes, reference, step, tuple(shape for part in parts for shape in part.shapes))

    def bits(self, network: nn.Module, device: torch.device) -> Tensor:
        """What each sample costs a network, float32[m,3]."""
        inputs, planes, reference, step = (
            tensor.to(device) for tensor in (self.inputs, self.planes, self.reference, self.step)
        )
        return sample_bits(network(inputs, planes, self.shapes), planes, reference, step)


class SamplesTask:
    """L = bits per sample; validation: bits per pixel of the middles of photographs, at each scale."""

    def __init__(self, data_dir: Path, options: dict[str, Any]) -> None:
        self.crop = options["crop"]
        self.pictures = load_split(data_dir, "train")
        photographs = load_split(data_dir, "val")[:: options["every"]]
        self.validation = [_planes(middle[None]) for middle in middles(photographs, VALIDATION_SIDE)]
        self.network = SampleNetwork(options["width"], options["inner"], options["predictors"])
        example = self.batch(np.random.default_rng(0), BEGIN_CROPS)
        self.network.begin(example.inputs, example.planes)

    def batch(self, rng: np.random.Generator, n_crops: int) -> Example:
        return Example.joined([self._example(rng) for _ in range(n_crops)])

    def loss(self, batch: Example, device: torch.device, progress: float) -> tuple[Tensor, dict[str, float]]:
        loss = batch.bits(self.network, device).mean()
        return loss, {"bpp": 3 * loss.item()}

    @torch.no_grad()
    def validate(self, network: nn.Module, device: torch.device) -> dict[str, float]:
        """Bits per pixel, negative first, since larger must be better."""
        figures = {}
        with torch.autocast(device.type, enabled=False):
            for scale in SCALES:
                bits = [_example(p, scale, 1).bits(network, device).sum(1).mean().item() for p in self.validation]
                figures[f"bpp_{scale}"] = sum(bits) / len(bits)
        return {"score": -figures["bpp_32"]} | figures

    def _example(self, rng: np.random.Generator) -> Example:
        if rng.random() < P_SMALL:
            shrink = int(rng.choice((8, 16)))
            large = random_crop(self.pictures, LARGEST_CROP, rng, 0)
            return _example(F.avg_pool2d(_planes(large[None]), shrink).round(), 0, 1)
        levels = _planes(random_crop(self.pictures, self.crop, rng, P_SHRINK)[None])
        if rng.random() < P_GRAY:
            levels = levels[:, :1].expand_as(levels)
        step = int(rng.choice(STEPS)) if rng.random() < P_STEPPED else 1
        return _example(levels, int(rng.choice(SCALES, p=P_SCALES)), step)


def stand_in_base(levels: Tensor, scale: int) -> Tensor:
    """What FineNet's prediction is like: float32[N,3,H,W] averaged over squares, rounded, and up-sampled again."""
    if scale == 0:
        return torch.zeros_like(levels)
    compact = F.avg_pool2d(levels, scale).round()
    return F.interpolate(compact, scale_factor=scale, mode="bicubic", align_corners=False).round().clamp(0, 255)


def _example(levels: Tensor, scale: int, step: int) -> Example:
    base = stand_in_base(levels, scale)
    levels = ((levels / step + 0.5).floor() * step).clamp(max=255)
    steps = torch.tensor([float(step)])
    inputs, planes, reference = sample_inputs(levels, base, torch.tensor([float(scale > 0)]), steps)
    height, width = levels.shape[2:]
    return Example(inputs, planes, reference, steps.expand(len(inputs), 1), ((height, width),))


def lossless_example(image: Picture, scale: int) -> tuple[Example, Picture]:
    """A picture uint8[H,W,3], sides multiples of the scale, and its stand-in base of the same shape."""
    levels = _planes(image[None])
    base = stand_in_base(levels, scale)[0, list(CODING_ORDER)].permute(1, 2, 0)
    return _example(levels, scale, 1), base.numpy().astype(np.uint8)


def _planes(pictures: Picture) -> Tensor:
    """uint8[N,H,W,3] -> float32[N,3,H,W] in coding order."""
    return torch.from_numpy(pictures.astype(np.float32)).permute(0, 3, 1, 2)[:, list(CODING_ORDER)].contiguous()
