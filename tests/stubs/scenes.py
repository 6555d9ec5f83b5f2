"""A folder of tiny street scenes and photographs, as the segmentation's training data are laid out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

SPLITS = {"train": 4, "val": 2, "test": 2}
COLOURS = np.random.default_rng(9).integers(0, 256, (11, 3)).astype(np.uint8)


def scene(rng: np.random.Generator, height: int = 72, width: int = 100) -> tuple[np.ndarray, np.ndarray]:
    """Blocks of classes, each of one colour: picture and labels. The first rows have no label."""
    blocks = rng.integers(0, 11, (height // 12 + 1, width // 12 + 1))
    labels = blocks.repeat(12, 0).repeat(12, 1)[:height, :width].astype(np.uint8)
    picture = COLOURS[labels]
    labels[:4] = 255
    return picture, labels


def write_scenes(folder: Path) -> Path:
    """`segmentation/` and `photos/` in a folder, which is given back."""
    rng = np.random.default_rng(8)
    for kind in ("segmentation/images", "segmentation/labels", "photos"):
        (folder / kind).mkdir(parents=True)
    for split, n in SPLITS.items():
        names = [f"{split}{i}" for i in range(n)]
        (folder / "segmentation" / f"{split}.txt").write_text("\n".join(names))
        for name in names:
            picture, labels = scene(rng)
            Image.fromarray(picture).save(folder / f"segmentation/images/{name}.avif", quality=100, subsampling="4:4:4")
            Image.fromarray(labels).save(folder / f"segmentation/labels/{name}.png")
    for i in range(3):
        Image.fromarray(scene(rng)[0]).save(folder / f"photos/{i}.png")
    (folder / "photos" / "train.txt").write_text("0.png\n1.png\n2.png")
    return folder
