import io

import numpy as np
import pytest
from PIL import Image

from carcodec.jpeg.tables import STANDARD, TableShape, quality_scale, quantization_tables

BENT = [TableShape(0.5), TableShape(1.0), TableShape(0.7, 0.6), TableShape(0.0, 0.5), TableShape(1.0, 2.0)]


@pytest.mark.parametrize("quality", range(1, 101))
def test_standard_tables_are_those_that_pillow_writes(quality: int) -> None:
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "JPEG", quality=quality)
    written = Image.open(out).quantization
    luma, chroma = quantization_tables(quality, STANDARD)
    assert luma.tolist() == list(written[0])
    assert chroma.tolist() == list(written[1])


@pytest.mark.parametrize("shape", BENT)
def test_bent_steps_fit_8_bits_and_never_grow_with_quality(shape: TableShape) -> None:
    tables = np.array([quantization_tables(quality, shape) for quality in range(1, 101)])
    assert tables.shape == (100, 2, 64)
    assert tables.min() >= 1
    assert tables.max() <= 255
    assert (np.diff(tables, axis=0) <= 0).all()
    assert (tables[0] > tables[-1]).all()


def test_fully_bent_tables_are_flat_and_scaled_apart() -> None:
    luma, chroma = quantization_tables(50, TableShape(flatness=1.0, chroma_scale=0.5))
    assert set(luma) == {30}
    assert set(chroma) == {15}


def test_more_flatness_brings_the_steps_closer_together() -> None:
    spreads = [np.ptp(quantization_tables(40, TableShape(flatness))[0]) for flatness in (0.0, 0.25, 0.5, 0.75, 1.0)]
    assert spreads == sorted(spreads, reverse=True)
    assert spreads[-1] == 0 < spreads[0]


@pytest.mark.parametrize("quality", [0, 101, -1])
def test_qualities_outside_1_to_100_are_refused(quality: int) -> None:
    with pytest.raises(ValueError, match=r"1\.\.100"):
        quality_scale(quality)
