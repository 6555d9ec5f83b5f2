"""Colour profiles that say their kind alone, and EXIF data of a camera."""

from __future__ import annotations

from PIL import Image

RGB_PROFILE = b"\0" * 16 + b"RGB " + b"\0" * 108
GRAY_PROFILE = b"\0" * 16 + b"GRAY" + b"\0" * 108
ORIENTATION = 0x0112


def exif_block(orientation: int) -> bytes:
    """An orientation and a text, "kept"."""
    tags = Image.Exif()
    tags[ORIENTATION] = orientation
    tags[0x010E] = "kept"
    return tags.tobytes()
