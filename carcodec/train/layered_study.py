"""What segments bring a layered file: runs of equal steps, each told other segments, side by side.

    python -m carcodec.train.layered_study runs/study-edms-none runs/study-edms-mapped ... --photos DATA

Each folder bears the name of its recipe. Bytes are those of a compact picture in WebP and of an AV1 residual, of
validation photographs; a decoder could not know the segments of the original, which are an upper bound.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from carcodec.pixels import Image
from carcodec.pixels.av1 import decode_av1, encode_av1
from carcodec.pixels.metrics import psnr
from carcodec.pixels.webp import encode_webp
from carcodec.report.bd import Point, bd_rate
from carcodec.train.photos import load_split
from carcodec.train.run import RECIPES, read_recipe
from carcodec.train.scenes import pictures_to_levels
from carcodec.train.tasks.layered import Predictor, codec_of

QUALITIES = (25, 45, 65, 85)
SCALE = 16
ALIGNMENT_PX = 32
EVERY = 4  # photographs, of the validation's


def predictor_of(folder: Path) -> Predictor:
    """The averaged networks that a run left, told segments as its recipe has it."""
    options = read_recipe(RECIPES / f"{folder.name}.toml")["options"]
    codec = codec_of(options)
    codec.load_state_dict(torch.load(folder / "best.pt", map_location="cpu", weights_only=True)["network"])
    return Predictor(codec.eval(), options["segments"])


@torch.no_grad()
def measured(predictor: Predictor, pictures: list[Image]) -> tuple[float, list[Point]]:
    """PSNR of the base in dB, and the curve of bits per pixel and PSNR, means over pictures."""
    base_psnr, curves = [], []
    for picture in pictures:
        compact, base = (_image(levels) for levels in predictor(pictures_to_levels([picture]), SCALE))
        base_psnr.append(psnr(picture, base))
        curves.append(list(_points(picture, compact, base)))
    means = np.mean(curves, axis=0)
    return float(np.mean(base_psnr)), [(rate, quality) for rate, quality in means.tolist()]


def _points(picture: Image, compact: Image, base: Image) -> Iterator[Point]:
    residual = np.clip(picture.astype(np.int16) - base + 128, 0, 255).astype(np.uint8)
    compact_bytes = len(encode_webp(compact))
    for quality in QUALITIES:
        data = encode_av1(residual, quality)
        decoded = np.clip(base.astype(np.int16) + decode_av1(data, picture.shape) - 128, 0, 255).astype(np.uint8)
        yield 8 * (compact_bytes + len(data)) / (picture.shape[0] * picture.shape[1]), psnr(picture, decoded)


def _image(levels: torch.Tensor) -> Image:
    """float32[1,3,H,W] -> uint8[H,W,3]."""
    return np.ascontiguousarray(levels[0].permute(1, 2, 0).numpy().astype(np.uint8))


def _aligned(picture: Image) -> Image:
    height, width = (side // ALIGNMENT_PX * ALIGNMENT_PX for side in picture.shape[:2])
    return np.ascontiguousarray(picture[:height, :width])


def main() -> None:
    """The command of the module's first lines; the first run is what BD-rates are against."""
    parser = argparse.ArgumentParser(prog="python -m carcodec.train.layered_study", description="Compare segments.")
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--photos", type=Path, required=True)
    told = parser.parse_args()
    pictures = [_aligned(picture) for picture in load_split(told.photos, "val")[::EVERY]]
    print("| run | PSNR of the base (dB) | BD-rate (%) | bpp:PSNR |\n| --- | ---: | ---: | --- |")
    anchor: list[Point] = []
    for folder in told.folders:
        base_psnr, curve = measured(predictor_of(folder), pictures)
        anchor = anchor or curve
        points = " ".join(f"{rate:.3f}:{quality:.2f}" for rate, quality in curve)
        print(f"| {folder.name} | {base_psnr:.2f} | {bd_rate(anchor, curve):+.2f} | {points} |", flush=True)


if __name__ == "__main__":
    main()
