"""Street scenes with label maps: read, cut at random, and judged.

A folder as `segmentation/` of the training data has it: `images/NAME.avif`, `labels/NAME.png` (8 bits, 255 where nobody
knows), and lists of names: `train.txt`, `val.txt`, `test.txt`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from carcodec.errors import InputError
from carcodec.nn.segmentation import ALIGNMENT_PX, CELL_PX

Picture = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.uint8]
IGNORED: Final = 255


@dataclass(frozen=True)
class Scene:
    """picture: uint8[H,W,3]; labels: uint8[H,W], class numbers or 255."""

    name: str
    picture: Picture
    labels: Labels


def load_scenes(folder: Path, split: str) -> list[Scene]:
    """The scenes of a split, in the order of its list.

    Raises:
        InputError: the list, a picture or its labels are missing or of different sizes.
    """
    try:
        names = (folder / f"{split}.txt").read_text().split()
        return [_load(folder, name) for name in tqdm(names, desc=f"scenes, {split}", disable=None)]
    except OSError as error:
        raise InputError(
            f"cannot read the scenes in {folder}, which {split}.txt there must list, one name a line: {error}"
        ) from error


def _load(folder: Path, name: str) -> Scene:
    with Image.open(folder / "images" / f"{name}.avif") as image, Image.open(folder / "labels" / f"{name}.png") as map_:
        scene = Scene(name, np.asarray(image.convert("RGB")), np.asarray(map_, np.uint8))
    if scene.picture.shape[:2] != scene.labels.shape:
        raise InputError(f"the labels of the scene {name} in {folder} are not of its picture's size")
    return scene


def random_view(
    picture: Picture, labels: Labels | None, size: tuple[int, int], zooms: tuple[float, float], rng: np.random.Generator
) -> tuple[Picture, Labels]:
    """A window of a picture, zoomed, mirrored half of the time, its colours changed.

    Args:
        picture, labels: uint8[H,W,3], and uint8[H,W] or None.
        size: height and width of the view.
        zooms: least and largest, drawn evenly on a logarithmic scale.

    Returns:
        uint8[h,w,3] and uint8[h,w]: 255 where there is no label or the view is beyond the picture's edge, which is
        repeated there.
    """
    if labels is None:
        labels = np.full(picture.shape[:2], IGNORED, np.uint8)
    zoom = float(np.exp(rng.uniform(*np.log(zooms))))
    height, width = (max(1, round(side / zoom)) for side in size)
    bottom, right = (max(0, a - b) for a, b in zip((height, width), picture.shape, strict=False))
    picture = np.pad(picture, ((0, bottom), (0, right), (0, 0)), mode="edge")
    labels = np.pad(labels, ((0, bottom), (0, right)), constant_values=IGNORED)
    top, left = (int(rng.integers(a - b + 1)) for a, b in zip(picture.shape, (height, width), strict=False))
    window = slice(top, top + height), slice(left, left + width)
    seen = np.asarray(Image.fromarray(picture[window]).resize(size[::-1], Image.Resampling.BILINEAR))
    known = np.asarray(Image.fromarray(labels[window]).resize(size[::-1], Image.Resampling.NEAREST))
    if rng.random() < 0.5:
        seen, known = seen[:, ::-1], known[:, ::-1]
    return recoloured(seen, rng), known


def recoloured(picture: Picture, rng: np.random.Generator) -> Picture:
    """Brightness, contrast, saturation and balance of colours changed at random."""
    levels = picture.astype(np.float32)
    gray = levels.mean(axis=2, keepdims=True)
    levels = gray + (levels - gray) * np.float32(rng.uniform(0.6, 1.4))
    mean = levels.mean()
    levels = mean + (levels - mean) * np.float32(rng.uniform(0.7, 1.4))
    levels = levels * rng.uniform(0.9, 1.1, 3).astype(np.float32) * np.float32(rng.uniform(0.7, 1.35))
    found: Picture = np.clip(np.rint(levels), 0, 255).astype(np.uint8)
    return found


def pictures_to_levels(pictures: list[Picture]) -> Tensor:
    """uint8[H,W,3] each -> float32[N,3,H,W], 0..255."""
    return torch.from_numpy(np.stack(pictures).astype(np.float32)).permute(0, 3, 1, 2)


def cell_labels(labels: Labels) -> Labels:
    """The label at the middle of each cell of 4x4 pixels."""
    return np.ascontiguousarray(labels[CELL_PX // 2 :: CELL_PX, CELL_PX // 2 :: CELL_PX])


def padded(levels: Tensor) -> Tensor:
    """float32[N,3,H,W] with its last rows and columns repeated, up to multiples of 32."""
    bottom, right = (-side % ALIGNMENT_PX for side in levels.shape[2:])
    return F.pad(levels, (0, right, 0, bottom), mode="replicate")


class Confusion:
    """Counts of (true class, found class) over pixels with a label; found classes may be more than the true ones.

    Args:
        n_true: how many classes the labels have.
        n_found: how many a map may have.
    """

    def __init__(self, n_true: int, n_found: int) -> None:
        self.counts = np.zeros((n_true, n_found), np.int64)

    def add(self, found: Labels, true: Labels) -> None:
        """Count a map uint8[H,W] against labels uint8[H,W]."""
        known = true != IGNORED
        n_true, n_found = self.counts.shape
        pairs = true[known].astype(np.int64) * n_found + found[known]
        self.counts += np.bincount(pairs, minlength=n_true * n_found).reshape(n_true, n_found)

    def ious(self) -> npt.NDArray[np.float64]:
        """Intersection over union of each true class; nan for one that was neither there nor found."""
        n_true = len(self.counts)
        hits = self.counts.diagonal().astype(np.float64)
        union = self.counts.sum(axis=1) + self.counts.sum(axis=0)[:n_true] - hits
        found: npt.NDArray[np.float64] = np.divide(hits, union, out=np.full(n_true, np.nan), where=union > 0)
        return found

    def mean_iou(self) -> float:
        """Mean of `ious`, which is what mIoU says."""
        return float(np.nanmean(self.ious()))

    def accuracy(self) -> float:
        """Share of pixels with a label that got it."""
        return float(self.counts.diagonal().sum() / max(1, self.counts.sum()))
