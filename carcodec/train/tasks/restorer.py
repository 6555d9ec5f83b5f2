"""Restoration of JPEGs: any network that maps a decoded one and its condition to a picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from carcodec.jpeg.tables import STANDARD, TableShape
from carcodec.runtime import empty_network
from carcodec.train.degrade import Degraded, Mixture, degrade, degrade_at_random
from carcodec.train.export import recipe_arguments
from carcodec.train.photos import Picture, drawn_crop, load_split, middles

# Of the squared error (range 0..1): 43 dB. Without it, crops of plain sky and fine qualities, whose tiny errors are
# mostly noise, have by far the largest gradients of a batch.
FLOOR = 5e-5
# Of the validation photographs after restoration, mean PSNR taken back to an error (range 0..1):
# USUAL_ERROR * (mean luma step) ** USUAL_POWER, within a tenth at qualities 10 to 90. Their standard deviation is 4 dB.
USUAL_ERROR, USUAL_POWER = 1.34e-5, 0.864
BUSYNESS_SETTINGS = (25, STANDARD, "4:2:0")
VALIDATION_SIDE = 256
VALIDATION_POINTS = (
    (10, STANDARD),
    (20, STANDARD),
    (40, STANDARD),
    (80, STANDARD),
    (15, TableShape(0.75, 0.5)),
    (45, TableShape(0.75, 0.5)),
)


@dataclass(frozen=True)
class Batch:
    """Crops of one size.

    Attributes:
        original, base: float[N,3,H,W] in 0..1.
        condition: float[N,131].
        scan_bits, strength: float[N].
        rate_class: int64[N].
        busyness: float[N], of the pictures that the crops are from (`busynesses`).
    """

    original: Tensor
    base: Tensor
    condition: Tensor
    scan_bits: Tensor
    rate_class: Tensor
    strength: Tensor
    busyness: Tensor

    def first(self, n: int) -> Batch:
        """The first n crops."""
        return Batch(*(getattr(self, name)[:n] for name in self.__dataclass_fields__))

    def to(self, device: torch.device) -> Batch:
        return Batch(*(getattr(self, name).to(device, non_blocking=True) for name in self.__dataclass_fields__))


def collate(crops: list[Degraded], busynesses: list[float] | None = None) -> Batch:
    """Crops of one size as a batch; their pictures are as busy as the usual one, if nothing else is said."""
    return Batch(
        pictures_to_tensor([crop.original for crop in crops]),
        pictures_to_tensor([crop.base for crop in crops]),
        torch.from_numpy(np.stack([crop.condition for crop in crops])),
        torch.tensor([float(crop.scan_bits) for crop in crops]),
        torch.tensor([crop.rate_class for crop in crops]),
        torch.tensor([crop.strength for crop in crops]),
        torch.tensor([1.0] * len(crops) if busynesses is None else busynesses),
    )


def pictures_to_tensor(pictures: list[Picture]) -> Tensor:
    """uint8[H,W,3] each -> float32[N,3,H,W] in 0..1, channels last.

    By numpy: batches are made in a thread of their own, and once two threads have used torch's pool, OpenMP has more
    threads than cores, no longer lets them spin, and every convolution of a step waits (a third of the time, seen).
    """
    return torch.from_numpy(np.stack(pictures).astype(np.float32) / np.float32(255)).permute(0, 3, 1, 2)


def log_squared_error(restored: Tensor, batch: Batch) -> Tensor:
    """float[N]: natural log of each crop's mean squared error, so that all qualities weigh alike."""
    return torch.log(_squared_error(restored, batch) + FLOOR)


def tempered_squared_error(restored: Tensor, batch: Batch) -> Tensor:
    """float[N]: the same, but crops with a small part of their picture's error weigh less.

    PSNR is the logarithm of a whole picture's error, where a piece of sky counts for nothing beside one of leaves.
    """
    of_picture = batch.busyness * USUAL_ERROR * torch.exp2(8 * USUAL_POWER * batch.strength)
    return torch.log(_squared_error(restored, batch) + FLOOR + of_picture)


def squared_error(restored: Tensor, batch: Batch) -> Tensor:
    """float[N]: each crop's mean squared error, in levels squared."""
    return 255**2 * _squared_error(restored, batch)


def absolute_error(restored: Tensor, batch: Batch) -> Tensor:
    """float[N]: each crop's mean absolute error, in levels."""
    return 255 * (restored - batch.original).abs().mean(dim=(1, 2, 3))


def _squared_error(restored: Tensor, batch: Batch) -> Tensor:
    return (restored - batch.original).square().mean(dim=(1, 2, 3))


