"""Side information, trained jointly: restorer, descriptor extractor, feature mapping, context model.

L = D + lambda R, as published, with D the log squared error, R the context model's cross entropy, and lambda
where it belongs: at the slope of the JPEG's own rate-distortion curve (a bit of descriptor must buy what a bit
of JPEG would). Each site takes the symbol that costs least (`site_errors`), so no symbol is starved by a weak
extractor; the extractor learns to make the same choice at one look.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from carcodec.ids import SITE_PX, SYMBOLS
from carcodec.nn.context import BITS_PER_NAT, ContextNetwork
from carcodec.nn.descriptor import Extractor, GuidedRestorer, quantize, site_errors
from carcodec.runtime import empty_network
from carcodec.train.degrade import Mixture
from carcodec.train.export import recipe_arguments
from carcodec.train.tasks.restorer import Batch, CropSource, log_squared_error, psnr, split

PACKING = 0.8  # Lepton's bytes over the JPEG's
DEAREST_BITS = 10.0  # a symbol that is never used must not cost so much that it can't come back
SWEEPS = 2
DB_PER_NEPER = 10 / np.log(10)


class SideNetworks(nn.Module):
    """The networks of the mode."""

    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__()
        name = options.get("network", "guided")
        restorer = empty_network(name, recipe_arguments(name, options))
        assert isinstance(restorer, GuidedRestorer)
        self.restorer = restorer
        self.extractor = Extractor()
        self.context = ContextNetwork(options["context_width"])


@dataclass(frozen=True)
class Choice:
    """What each symbol would cost, and the one taken.

    Attributes:
        symbols: int64[N,gh,gw].
        costs: float[N,16,gh,gw], in shares of the crop's mean site error.
        bits: float[N,gh,gw], of the symbols taken.
    """

    symbols: Tensor
    costs: Tensor
    bits: Tensor


@torch.no_grad()
def choose(networks: SideNetworks, batch: Batch, blind: Tensor, prepared: Tensor, weight: float) -> Choice:
    """The symbols that cost least: the error they leave, plus their bits at `weight` times the JPEG's price."""
    errors = site_errors(networks.restorer.guided, prepared, batch.original - blind)
    errors = errors / (errors[:, :1].mean(dim=(2, 3), keepdim=True) + 1e-9)
    jpeg_bits_per_site = PACKING * batch.scan_bits * SITE_PX**2 / batch.original[0, 0].numel()
    price = weight / jpeg_bits_per_site.view(-1, 1, 1, 1)
    symbols = errors.argmin(dim=1)
    for _ in range(SWEEPS):
        bits = _bits(networks.context(symbols, batch.rate_class)).clamp_max(DEAREST_BITS)
        costs = errors + price * bits
        symbols = costs.argmin(dim=1)
    bits = _bits(networks.context(symbols, batch.rate_class))
    return Choice(symbols, costs, bits.gather(1, symbols[:, None])[:, 0])


def _bits(logits: Tensor) -> Tensor:
    """Logits to base 2 -> bits of each symbol, float[N,16,gh,gw]."""
    return -torch.log_softmax(logits / BITS_PER_NAT, dim=1) * BITS_PER_NAT


