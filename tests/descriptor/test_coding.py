import contextlib
import time

import numpy as np
import pytest

from carcodec.descriptor.coding import MOST_BYTES_PER_SITE, cost_bits, decode_symbols, encode_symbols, waves
from carcodec.descriptor.context import Canvas, ContextModel
from carcodec.entropy.ranges import ConstrictionEngine, Engine, PlainEngine, RangeReader, constriction
from carcodec.errors import DamagedError
from tests.stubs.context import toy_model, uniform_model
from tests.stubs.grids import markov_grid

ENGINES: list[Engine] = [PlainEngine()] + ([] if constriction is None else [ConstrictionEngine()])
SHAPES = [(1, 1), (1, 2), (1, 40), (40, 1), (2, 3), (3, 2), (7, 5), (16, 31), (70, 61)]


@pytest.mark.parametrize("shape", SHAPES)
def test_symbols_come_back_whatever_the_shape(shape: tuple[int, int]) -> None:
    symbols = markov_grid(np.random.default_rng(shape), *shape)
    for klass in (0, 7):
        payloads = {encode_symbols(symbols, toy_model(), klass, engine) for engine in ENGINES}
        assert len(payloads) == 1
        for engine in ENGINES:
            found = decode_symbols(payloads.copy().pop(), *shape, toy_model(), klass, engine)
            assert found.dtype == np.uint8
            assert (found == symbols).all()


@pytest.mark.parametrize("shape", [(0, 0), (0, 7), (7, 0)])
def test_an_empty_grid_is_no_byte(shape: tuple[int, int]) -> None:
    assert encode_symbols(np.zeros(shape, np.uint8), toy_model(), 0) == b""
    assert decode_symbols(b"", *shape, toy_model(), 0).shape == shape
    with pytest.raises(DamagedError, match="too many"):
        decode_symbols(b"\1", *shape, toy_model(), 0)


@pytest.mark.parametrize("shape", SHAPES)
def test_waves_reach_each_site_once_and_behind_its_neighbours(shape: tuple[int, int]) -> None:
    canvas = Canvas(*shape)
    order = waves(canvas, *shape)
    assert sorted(np.concatenate(order).tolist()) == canvas.sites.tolist()
    assert len(order) <= shape[1] + 3 * (shape[0] - 1)
    when = np.full(canvas.codes.size, -1)
    for step, sites in enumerate(order):
        when[sites] = step
    contexts = Canvas(*shape)
    contexts.codes = when
    for step, sites in enumerate(order):
        assert (contexts.contexts(sites) < step).all()


def test_uniform_symbols_cost_four_bits_each() -> None:
    symbols = np.random.default_rng(1).integers(1, 16, (20, 30)).astype(np.uint8)
    assert len(encode_symbols(symbols, uniform_model(), 0)) == 300


def test_a_grid_without_guidance_is_no_byte() -> None:
    zeros = np.zeros((32, 48), np.uint8)
    assert encode_symbols(zeros, toy_model(), 4) == b""
    assert (decode_symbols(b"", 32, 48, toy_model(), 4) == 0).all()


@pytest.mark.parametrize("shape", SHAPES)
def test_size_is_the_cost_and_at_most_a_byte(shape: tuple[int, int]) -> None:
    symbols = markov_grid(np.random.default_rng(shape), *shape)
    cost = cost_bits(symbols, toy_model(), 3)
    assert cost.shape == shape
    assert cost.min() >= 0
    assert len(encode_symbols(symbols, toy_model(), 3)) <= cost.sum() * 1.0002 / 8 + 1


def test_the_dearest_symbols_stay_under_the_cap() -> None:
    model = toy_model()
    for shape in ((1, 1), (1, 2), (3, 3), (8, 9)):
        symbols = dearest(model, *shape)
        payload = encode_symbols(symbols, model, 0)
        assert len(payload) <= MOST_BYTES_PER_SITE * symbols.size
        assert (decode_symbols(payload, *shape, model, 0) == symbols).all()


def dearest(model: ContextModel, gh: int, gw: int) -> np.ndarray:
    symbols = np.zeros((gh, gw), np.uint8)
    for i, j in np.ndindex(gh, gw):
        symbols[i, j] = model.frequencies(symbols, 0)[i, j].argmin()
    return symbols


def test_garbage_of_any_length_gives_symbols_or_damaged() -> None:
    rng = np.random.default_rng(2)
    for length in (0, 1, 2, 3, 4, 5, 8, 31, 60, 240, 241, 5000):
        payload = rng.bytes(length)
        try:
            found = decode_symbols(payload, 6, 10, toy_model(), 1)
        except DamagedError:
            continue
        assert found.max() < 16
        assert encode_symbols(found, toy_model(), 1) == payload


def test_every_flipped_bit_is_damage_or_other_symbols() -> None:
    symbols = markov_grid(np.random.default_rng(3), 6, 8)
    payload = encode_symbols(symbols, toy_model(), 2)
    for bit in range(8 * len(payload)):
        changed = bytearray(payload)
        changed[bit // 8] ^= 1 << bit % 8
        with contextlib.suppress(DamagedError):
            assert (decode_symbols(bytes(changed), 6, 8, toy_model(), 2) != symbols).any()


def test_words_left_over_are_damage() -> None:
    symbols = markov_grid(np.random.default_rng(4), 6, 8)
    payload = encode_symbols(symbols, toy_model(), 2)
    for more in (b"\0", bytes(4), b"\1\2\3\4"):
        with pytest.raises(DamagedError):
            decode_symbols(payload + more, 6, 8, toy_model(), 2)


def test_too_long_a_payload_is_refused_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RangeReader, "read", None)
    with pytest.raises(DamagedError, match="too many"):
        decode_symbols(bytes(4 * 60 + 1), 6, 10, toy_model(), 0)


@pytest.mark.parametrize("klass", [-1, 8])
def test_rate_classes_that_do_not_exist_are_the_callers_fault(klass: int) -> None:
    with pytest.raises(ValueError, match="rate class"):
        encode_symbols(np.zeros((2, 2), np.uint8), toy_model(), klass)
    with pytest.raises(ValueError, match="rate class"):
        decode_symbols(b"", 2, 2, toy_model(), klass)


def test_negative_sizes_are_the_callers_fault() -> None:
    with pytest.raises(ValueError, match="cannot be"):
        decode_symbols(b"", -1, -2, toy_model(), 0)


@pytest.mark.slow
def test_a_768x512_picture_decodes_in_30_ms() -> None:
    model = toy_model(24)
    symbols = markov_grid(np.random.default_rng(5), 32, 48)
    payload = encode_symbols(symbols, model, 3)
    times = []
    for _ in range(20):
        start = time.thread_time()
        decode_symbols(payload, 32, 48, model, 3)
        times.append(time.thread_time() - start)
    assert min(times) < 0.030
