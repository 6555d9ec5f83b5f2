"""Classes without labels: groups of what a trained network sees in photographs and has no name for.

Features are whitened along their main directions, and k-means finds the groups.
Source: DeepCluster (Caron et al., arXiv 1807.05520), with one round of clustering.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

ROUNDS: Final = 40


def whitening(features: Tensor, n_kept: int) -> tuple[Tensor, Tensor]:
    """Mean float32[D] and projection float32[D,n_kept] that make the main directions of float32[P,D] equally wide."""
    values = features.double()
    mean = values.mean(dim=0)
    spread, directions = torch.linalg.eigh(torch.cov(values.T))
    scale = spread[-n_kept:].clamp_min(1e-6).rsqrt()
    return mean.float(), (directions[:, -n_kept:] * scale).float()


def k_means(points: Tensor, k: int, generator: torch.Generator) -> Tensor:
    """Centres float32[k,E] of float32[P,E]: Lloyd's rounds, from starts far apart (k-means++)."""
    centres = points[torch.randint(len(points), (1,), generator=generator)]
    while len(centres) < k:
        chances = torch.cdist(points, centres).amin(dim=1).square()
        centres = torch.cat([centres, points[torch.multinomial(chances, 1, generator=generator)]])
    for _ in range(ROUNDS):
        nearest = torch.cdist(points, centres).argmin(dim=1)
        counts = torch.bincount(nearest, minlength=k).clamp_min(1)
        centres = torch.zeros_like(centres).index_add_(0, nearest, points) / counts[:, None]
    return centres
