"""Descriptor maps of the training photographs, for the context model to learn from.

The maps are what the encoder would choose, priced by the context model that was trained along.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from carcodec.ids import SITE_PX
from carcodec.train.degrade import Mixture, degrade, random_settings
from carcodec.train.photos import load_split
from carcodec.train.tasks.restorer import collate
from carcodec.train.tasks.side import SideNetworks, choose


def collect(networks: SideNetworks, data_dir: Path, out_dir: Path, seed: int, n_train: int) -> None:
    """Write `symbols-train.npz` and `symbols-val.npz`: flat uint8 symbols, int32[n,2] shapes, uint8[n] classes.

    Args:
        networks: trained.
        n_train: training photographs taken (all of the validation ones are), one random JPEG each.
    """
    for split, limit in (("train", n_train), ("val", None)):
        rng = np.random.default_rng((seed, split == "val"))
        maps, classes = [], []
        for picture in tqdm(load_split(data_dir, split)[:limit], desc=f"maps of {split}", disable=None):
            whole = picture[: picture.shape[0] // SITE_PX * SITE_PX, : picture.shape[1] // SITE_PX * SITE_PX]
            quality, shape, sampling = random_settings(Mixture(p_gray=0.0), rng)
            batch = collate([degrade(whole, quality, shape, sampling)])
            with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
                blind, prepared = networks.restorer.parts(batch.base, batch.condition)
                choice = choose(networks, batch, blind, prepared, 1.0)
            maps.append(choice.symbols[0].numpy().astype(np.uint8))
            classes.append(int(batch.rate_class))
        np.savez_compressed(
            out_dir / f"symbols-{split}.npz",
            symbols=np.concatenate([m.ravel() for m in maps]),
            shapes=np.array([m.shape for m in maps], np.int32),
            classes=np.array(classes, np.uint8),
        )
