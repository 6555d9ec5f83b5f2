"""Descriptor maps of the training photographs, for the context model to learn from.

    python -m carcodec.train.symbols runs/side/best.pt DATA runs/context-data
    carcodec train context --data-dir runs/context-data --run-dir runs/context

The maps are what the encoder would choose, priced by the context model that was trained along. A fourth argument names
the recipe that the networks were trained by, where it is not `side`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from carcodec.descriptor.grid import Symbols
from carcodec.ids import SITE_PX
from carcodec.train.degrade import Mixture, degrade, random_settings
from carcodec.train.photos import Picture, load_split
from carcodec.train.run import RECIPES, read_recipe
from carcodec.train.tasks.restorer import collate
from carcodec.train.tasks.side import SideNetworks, choose


def collect(networks: SideNetworks, data_dir: Path, out_dir: Path) -> None:
    """Write `symbols-train.npz` and `symbols-val.npz`: flat uint8 symbols, int32[n,2] shapes, uint8[n] classes.

    Every third training photograph and all of the validation ones, one random JPEG each.

    Args:
        networks: trained.
        data_dir: photographs with `train.txt` and `val.txt`.
        out_dir: made if missing.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    for seed, (split, stride) in enumerate({"train": 3, "val": 1}.items()):
        rng = np.random.default_rng(seed)
        pictures = load_split(data_dir, split)[::stride]
        found = [_map_of(networks, picture, rng) for picture in tqdm(pictures, desc=f"maps of {split}", disable=None)]
        np.savez_compressed(
            out_dir / f"symbols-{split}.npz",
            symbols=np.concatenate([symbols.ravel() for symbols, _ in found]),
            shapes=np.array([symbols.shape for symbols, _ in found], np.int32),
            classes=np.array([rate_class for _, rate_class in found], np.uint8),
        )


@torch.no_grad()
def _map_of(networks: SideNetworks, picture: Picture, rng: np.random.Generator) -> tuple[Symbols, int]:
    """Symbols of a random JPEG of the picture, less its partial sites, and the rate class."""
    whole = picture[: picture.shape[0] // SITE_PX * SITE_PX, : picture.shape[1] // SITE_PX * SITE_PX]
    batch = collate([degrade(whole, *random_settings(Mixture(p_gray=0.0), rng))])
    with torch.autocast("cpu", torch.bfloat16):
        blind, prepared = networks.restorer.parts(batch.base, batch.condition)
        choice = choose(networks, batch, blind, prepared, 1.0)
    return choice.symbols[0].numpy().astype(np.uint8), int(batch.rate_class)


def main() -> None:
    """The command of the module's first lines."""
    checkpoint, data_dir, out_dir = map(Path, sys.argv[1:4])
    (recipe,) = sys.argv[4:] or ["side"]
    networks = SideNetworks(read_recipe(RECIPES / f"{recipe}.toml")["options"])
    networks.load_state_dict(torch.load(checkpoint, map_location="cpu", weights_only=True)["network"])
    collect(networks.eval(), data_dir, out_dir)


if __name__ == "__main__":
    main()
