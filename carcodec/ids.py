"""The numbers that stand in files. Append-only: a number once released never changes its meaning.

Each is written by hand here and in docs/format.md, and a test compares the two.
"""

from __future__ import annotations

from enum import IntEnum

SIGNATURE = b"\x89CAR"  # format.md 2; the first byte is no text, so mail and FTP in text mode break it visibly
VERSION = 1  # format.md 2 and 8
SYMBOLS = 16  # different symbols of the descriptor grid, format.md 6
SITE_PX = 16  # side of the square of pixels that one symbol describes, format.md 6
SCALES = (8, 16, 32)  # sides of the square of pixels that one of the compact picture stands for, format.md 5.5


class Mode(IntEnum):
    """What a file is made of; format.md 3."""

    SIDE = 1
    BLIND = 2
    LAYERED = 3


class Colour(IntEnum):
    """Samples a pixel has; format.md 3."""

    GRAY = 1
    RGB = 3


class ChunkKind(IntEnum):
    """Type byte of a chunk; 128 and above are ancillary, 16 to 31 are of mode `LAYERED`; format.md 4."""

    JPEG = 1
    RESTORE = 2
    DESCRIPTOR = 3
    COMPACT = 16
    BASE = 17
    TRANSFORM = 18
    SAMPLES = 19
    PICTURE = 20
    NOTE = 0x81
    ICC = 0x82
    EXIF = 0x83


class Packing(IntEnum):
    """How the JPEG of a file is packed; format.md 5.1."""

    STORED = 0
    LEPTON = 1


class CompactCoding(IntEnum):
    """How the compact picture of a layered file is coded; format.md 5.5."""

    WEBP = 0
    SAMPLES = 1
