from __future__ import annotations

import functools
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carcodec.entropy.ranges import PlainEngine, RangeReader, RangeWriter
from carcodec.errors import DamagedError, LimitError
from carcodec.residual import coding
from carcodec.residual.coding import decode_samples, encode_samples
from carcodec.residual.model import SampleModel
from tests.stubs.samples import soft_picture, toy_model

SHAPES = [(1, 1), (1, 1, 3), (1, 17), (1, 40, 3), (33, 1), (23, 1, 3), (2, 2, 3), (13, 22), (21, 18, 3)]
MODEL = toy_model()


def levels_of(picture: np.ndarray, step: int) -> np.ndarray:
    return ((picture.astype(np.uint16) + step // 2) // step).astype(np.uint8)


def content(kind: str, shape: tuple[int, ...]) -> np.ndarray:
    if kind == "soft":
        return soft_picture(3, *shape)
    if kind == "noise":
        return np.random.default_rng(5).integers(0, 256, shape).astype(np.uint8)
    rows, columns = np.indices(shape[:2])
    flat = {"black": 0 * rows, "white": 0 * rows + 255, "checkerboard": (rows + columns) % 2 * 255}[kind]
    return np.broadcast_to(flat if len(shape) == 2 else flat[..., None], shape).astype(np.uint8)


def base_of(kind: str, picture: np.ndarray) -> np.ndarray | None:
    return {"none": None, "equal": picture, "opposite": 255 - picture}[kind]


def comes_back(levels: np.ndarray, base: np.ndarray | None, step: int = 1, model: SampleModel = MODEL) -> int:
    """How many bytes it took."""
    data = encode_samples(levels, base, model, step)
    found = decode_samples(data, levels.shape, base, model, step)
    assert found.dtype == np.uint8
    assert np.array_equal(found, levels)
    return len(data)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("base", ["none", "equal", "opposite"])
def test_levels_come_back_whatever_the_shape_and_the_base(shape: tuple[int, ...], base: str) -> None:
    picture = content("soft", shape)
    comes_back(picture, base_of(base, picture))


@pytest.mark.parametrize("kind", ["black", "white", "noise", "checkerboard"])
@pytest.mark.parametrize("base", ["none", "equal", "opposite"])
def test_extreme_pictures_come_back(kind: str, base: str) -> None:
    picture = content(kind, (12, 15, 3))
    comes_back(picture, base_of(base, picture))


@pytest.mark.parametrize("step", [1, 3, 13, 51, 127])
def test_levels_of_every_step_come_back(step: int) -> None:
    picture = content("noise", (4, 9, 3))
    picture[0, :2] = [[0], [255]]
    comes_back(levels_of(picture, step), 255 - picture, step)


@given(
    st.integers(1, 6),
    st.integers(1, 6),
    st.sampled_from([(), (3,)]),
    st.sampled_from(range(1, 128, 2)),
    st.booleans(),
    st.binary(min_size=1, max_size=216),
)
@settings(max_examples=25, deadline=None)
def test_any_small_picture_comes_back(
    height: int, width: int, channels: tuple[int, ...], step: int, with_base: bool, values: bytes
) -> None:
    shape = (2, height, width, *channels)
    picture, base = np.resize(np.frombuffer(values, np.uint8), shape)
    comes_back(levels_of(picture, step), base if with_base else None, step)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_pictures_of_many_blocks_come_back_from_any_number_of_threads(
    monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    picture = content("soft", (19, 31, 3))
    whole = encode_samples(picture, None, MODEL)
    monkeypatch.setattr(coding, "_BLOCK", 40)
    assert encode_samples(picture, None, MODEL, threads=threads) == whole
    assert np.array_equal(decode_samples(whole, picture.shape, None, MODEL), picture)


def test_a_good_base_saves_bytes_and_a_coarse_step_more() -> None:
    picture = content("soft", (24, 24, 3))
    alone, helped = comes_back(picture, None), comes_back(picture, picture)
    coarse = comes_back(levels_of(picture, 25), None, 25)
    assert helped < alone
    assert coarse < alone / 2


def test_the_coder_in_plain_python_gives_the_same_bytes_and_levels(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = content("soft", (14, 17, 3))
    data = encode_samples(picture, 255 - picture, MODEL)
    monkeypatch.setattr(coding, "RangeWriter", functools.partial(RangeWriter, PlainEngine()))
    monkeypatch.setattr(coding, "RangeReader", functools.partial(RangeReader, engine=PlainEngine()))
    assert encode_samples(picture, 255 - picture, MODEL) == data
    assert np.array_equal(decode_samples(data, picture.shape, 255 - picture, MODEL), picture)


@pytest.fixture(scope="module")
def valid() -> tuple[np.ndarray, bytes]:
    picture = content("soft", (5, 6, 3))
    return picture, encode_samples(picture, None, MODEL)


def read_damaged(data: bytes, shape: tuple[int, ...]) -> np.ndarray | None:
    """Another picture, which then has this very payload; None for `DamagedError`, and any other error is one here."""
    try:
        found = decode_samples(data, shape, None, MODEL)
    except DamagedError:
        return None
    assert found.shape == shape
    assert encode_samples(found, None, MODEL) == data
    return found


def test_every_prefix_is_damage_or_another_picture(valid: tuple[np.ndarray, bytes]) -> None:
    picture, data = valid
    for n_bytes in range(0, len(data), 6):
        found = read_damaged(data[:n_bytes], picture.shape)
        assert found is None or not np.array_equal(found, picture)


def test_mutations_are_damage_or_another_picture(valid: tuple[np.ndarray, bytes]) -> None:
    picture, data = valid
    rng = random.Random(8)
    for _ in range(20):
        changed = bytearray(data)
        for _ in range(rng.randint(1, 3)):
            changed[rng.randrange(len(changed))] ^= rng.randrange(1, 256)
        found = read_damaged(bytes(changed), picture.shape)
        assert bytes(changed) == data or found is None or not np.array_equal(found, picture)


@pytest.mark.parametrize("more", [b"\0", b"\1", bytes(9)])
def test_bytes_left_over_are_damage(valid: tuple[np.ndarray, bytes], more: bytes) -> None:
    picture, data = valid
    with pytest.raises(DamagedError):
        decode_samples(data + more, picture.shape, None, MODEL)


@pytest.mark.parametrize("length", [0, 1, 7, 40, 3000])
def test_garbage_gives_levels_or_damaged(length: int) -> None:
    read_damaged(np.random.default_rng(length).bytes(length), (6, 5, 3))


def test_another_base_or_step_gives_other_levels_or_damage(valid: tuple[np.ndarray, bytes]) -> None:
    picture, data = valid
    for base, step in ((picture, 1), (None, 3)):
        try:
            found = decode_samples(data, picture.shape, base, MODEL, step)
        except DamagedError:
            continue
        assert not np.array_equal(found, picture)


def test_more_bytes_than_samples_could_take_are_refused_before_they_are_read() -> None:
    with pytest.raises(DamagedError, match="more bytes"):
        decode_samples(bytes(1000), (3, 3, 3), None, MODEL)


def test_a_picture_too_large_for_memory_is_refused() -> None:
    with pytest.raises(LimitError, match="67,108,864 pixels"):
        decode_samples(b"", (8193, 8192), None, MODEL)
