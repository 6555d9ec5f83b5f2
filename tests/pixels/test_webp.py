from __future__ import annotations

import io
import random

import numpy as np
import pytest
from PIL import Image

from carcodec.errors import DamagedError, UnsupportedError
from carcodec.pixels.webp import decode_webp, encode_webp

SHAPES = [(1, 1), (1, 1, 3), (1, 9, 3), (9, 1), (37, 53, 3), (38, 54)]


def noise(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_picture_comes_back_exactly(shape: tuple[int, ...]) -> None:
    for thorough in (False, True):
        assert np.array_equal(decode_webp(encode_webp(noise(shape), thorough=thorough), shape), noise(shape))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_bitstream_is_that_of_a_webp_file(shape: tuple[int, ...]) -> None:
    out = io.BytesIO()
    picture = Image.fromarray(noise(shape)).convert("RGB")
    picture.save(out, "WEBP", lossless=True, quality=100, method=6, exact=True)  # as `bench` measures the rival
    file = out.getvalue()
    assert file[12:16] == b"VP8L"
    assert file[20 : 20 + int.from_bytes(file[16:20], "little")] == encode_webp(noise(shape), thorough=True)


def test_another_size_is_damage() -> None:
    data = encode_webp(noise((4, 6, 3)))
    for shape in ((6, 4, 3), (4, 7, 3), (4, 6000, 3), (4,)):
        with pytest.raises(DamagedError, match="another size"):
            decode_webp(data, shape)


def test_transparency_is_damage() -> None:
    out = io.BytesIO()
    Image.new("RGBA", (5, 4), (1, 2, 3, 100)).save(out, "WEBP", lossless=True)
    data = out.getvalue()[out.getvalue().index(b"VP8L") + 8 :]
    with pytest.raises(DamagedError, match="kind"):
        decode_webp(data, (4, 5, 3))


def test_colours_in_a_gray_picture_are_damage() -> None:
    with pytest.raises(DamagedError, match="coloured"):
        decode_webp(encode_webp(noise((4, 6, 3))), (4, 6))


def test_whatever_the_bytes_a_picture_of_that_size_or_damage() -> None:
    rng = random.Random(3)
    data = encode_webp(noise((12, 10, 3)))
    outcomes = {True: 0, False: 0}
    for _ in range(300):
        changed = bytearray(data[: rng.choice((len(data), rng.randrange(len(data))))] or b"\0")
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
        try:
            assert decode_webp(bytes(changed), (12, 10, 3)).shape == (12, 10, 3)
        except DamagedError:
            outcomes[False] += 1
        else:
            outcomes[True] += 1
    assert min(outcomes.values()) > 20, outcomes


def test_a_pillow_without_webp_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("PIL.features.check", lambda name: name != "webp")
    for use in (lambda: encode_webp(noise((4, 4))), lambda: decode_webp(b"", (4, 4))):
        with pytest.raises(UnsupportedError, match="without WebP"):
            use()
