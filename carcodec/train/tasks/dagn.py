"""DAGN: restorer and both its encoders together, with what only training needs of them.

L = log MSE (or another `loss`) + what keeps the encoders to their names. The sensitive one must tell the squared error
of every block and how strongly the picture was compressed, which after two JPEGs the tables do not say. The insensitive
one sees the compressed picture and the original, and is regularised adversarially (a discriminator learns to tell its
features of the two apart, and the reversed gradient makes them alike) or, to compare, by plain matching of features.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from carcodec.jpeg.tables import STANDARD
from carcodec.nn.blocks import conv
from carcodec.nn.dagn import BLOCK_PX, Dagn, Perception
from carcodec.train.degrade import degrade_twice
from carcodec.train.tasks.restorer import FLOOR, Batch, RestorerTask, collate, gains, log_squared_error, split

REGULARISERS = ("adversarial", "matching", "none")
# Of the published task "double JPEG": quality 10, then 50, blocks 4 pixels out of step (FBCNN, table 4).
DOUBLE_POINT, DOUBLE_SHIFT = "q10q50", (4, 4)
FIRST, LAST = (10, STANDARD, "4:2:0"), (50, STANDARD, "4:2:0")
START_LOG_ERROR, START_STRENGTH = -6.0, 0.6  # about the means, so that features need not learn them
NEPERS = 8 * math.log(2)  # in a unit of strength
RAMP = 0.1  # share of the run over which the reversed gradient grows: the discriminator must learn something first


class Discriminator(nn.Module):
    """Whose features are these? Logits, positive for those of a compressed picture.

    Looks at directions, not lengths, which would grow or shrink to win.

    Shapes: float[N,width,h,w] -> float32[N,1,h,w].
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.head = conv(width, width)
        self.body = conv(width, width)
        self.tail = nn.Conv2d(width, 1, 1)

    def forward(self, features: Tensor) -> Tensor:
        seen = F.leaky_relu(self.head(directions(features) * features.shape[1] ** 0.5), 0.2)
        logits: Tensor = self.tail(F.leaky_relu(self.body(seen), 0.2))
        return logits.to(torch.float32)


