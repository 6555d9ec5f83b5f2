"""Pictures as bytes in the format that a file name asks for; lossless formats only."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from carcodec.errors import OutputError, UsageError

if TYPE_CHECKING:
    from PIL import Image

LOSSLESS: dict[str, tuple[str, dict[str, Any]]] = {
    ".png": ("PNG", {"compress_level": 4}),
    ".webp": ("WEBP", {"lossless": True}),
    ".tif": ("TIFF", {"compression": "tiff_lzw"}),
    ".tiff": ("TIFF", {"compression": "tiff_lzw"}),
    ".bmp": ("BMP", {}),
    ".ppm": ("PPM", {}),
    ".pgm": ("PPM", {}),
}


def picture_format(name: str) -> str:
    """Suffix of the format to write; PNG for names without one, such as `-` and devices.

    Raises:
        UsageError: a format that is not lossless, or not known.
    """
    suffix = Path(name).suffix.lower() or ".png"
    if suffix in (".jpg", ".jpeg", ".avif"):
        raise UsageError(f"{suffix} would lose what restoration gained: use .png; for the stored JPEG, `carcodec extract`")
    if suffix not in LOSSLESS:
        raise UsageError(f"cannot write {suffix}: use one of {', '.join(LOSSLESS)}")
    return suffix


def picture_bytes(picture: Image.Image, suffix: str) -> bytes:
    """The picture as a file, with its colour profile and EXIF data.

    Raises:
        OutputError: the format cannot hold the picture.
    """
    name, options = LOSSLESS[suffix]
    kept = {key: picture.info[key] for key in ("icc_profile", "exif") if picture.info.get(key)}
    target = io.BytesIO()
    try:
        picture.save(target, name, **options, **kept)
    except (OSError, ValueError) as error:
        raise OutputError(f"cannot write the picture as {name}: {error}") from error
    return target.getvalue()
