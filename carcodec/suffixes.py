"""Suffixes of file names, known without loading Pillow; tests/test_suffixes.py holds them against what is read."""

from __future__ import annotations

JPEGS = (".jpg", ".jpeg", ".jfif", ".jpe")
PICTURES = (
    *JPEGS,
    *(".png", ".webp", ".avif", ".tif", ".tiff"),
    *(".bmp", ".ppm", ".pgm", ".pnm", ".gif", ".jp2", ".qoi"),
)
CARS = (".car",)