class QualityProbe(nn.Module):
    """What the sensitive encoder must know, read off its features by one 1x1 convolution.

    Shapes: float[N,width,h,w] -> log of each block's squared error float32[N,h,w], and strength of the compression
    float32[N] (`Degraded.strength`).
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.tail = nn.Conv2d(width, 2, 1)

    def forward(self, sensitive: Tensor) -> tuple[Tensor, Tensor]:
        log_error, strength = self.tail(sensitive).to(torch.float32).unbind(dim=1)
        return log_error + START_LOG_ERROR, strength.mean(dim=(1, 2)) + START_STRENGTH


class DagnNetworks(nn.Module):
    """The network that is shipped, `restorer`, and those that end with training."""

    def __init__(self, restorer: Dagn, guide_width: int) -> None:
        super().__init__()
        self.restorer = restorer
        self.probe = QualityProbe(guide_width)
        self.discriminator = Discriminator(guide_width)


class DagnTask:
    """The network with all or some of its parts; options as `RestorerTask`, and:

    `sensitive`, `insensitive`, `fusion`: which parts there are, all by default; `regularise` of `REGULARISERS`;
    `w_sensitive`, `w_insensitive`: weights of what keeps the encoders to their names.
    """

    def __init__(self, data_dir: Path, options: dict[str, Any]) -> None:
        if options["regularise"] not in REGULARISERS:
            raise ValueError(f"regularise must be one of {', '.join(REGULARISERS)}, not {options['regularise']!r}")
        plain = RestorerTask(data_dir, {"network": "dagn"} | options)
        assert isinstance(plain.network, Dagn)
        self.source, self.error = plain.source, plain.error
        self.network = DagnNetworks(plain.network, options["guide_width"])
        self.regulariser: str = options["regularise"]
        self.w_sensitive: float = options["w_sensitive"]
        self.w_insensitive: float = options["w_insensitive"]
        crops = [degrade_twice(middle, DOUBLE_SHIFT, FIRST, LAST) for middle in self.source.middles]
        self.double = {DOUBLE_POINT: collate(crops)}

    def batch(self, rng: np.random.Generator, n_crops: int) -> Batch:
        return self.source.batch(rng, n_crops)

    def loss(self, batch: Batch, device: torch.device, progress: float) -> tuple[Tensor, dict[str, float]]:
        batch = batch.to(device)
        restored, said = self.network.restorer.perceived(batch.base, batch.condition)
        log_mse = log_squared_error(restored.detach(), batch).mean()
        sensitive, seen = self._sensitive(said, batch)
        insensitive, told = self._insensitive(said, batch, progress)
        loss = self.error(restored, batch).mean() + self.w_sensitive * sensitive + self.w_insensitive * insensitive
        return loss, {"log_mse": log_mse.item()} | seen | told

    def _sensitive(self, said: Perception, batch: Batch) -> tuple[Tensor, dict[str, float]]:
        if said.sensitive is None:
            return torch.zeros((), device=batch.base.device), {}
        log_error, strength = self.network.probe(said.sensitive)
        log_error_off = F.smooth_l1_loss(log_error, block_log_errors(batch))
        strength_off = (strength - batch.strength).abs().mean()
        figures = {"log_error_off": log_error_off.item(), "strength_off": strength_off.item()}
        return log_error_off + NEPERS * strength_off, figures

    def _insensitive(self, said: Perception, batch: Batch, progress: float) -> tuple[Tensor, dict[str, float]]:
        encoder = self.network.restorer.trunk.insensitive
        if said.insensitive is None or encoder is None or self.regulariser == "none":
            return torch.zeros((), device=batch.base.device), {}
        # A quarter of the batch: the encoder's second look at all of it would be a fifth of a step.
        n_compared = (len(batch.original) + 3) // 4
        compressed, original = said.insensitive[:n_compared], encoder(batch.original[:n_compared])
        if self.regulariser == "matching":
            apart = 1 - likeness(compressed, original)
            return apart, {"likeness": 1 - apart.item()}
        weight = min(1.0, progress / RAMP)
        return self._adversarial(compressed, original, weight)

    def _adversarial(self, compressed: Tensor, original: Tensor, weight: float) -> tuple[Tensor, dict[str, float]]:
        """How badly the discriminator does; what comes back to the encoder is reversed, and weighed."""
        features = torch.cat([compressed, original])
        logits = self.network.discriminator(gradient_reversed(features, weight))
        truth = torch.zeros_like(logits)
        truth[: len(compressed)] = 1
        told_apart = ((logits > 0) == (truth > 0)).float().mean()
        figures = {"told_apart": told_apart.item(), "likeness": likeness(compressed, original).item()}
        return F.binary_cross_entropy_with_logits(logits, truth), figures

    @torch.no_grad()
    def validate(self, network: DagnNetworks, device: torch.device) -> dict[str, float]:
        """Mean gain over the JPEG, in dB; then at each single and the double point; then how true the encoders are."""
        found = gains(network.restorer, self.source.validation, device)
        encoders = [faithfulness(network, part) for part in split(self.double[DOUBLE_POINT], 8, device)]
        means = {name: sum(each[name] for each in encoders) / len(encoders) for name in encoders[0]}
        return {"gain": sum(found.values()) / len(found)} | found | gains(network.restorer, self.double, device) | means


def directions(features: Tensor) -> Tensor:
    """The features of each position, as float32 of length 1."""
    return F.normalize(features.to(torch.float32), dim=1)


def likeness(one: Tensor, other: Tensor) -> Tensor:
    """Mean cosine of two maps of features, float32[]."""
    return (directions(one) * directions(other)).sum(dim=1).mean()


def gradient_reversed(features: Tensor, weight: float) -> Tensor:
    """The features, as float32, whose gradient comes back times -weight (Ganin et al., "Domain-adversarial training of
    neural networks", 2016)."""
    features = features.to(torch.float32)
    return features.detach() - weight * (features - features.detach())


def block_log_errors(batch: Batch) -> Tensor:
    """float32[N,H/8,W/8]: natural log of the JPEG's mean squared error in each block (range 0..1)."""
    squared = (batch.base - batch.original).square().mean(dim=1, keepdim=True)
    return torch.log(F.avg_pool2d(squared, BLOCK_PX)[:, 0] + FLOOR)


def faithfulness(network: DagnNetworks, batch: Batch) -> dict[str, float]:
    """How far off the sensitive encoder is, and how alike the insensitive one finds compressed and original."""
    trunk = network.restorer.trunk
    said = trunk.perceive(batch.base, trunk.code(batch.condition))
    figures = {}
    if said.sensitive is not None:
        log_error, strength = network.probe(said.sensitive)
        figures["log_error_off"] = (log_error - block_log_errors(batch)).abs().mean().item()
        figures["strength_off"] = (strength - batch.strength).abs().mean().item()
    if said.insensitive is not None and trunk.insensitive is not None:
        figures["likeness"] = likeness(said.insensitive, trunk.insensitive(batch.original)).item()
    return figures
