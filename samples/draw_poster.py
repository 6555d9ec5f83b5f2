"""Draws `poster.png`: text, thin lines, flat colours and gradients, which photographs lack.

python samples/draw_poster.py poster.png
"""

from __future__ import annotations

import math
import sys

import numpy as np
from PIL import Image, ImageDraw, ImageFont

WIDTH_PX, HEIGHT_PX = 384, 256
INK = (28, 32, 48)
PAPER = (247, 245, 238)
INKS = [(200, 52, 44), (236, 160, 36), (44, 140, 92), (36, 96, 176), (112, 64, 148)]


def gradient(width: int, height: int) -> Image.Image:
    """Hue to the right, darker downwards: smooth ramps show banding and blocks."""
    hue = np.broadcast_to(np.linspace(0, 255, width), (height, width))
    value = np.broadcast_to(np.linspace(255, 70, height)[:, None], (height, width))
    planes = np.stack([hue, np.full_like(hue, 150), value], axis=-1)
    return Image.fromarray(np.rint(planes).astype(np.uint8), "HSV").convert("RGB")


def draw() -> Image.Image:
    """The poster, RGB, 384 x 256."""
    poster = Image.new("RGB", (WIDTH_PX, HEIGHT_PX), PAPER)
    pen = ImageDraw.Draw(poster)
    pen.rectangle((0, 0, WIDTH_PX, 47), INK)
    pen.text((14, 8), "carcodec 16 x 16", PAPER, ImageFont.load_default(28))
    for line, size in enumerate((9, 11, 13, 15)):
        pen.text((14, 58 + line * 18), f"{size} px: small type rings first.", INK, ImageFont.load_default(size))
    for index, ink in enumerate(INKS):
        pen.rectangle((14 + index * 34, 138, 40 + index * 34, 164), ink)
        pen.ellipse((14 + index * 34, 172, 40 + index * 34, 198), outline=ink, width=2)
    centre_x, centre_y, radius = 312, 124, 62
    for spoke in range(36):  # a star of one-pixel lines at every angle
        angle = spoke * math.pi / 36
        dx, dy = radius * math.cos(angle), radius * math.sin(angle)
        pen.line((centre_x - dx, centre_y - dy, centre_x + dx, centre_y + dy), INK)
    for step in range(9):  # lines 2 to 6 pixels apart
        x = 206 + step * (step + 15) // 6
        pen.line((x, 62, x, 198), INKS[3] if step % 2 else INK)
    poster.paste(gradient(WIDTH_PX, 46), (0, HEIGHT_PX - 46))
    return poster


if __name__ == "__main__":
    draw().save(sys.argv[1], optimize=True)
