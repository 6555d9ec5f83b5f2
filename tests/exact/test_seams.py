"""A picture restored in pieces is the picture restored at once, by the shipped restorer, as docs/models.md states."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from carcodec.jpeg.conditioning import condition
from carcodec.jpeg.tables import quantization_tables
from carcodec.nn.tiling import DEFAULT_TILING, SEAM_LEVELS, Tiling
from carcodec.runtime import Engine, InstalledNetworks
from tests.conftest import SAMPLES

SMALLER_TILES = Tiling(192, DEFAULT_TILING.overlap)  # of samples, which one usual tile would hold


@pytest.mark.parametrize("quality", [5, 40])
def test_seams_of_the_shipped_restorer(quality: int) -> None:
    luma, chroma = quantization_tables(quality)
    file = BytesIO()
    picture = Image.open(SAMPLES / "camera.png").convert("RGB")
    picture.save(file, "JPEG", qtables=[luma.tolist(), chroma.tolist()], subsampling=2)
    base, vector = np.asarray(Image.open(file)), condition(luma, chroma, (2, 2))
    tile, overlap = SMALLER_TILES.tile, SMALLER_TILES.overlap
    assert base.shape[0] * base.shape[1] > (tile + 2 * overlap) ** 2, "the picture would be one piece"
    at_once, in_pieces = (
        InstalledNetworks(Engine("cpu", precision="float32", tiling=tiling)).restorer().restore(base, vector)
        for tiling in (DEFAULT_TILING, SMALLER_TILES)
    )
    assert np.abs(at_once - base).max() > 5
    assert np.abs(in_pieces - at_once).max() < SEAM_LEVELS
