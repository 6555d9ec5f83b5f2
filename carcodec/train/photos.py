"""Training photographs: a folder of pictures with `train.txt` and `val.txt`, held in memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image
from tqdm import tqdm

from carcodec.errors import InputError

Picture = npt.NDArray[np.uint8]


def load_split(folder: Path, split: str) -> list[Picture]:
    """Pictures of a split, in the order of its list.

    Args:
        folder: holds the pictures and `<split>.txt`, one file name a line.
        split: "train" or "val".

    Returns:
        uint8[H,W,3] each. 820 photographs of 0.3 megapixels take about 750 MB.

    Raises:
        InputError: the list or a picture is missing, or no picture.
    """
    try:
        names = [name for line in (folder / f"{split}.txt").read_text("utf-8").splitlines() if (name := line.strip())]
        return [np.asarray(Image.open(folder / name).convert("RGB")) for name in tqdm(names, desc=split, disable=None)]
    except OSError as error:
        raise InputError(
            f"cannot read the photographs in {folder}, which {split}.txt there must list, one name a line: {error}"
        ) from error


def middles(pictures: list[Picture], side: int) -> list[Picture]:
    """The middle square uint8[side,side,3] of each picture that is large enough: what is validated on."""
    return [_middle(picture, side) for picture in pictures if min(picture.shape[:2]) >= side]


def _middle(picture: Picture, side: int) -> Picture:
    top, left = ((length - side) // 2 for length in picture.shape[:2])
    return np.ascontiguousarray(picture[top : top + side, left : left + side])


def random_crop(pictures: list[Picture], size: int, rng: np.random.Generator, p_shrink: float = 0.2) -> Picture:
    """As `drawn_crop`, without the number of its picture."""
    return drawn_crop(pictures, size, rng, p_shrink)[1]


def drawn_crop(
    pictures: list[Picture], size: int, rng: np.random.Generator, p_shrink: float = 0.2
) -> tuple[int, Picture]:
    """The more detailed of two random squares: any place, eight orientations, sometimes shrunk by up to 2.

    A picture's error stands where its detail is, and much of many photographs is sky.

    Returns:
        Number of its picture, and the crop, uint8[size,size,3], contiguous.
    """
    return max((_random_square(pictures, size, rng, p_shrink) for _ in range(2)), key=lambda drawn: _detail(drawn[1]))


def _detail(crop: Picture) -> float:
    luma = crop[..., 1].astype(np.int16)
    return float(np.abs(np.diff(luma, axis=0)).mean() + np.abs(np.diff(luma, axis=1)).mean())


def _random_square(
    pictures: list[Picture], size: int, rng: np.random.Generator, p_shrink: float
) -> tuple[int, Picture]:
    number = int(rng.integers(len(pictures)))
    picture = pictures[number]
    largest = min(picture.shape[:2])
    side = size
    if rng.random() < p_shrink:
        side = int(min(largest, size * rng.uniform(1.2, 2.0)))
    if largest < side:
        raise ValueError(f"a training picture is smaller than the crop: {largest} < {side}")
    y = rng.integers(picture.shape[0] - side + 1)
    x = rng.integers(picture.shape[1] - side + 1)
    crop = picture[y : y + side, x : x + side]
    if side != size:
        crop = np.asarray(Image.fromarray(crop).resize((size, size), Image.Resampling.LANCZOS, reducing_gap=2.0))
    crop = np.rot90(crop, int(rng.integers(4)))
    return number, np.ascontiguousarray(crop[:, ::-1] if rng.random() < 0.5 else crop)