LOSSES: dict[str, Callable[[Tensor, Batch], Tensor]] = {
    "log_mse": log_squared_error,
    "tempered": tempered_squared_error,
    "mse": squared_error,
    "l1": absolute_error,
}


def psnr(restored: Tensor, original: Tensor) -> Tensor:
    """float[N], dB, after rounding to eight bits."""
    rounded = (restored.clamp(0, 1) * 255).round() / 255
    return -10 * torch.log10((rounded - original).square().mean(dim=(1, 2, 3)) + 1e-10)


def split(batch: Batch, size: int, device: torch.device) -> list[Batch]:
    """Parts of a batch, small enough to validate on, on the device."""
    fields = zip(*(torch.split(getattr(batch, name), size) for name in batch.__dataclass_fields__), strict=True)
    return [Batch(*part).to(device) for part in fields]


@torch.no_grad()
def gains(network: nn.Module, points: Mapping[str, Batch], device: torch.device) -> dict[str, float]:
    """Mean gain over the JPEG at each point, in dB."""

    def restored(batch: Batch) -> Tensor:
        return torch.cat([network(part.base, part.condition).cpu() for part in split(batch, 8, device)])

    return {
        name: (psnr(restored(batch), batch.original) - psnr(batch.base, batch.original)).mean().item()
        for name, batch in points.items()
    }


class CropSource:
    """Random degraded crops of the training photographs, and the fixed validation batches.

    `weighed`: crops tell how busy their pictures are, which takes some seconds to find out; else all are as usual.
    """

    def __init__(self, data_dir: Path, crop: int, mixture: Mixture, n_validation: int, weighed: bool = False) -> None:
        self.crop = crop
        self.mixture = mixture
        self.pictures = load_split(data_dir, "train")
        self.middles = middles(load_split(data_dir, "val")[:n_validation], VALIDATION_SIDE)
        self.validation = validation_batches(self.middles)
        self.busynesses = busynesses(self.pictures) if weighed else [1.0] * len(self.pictures)

    def batch(self, rng: np.random.Generator, n_crops: int) -> Batch:
        drawn = [drawn_crop(self.pictures, self.crop, rng) for _ in range(n_crops)]
        crops = [degrade_at_random(crop, self.mixture, rng) for _, crop in drawn]
        return collate(crops, [self.busynesses[number] for number, _ in drawn])


def busynesses(pictures: list[Picture]) -> list[float]:
    """How much more error a JPEG leaves of each than of the usual picture: shares of their geometric mean."""

    def error(picture: Picture) -> float:
        base = degrade(picture, *BUSYNESS_SETTINGS).base
        return float(np.square(base.astype(np.float32) - picture).mean()) + 255**2 * FLOOR

    errors = np.log([error(picture) for picture in pictures])
    return [float(share) for share in np.exp(errors - errors.mean())]


def validation_batches(pictures: list[Picture]) -> dict[str, Batch]:
    """Pictures of one size at fixed points: name of the point -> batch."""

    def coded(quality: int, shape: TableShape) -> Batch:
        return collate([degrade(picture, quality, shape, "4:2:0") for picture in pictures])

    return {f"q{q}{'' if shape == STANDARD else 'b'}": coded(q, shape) for q, shape in VALIDATION_POINTS}


class RestorerTask:
    """A network that restores, by itself.

    Options: `crop`; `n_validation`; `mixture` (`Mixture`); `network` of `carcodec.runtime` and the arguments of its
    constructor; `loss` of `LOSSES`.
    """

    def __init__(self, data_dir: Path, options: dict[str, Any]) -> None:
        self.error = LOSSES[options.get("loss", "log_mse")]
        mixture = Mixture(**options.get("mixture", {}))
        weighed = self.error is tempered_squared_error
        self.source = CropSource(data_dir, options["crop"], mixture, options["n_validation"], weighed)
        name = options.get("network", "restorer")
        self.network = empty_network(name, recipe_arguments(name, options))

    def batch(self, rng: np.random.Generator, n_crops: int) -> Batch:
        return self.source.batch(rng, n_crops)

    def loss(self, batch: Batch, device: torch.device, progress: float) -> tuple[Tensor, dict[str, float]]:
        batch = batch.to(device)
        restored = self.network(batch.base, batch.condition)
        log_mse = log_squared_error(restored.detach(), batch).mean()
        return self.error(restored, batch).mean(), {"log_mse": log_mse.item()}

    def validate(self, network: nn.Module, device: torch.device) -> dict[str, float]:
        """Mean gain over the JPEG, in dB, in all and at each point."""
        found = gains(network, self.source.validation, device)
        return {"gain": sum(found.values()) / len(found)} | found
