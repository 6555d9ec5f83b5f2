"""The context model by itself, on grids of symbols that a trained extractor gave: bits per site."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from carcodec.descriptor.context import MARGIN, OUTSIDE
from carcodec.descriptor.grid import Symbols, entropy
from carcodec.errors import InputError
from carcodec.nn.context import ContextNetwork, site_bits

Batch = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Grids:
    """symbols: uint8[gh,gw] of each grid; classes: int64[n], its rate class."""

    symbols: list[Symbols]
    classes: npt.NDArray[np.int64]

    @classmethod
    def load(cls, path: Path) -> Grids:
        """Read `symbols` uint8[all sites], `shapes` int32[n,2] (gh, gw), `classes` uint8[n] from an npz file.

        Raises:
            InputError: missing, or not such a file.
        """
        try:
            with np.load(path, allow_pickle=False) as arrays:
                flat, shapes, classes = arrays["symbols"], arrays["shapes"].astype(np.int64), arrays["classes"]
        except (OSError, ValueError, KeyError) as error:
            raise InputError(f"cannot read the maps of symbols in {path}: {error}") from error
        parts = np.split(flat, np.cumsum(shapes.prod(axis=1))[:-1])
        return cls([part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)], classes.astype(np.int64))


class ContextTask:
    """L = cross entropy, in bits per site, of windows cut from the training grids."""

    def __init__(self, data_dir: Path, options: dict[str, Any]) -> None:
        self.window: int = options["window"]
        self.train = Grids.load(data_dir / "symbols-train.npz")
        self.validation = Grids.load(data_dir / "symbols-val.npz")
        self.network = ContextNetwork(options["width"])
        # A window at each place where it holds any site: so every site is drawn equally often.
        places = np.array([np.add(grid.shape, self.window - 1).prod() for grid in self.train.symbols], np.float64)
        self.chances = places / places.sum()

    def batch(self, rng: np.random.Generator, n_crops: int) -> Batch:
        """Codes int64[n, window + 2, window + 4] with the margin that the mask sees, and classes int64[n]."""
        chosen = rng.choice(len(self.chances), n_crops, p=self.chances)
        windows = [self._window(self.train.symbols[i], rng) for i in chosen]
        return torch.from_numpy(np.stack(windows)), torch.from_numpy(self.train.classes[chosen])

    def loss(self, batch: Batch, device: torch.device, progress: float) -> tuple[Tensor, dict[str, float]]:
        codes, classes = (part.to(device) for part in batch)
        bits = site_bits(self.network(codes, classes), codes)[:, MARGIN:, MARGIN:-MARGIN]
        n_sites = (codes[:, MARGIN:, MARGIN:-MARGIN] != OUTSIDE).sum()
        loss = bits.sum() / n_sites.clamp(min=1)
        return loss, {"bits_per_site": loss.item()}

    @torch.no_grad()
    def validate(self, network: nn.Module, device: torch.device) -> dict[str, float]:
        """Bits per site, negative first; beside it the entropy of each grid's own histogram."""
        bits = by_histogram = 0.0
        for symbols, rate_class in zip(self.validation.symbols, self.validation.classes.tolist(), strict=True):
            codes = torch.from_numpy(symbols.astype(np.int64))[None].to(device)
            bits += site_bits(network(codes, torch.tensor([rate_class], device=device)), codes).sum().item()
            by_histogram += entropy(symbols) * symbols.size
        n_sites = sum(symbols.size for symbols in self.validation.symbols)
        return {"minus_bits_per_site": -bits / n_sites, "histogram_bits_per_site": by_histogram / n_sites}

    def _window(self, grid: Symbols, rng: np.random.Generator) -> npt.NDArray[np.int64]:
        border = self.window - 1
        top, left = rng.integers(0, np.add(grid.shape, border))
        padded = np.pad(grid, ((border + MARGIN, border), (border + MARGIN,) * 2), constant_values=OUTSIDE)
        cut = padded[top : top + self.window + MARGIN, left : left + self.window + 2 * MARGIN]
        return cut.astype(np.int64)
