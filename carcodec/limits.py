"""How much a file may ask for before it is refused.

>>> Limits(pixels=100).check_size(11, 10)
Traceback (most recent call last):
...
carcodec.errors.LimitError: the picture has 110 pixels, more than the limit of 100
"""

from __future__ import annotations

from dataclasses import dataclass

from carcodec.errors import LimitError


@dataclass(frozen=True)
class Limits:
    """Bounds checked before anything is decoded; larger ones are for sources that are trusted.

    Attributes:
        pixels: width times height. 2**28 holds the largest phone cameras (16,320 x 12,240) and
            keeps the decoded RGB base below 1 GB. Pillow opens other pictures than JPEGs up to 178,956,970.
        side_px: width, and height. A JPEG cannot say more than 65,535.
        chunks: chunks in a file. Known ones are few; 64 leaves room and bounds the work.
        metadata_bytes: payloads of all ancillary chunks together; room for a colour profile,
            not for a second file.
    """

    pixels: int = 2**28
    side_px: int = 65_535
    chunks: int = 64
    metadata_bytes: int = 2**20

    def check_size(self, width: int, height: int) -> None:
        """Pass if a picture of this many pixels is allowed.

        Raises:
            LimitError: a side or the product is over its limit.
        """
        if max(width, height) > self.side_px:
            raise LimitError(f"the picture is {width} x {height}, and no side may exceed {self.side_px:,} pixels")
        if width * height > self.pixels:
            raise LimitError(f"the picture has {width * height:,} pixels, more than the limit of {self.pixels:,}")
