"""The difference of two pictures as a picture."""

from __future__ import annotations

import numpy as np

from carcodec.pixels import Image

# From black over violet and red to light yellow: lightness rises all the way, so it prints in gray too.
STOPS = np.array(
    [(0, 0, 4), (60, 9, 101), (140, 41, 99), (214, 72, 65), (251, 154, 6), (252, 255, 164)], dtype=np.float64
)
QUANTILE = 0.999  # single stray pixels must not make the rest black


def heatmap(reference: Image, image: Image) -> tuple[Image, int]:
    """Greatest absolute difference of the samples at each pixel, in colours.

    Returns:
        uint8[H,W,3], and the difference in levels (at least 1) that has the brightest colour.

    Raises:
        ValueError: the pictures differ in shape.
    """
    if reference.shape != image.shape:
        raise ValueError(f"pictures differ in shape: {reference.shape} and {image.shape}")
    difference = np.abs(reference.astype(np.int32) - image)
    if difference.ndim == 3:
        difference = difference.max(axis=2)
    full_scale = max(1, int(np.ceil(np.quantile(difference, QUANTILE))))
    position = np.clip(difference / full_scale, 0, 1) * (len(STOPS) - 1)
    channels = [np.interp(position, np.arange(len(STOPS)), STOPS[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=-1).round().astype(np.uint8), full_scale
