"""A folder of small photographs, as training reads one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


def write_photos(folder: Path, side: int = 256) -> Path:
    """Two pictures to train and two to validate on: soft shapes and some noise."""
    rng = np.random.default_rng(8)
    for split in ("train", "val"):
        names = [f"{split} {number}.png" for number in range(2)]  # names may hold spaces
        for name in names:
            blobs = Image.fromarray(rng.integers(0, 256, (side // 16, side // 16, 3), np.uint8))
            soft = np.asarray(blobs.resize((side, side), Image.Resampling.BICUBIC)).astype(np.int16)
            noisy = soft + rng.integers(-8, 9, soft.shape)
            Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(folder / name)
        (folder / f"{split}.txt").write_text("\n".join(names))
    return folder
