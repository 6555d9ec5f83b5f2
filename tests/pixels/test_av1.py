from __future__ import annotations

import io
import random

import numpy as np
import pytest
from PIL import Image

from carcodec.errors import DamagedError, LimitError, UnsupportedError
from carcodec.pixels.av1 import decode_av1, encode_av1
from carcodec.pixels.metrics import psnr

SHAPES = [(1, 1), (1, 1, 3), (1, 9, 3), (9, 1), (37, 53, 3), (38, 54)]


def picture(shape: tuple[int, ...]) -> np.ndarray:
    rng = np.random.default_rng(2)
    ramp = np.add.outer(np.arange(shape[0]), np.arange(shape[1]))
    values = ramp.reshape(*ramp.shape, *(1,) * (len(shape) - 2)) + rng.normal(60, 6, shape)
    return np.clip(values, 0, 255).astype(np.uint8)


def avif(image: np.ndarray, quality: int) -> bytes:
    out = io.BytesIO()
    sampling = "4:0:0" if image.ndim == 2 else "4:4:4"
    Image.fromarray(image).save(out, "AVIF", quality=quality, subsampling=sampling, speed=6, advanced={"tune": "psnr"})
    return out.getvalue()


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("quality", [1, 60, 100])
def test_pixels_are_those_of_an_avif_file_that_is_larger(shape: tuple[int, ...], quality: int) -> None:
    image, file = picture(shape), avif(picture(shape), quality)
    data = encode_av1(image, quality)
    assert np.array_equal(decode_av1(data, shape), np.array(Image.open(io.BytesIO(file))))
    assert len(data) < len(file) - 250


def test_better_quality_is_nearer_and_larger() -> None:
    image = picture((64, 80, 3))
    coded = [encode_av1(image, quality) for quality in (10, 40, 70, 95)]
    assert sorted(coded, key=len) == coded
    nearness = [psnr(image, decode_av1(data, image.shape)) for data in coded]
    assert sorted(nearness) == nearness


def test_another_size_is_damage() -> None:
    data = encode_av1(picture((20, 30, 3)), 50)
    for shape in ((30, 20, 3), (20, 31, 3), (20, 3000, 3)):
        with pytest.raises(DamagedError, match="another size"):
            decode_av1(data, shape)


@pytest.mark.parametrize("data", [b"", b"\x0a", b"\x0a\x0b", b"\x12\x00\x0a\x0b", b"\x0a\xff" + bytes(200)])
def test_what_does_not_begin_with_a_sequence_header_is_damage(data: bytes) -> None:
    with pytest.raises(DamagedError):
        decode_av1(data, (20, 30, 3))


def test_whatever_the_bytes_a_picture_of_that_size_or_damage() -> None:
    rng = random.Random(3)
    data = encode_av1(picture((20, 30, 3)), 50)
    outcomes = {True: 0, False: 0}
    for _ in range(200):
        changed = bytearray(data[: rng.choice((len(data), rng.randrange(len(data))))] or b"\0")
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
        try:
            assert decode_av1(bytes(changed), (20, 30, 3)).shape == (20, 30, 3)
        except DamagedError:
            outcomes[False] += 1
        else:
            outcomes[True] += 1
    assert min(outcomes.values()) > 20, outcomes


def test_a_pillow_without_avif_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("PIL.features.check", lambda name: name != "avif")
    for use in (lambda: encode_av1(picture((4, 4)), 50), lambda: decode_av1(b"", (4, 4))):
        with pytest.raises(UnsupportedError, match="without AVIF"):
            use()


def test_a_side_that_no_decoder_would_take_is_refused() -> None:
    with pytest.raises(LimitError, match="32,768"):
        encode_av1(np.zeros((1, 32_769), np.uint8), 50)
