"""Side information, trained jointly: restorer, descriptor extractor, feature mapping.

L = D + lambda R, as published, with D the log squared error and lambda set where it belongs: at the slope
of the JPEG's own rate-distortion curve (a bit of descriptor must buy what a bit of JPEG would). Each site
takes the symbol that costs least (`site_errors`), so no symbol is starved by a weak extractor; the
extractor learns the same choice by the expected cost under its own probabilities.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from carcodec.nn.descriptor import N_SYMBOLS, Extractor, GuidedRestorer, quantize, site_errors
from carcodec.train.degrade import Mixture
from carcodec.train.tasks.restorer import Batch, CropSource, log_squared_error, psnr, split

PACKING = 0.8  # Lepton's bytes over the JPEG's
PIXELS_PER_SITE = 256
DB_PER_NEPER = 10 / np.log(10)


class SideNetworks(nn.Module):
    """The networks of the mode, and the running statistics of the symbols."""

    usage: Tensor

    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__()
        self.restorer = GuidedRestorer(options["widths"], options["depths"])
        self.extractor = Extractor()
        # Not a parameter: shares of the symbols lately, for the rate in the choice.
        self.register_buffer("usage", torch.full((N_SYMBOLS,), 1 / N_SYMBOLS))


def symbol_costs(
    network: SideNetworks, batch: Batch, blind: Tensor, prepared: Tensor, weight: float
) -> tuple[Tensor, Tensor]:
    """What each symbol costs at each site: the error it leaves, plus its bits at `weight` times the JPEG's price.

    Returns:
        float[N,16,gh,gw], in shares of the crop's mean site error; float[16], bits of each symbol.
    """
    blind = blind.detach()
    errors = site_errors(network.restorer.guided, prepared.detach(), batch.original - blind)
    mean_error = errors[:, :1].mean(dim=(2, 3), keepdim=True) + 1e-9
    bits = -torch.log2(network.usage.clamp_min(1e-3))
    jpeg_bits_per_site = PACKING * batch.scan_bits * PIXELS_PER_SITE / batch.original[0, 0].numel()
    price = weight / jpeg_bits_per_site.view(-1, 1, 1, 1)
    return errors / mean_error + price * bits.view(1, -1, 1, 1), bits


class SideTask:
    """The mode's networks. Lambda rises between the shares `lambda_start` and `lambda_end` of the run."""

    def __init__(self, data_dir: Path, options: dict[str, Any]) -> None:
        self.source = CropSource(
            data_dir, options["crop"], Mixture(**options.get("mixture", {})), options["n_validation"]
        )
        self.network = SideNetworks(options)
        self.rise = options["lambda_start"], options["lambda_end"]

    def batch(self, rng: np.random.Generator, n_crops: int) -> Batch:
        return self.source.batch(rng, n_crops)

    def loss(self, batch: Batch, device: torch.device, progress: float) -> tuple[Tensor, dict[str, float]]:
        batch = batch.to(device)
        start, end = self.rise
        weight = min(1.0, max(0.0, (progress - start) / (end - start)))
        restorer = self.network.restorer
        blind, prepared = restorer.parts(batch.base, batch.condition)
        costs, bits = symbol_costs(self.network, batch, blind, prepared, weight)
        symbols = costs.argmin(dim=1)
        self._count(symbols)
        side = blind + restorer.guided.correct(prepared, symbols)
        log_blind, log_side = (
            log_squared_error(blind, batch.original).mean(),
            log_squared_error(side, batch.original).mean(),
        )
        chosen = torch.softmax(self.network.extractor(batch.original, batch.base), dim=1)
        expected = (chosen * costs).sum(dim=1).mean()
        figures = self._figures(symbols, bits) | {
            "log_blind": log_blind.item(),
            "log_side": log_side.item(),
            "expected": expected.item(),
            "lambda": weight,
        }
        return log_blind + log_side + 0.5 * expected, figures

    def _count(self, symbols: Tensor) -> None:
        if self.network.training:
            shares = torch.bincount(symbols.flatten(), minlength=N_SYMBOLS).float() / symbols.numel()
            self.network.usage.lerp_(shares, 0.01)

    @staticmethod
    def _figures(symbols: Tensor, bits: Tensor) -> dict[str, float]:
        """Histogram's entropy and its largest share: collapse shows here."""
        shares = torch.bincount(symbols.flatten(), minlength=N_SYMBOLS).float() / symbols.numel()
        used = shares[shares > 0]
        return {
            "entropy": -(used * used.log2()).sum().item(),
            "largest_share": shares.max().item(),
            "bits": bits[symbols].mean().item(),
        }

    @torch.no_grad()
    def validate(self, network: SideNetworks, device: torch.device) -> dict[str, float]:
        """Mean net gain over the blind restoration (dB, its bits paid for at the JPEG's slope), and its parts."""
        network.usage.copy_(self.network.usage)
        rows: dict[str, list[float]] = {"net": [], "blind": [], "side": [], "bits": [], "extractor_net": []}
        for batch in self.source.validation.values():
            figures = [self._validate_batch(network, part) for part in split(batch, 8, device)]
            for key in rows:
                rows[key].append(float(np.mean([f[key] for f in figures])))
        return {"gain": float(np.mean(rows["blind"]) + np.mean(rows["net"]))} | {
            f"{key}_{point}": value
            for key, values in rows.items()
            for point, value in zip(self.source.validation, values, strict=True)
        }

    def _validate_batch(self, network: SideNetworks, batch: Batch) -> dict[str, float]:
        blind, prepared = network.restorer.parts(batch.base, batch.condition)
        costs, bits = symbol_costs(network, batch, blind, prepared, 1.0)
        blind_db = psnr(blind, batch.original)

        def gain_and_net(symbols: Tensor) -> tuple[float, float]:
            better = psnr(blind + network.restorer.guided.correct(prepared, symbols), batch.original) - blind_db
            paid = bits[symbols].sum(dim=(1, 2)) / (PACKING * batch.scan_bits) * DB_PER_NEPER
            return better.mean().item(), (better - paid).mean().item()

        best = costs.argmin(dim=1)
        side, net = gain_and_net(best)
        _, extractor_net = gain_and_net(quantize(network.extractor(batch.original, batch.base)))
        return {
            "blind": (blind_db - psnr(batch.base, batch.original)).mean().item(),
            "side": side,
            "net": net,
            "extractor_net": extractor_net,
            "bits": bits[best].mean().item(),
        }