class SideTask:
    """The mode's networks. Lambda rises between the shares `lambda_start` and `lambda_end` of the run.

    With `only_guidance`, the restorer without a descriptor stays as it is, and what listens to one learns.
    """

    def __init__(self, data_dir: Path, options: dict[str, Any]) -> None:
        mixture = Mixture(**options.get("mixture", {}))
        self.source = CropSource(data_dir, options["crop"], mixture, options["n_validation"])
        self.network = SideNetworks(options)
        self.only_guidance: bool = options.get("only_guidance", False)
        if self.only_guidance:
            self.network.restorer.requires_grad_(False)
            self.network.restorer.guided.requires_grad_(True)
        self.rise = options["lambda_start"], options["lambda_end"]

    def batch(self, rng: np.random.Generator, n_crops: int) -> Batch:
        return self.source.batch(rng, n_crops)

    def loss(self, batch: Batch, device: torch.device, progress: float) -> tuple[Tensor, dict[str, float]]:
        batch = batch.to(device)
        start, end = self.rise
        weight = min(1.0, max(0.0, (progress - start) / (end - start)))
        restorer = self.network.restorer
        features, code = restorer.features(batch.base, batch.condition)
        blind = batch.base + restorer.tail(features)
        # While the trunk learns, too, guidance does on half of the batch: its part of the work is large, and the trunk
        # gains little by it.
        n_guided = len(blind) if self.only_guidance else (len(blind) + 1) // 2
        heard, heard_blind = batch.first(n_guided), blind[:n_guided]
        prepared = restorer.guided.prepare(features[:n_guided], code[:n_guided])
        choice = choose(self.network, heard, heard_blind.detach(), prepared.detach(), weight)
        guided = heard_blind + restorer.guided.correct(prepared, choice.symbols)
        terms = {
            "log_blind": log_squared_error(blind, batch).mean(),
            "log_guided": log_squared_error(guided, heard).mean(),
            "extractor": self._extractor_cost(heard, choice),
            "bits_per_site": self._rate(heard, choice),
        }
        loss = terms["log_blind"] + terms["log_guided"] + 0.3 * terms["extractor"] + 0.1 * terms["bits_per_site"]
        figures = {name: term.item() for name, term in terms.items()} | histogram_figures(choice.symbols)
        return loss, figures | {"lambda": weight}

    def _extractor_cost(self, batch: Batch, choice: Choice) -> Tensor:
        """Cross entropy with the choice, and the cost expected of the extractor's own.

        The second alone makes it say 0 for ever: while it knows nothing, every other symbol costs more on average.
        """
        logits = self.network.extractor(batch.original, batch.base)
        expected = (torch.softmax(logits, dim=1) * choice.costs).sum(dim=1).mean()
        return expected + F.cross_entropy(logits, choice.symbols)

    def _rate(self, batch: Batch, choice: Choice) -> Tensor:
        bits = _bits(self.network.context(choice.symbols, batch.rate_class))
        return bits.gather(1, choice.symbols[:, None]).mean()

    @torch.no_grad()
    def validate(self, network: SideNetworks, device: torch.device) -> dict[str, float]:
        """Mean over the points of blind and net gain in dB (net: the bits paid at the JPEG's slope), then its parts."""
        parts = {
            point: [_gains(network, p) for p in split(b, 8, device)] for point, b in self.source.validation.items()
        }
        means = {
            f"{name}_{point}": float(np.mean([row[name] for row in rows]))
            for point, rows in parts.items()
            for name in rows[0]
        }
        overall = [value for name, value in means.items() if name.startswith(("blind_", "net_"))]
        return {"gain": sum(overall) / len(parts)} | means


def histogram_figures(symbols: Tensor) -> dict[str, float]:
    """Entropy of the symbols' histogram, and its largest share: collapse shows here."""
    shares = torch.bincount(symbols.flatten(), minlength=SYMBOLS).float() / symbols.numel()
    used = shares[shares > 0]
    return {"entropy": -(used * used.log2()).sum().item(), "largest_share": shares.max().item()}


def _gains(network: SideNetworks, batch: Batch) -> dict[str, float]:
    """dB: of the blind restoration over the JPEG; of the guided over the blind; the same less its bits."""
    blind, prepared = network.restorer.parts(batch.base, batch.condition)
    choice = choose(network, batch, blind, prepared, 1.0)
    blind_db = psnr(blind, batch.original)

    def guided(symbols: Tensor) -> Tensor:
        return psnr(blind + network.restorer.guided.correct(prepared, symbols), batch.original) - blind_db

    paid = choice.bits.sum(dim=(1, 2)) / (PACKING * batch.scan_bits) * DB_PER_NEPER
    proposed = quantize(network.extractor(batch.original, batch.base))
    return {
        "blind": (blind_db - psnr(batch.base, batch.original)).mean().item(),
        "guided": guided(choice.symbols).mean().item(),
        "net": (guided(choice.symbols) - paid).mean().item(),
        "bits": choice.bits.mean().item(),
        "extractor": guided(proposed).mean().item(),
    } | histogram_figures(choice.symbols)
