import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carcodec.entropy.plain import WHOLE, PlainEncoder
from carcodec.entropy.ranges import ConstrictionEngine, Engine, PlainEngine, RangeReader, RangeWriter, constriction
from carcodec.entropy.tables import TOTAL, TOTAL_BITS, Ints, frequencies
from carcodec.errors import DamagedError

needs_constriction = pytest.mark.skipif(constriction is None, reason="constriction has no wheel here")
ENGINES = [PlainEngine(), pytest.param(ConstrictionEngine(), marks=needs_constriction)]


def payload_of(symbols: Ints, table: Ints, engine: Engine | None = None) -> bytes:
    writer = RangeWriter(engine or PlainEngine())
    writer.write(symbols, table)
    return writer.finish()


def read_back(payload: bytes, table: Ints, engine: Engine | None = None) -> Ints:
    reader = RangeReader(payload, engine or PlainEngine())
    symbols = reader.read(table)
    reader.finish()
    return symbols


def message(seed: int, length: int, n: int, spread: int) -> tuple[Ints, Ints]:
    """Symbols drawn by the very tables that code them."""
    rng = np.random.default_rng(seed)
    table = frequencies(rng.integers(-spread, spread + 1, (length, n)))
    drawn = (rng.integers(0, TOTAL, (length, 1)) >= table.cumsum(axis=1)).sum(axis=1)
    return drawn, table


messages = st.builds(
    message, st.integers(0, 2**32), st.integers(0, 80), st.sampled_from([2, 3, 16, 256]), st.sampled_from([0, 90, 2000])
)


@given(messages, st.booleans())
@settings(max_examples=150, deadline=None)
@needs_constriction
def test_both_engines_give_equal_bytes_and_symbols(case: tuple[Ints, Ints], unlikely: bool) -> None:
    symbols, table = case
    if unlikely and len(symbols):
        symbols = table.argmin(axis=1)
    payload = payload_of(symbols, table, PlainEngine())
    assert payload == payload_of(symbols, table, ConstrictionEngine())
    assert (read_back(payload, table, PlainEngine()) == symbols).all()
    assert (read_back(payload, table, ConstrictionEngine()) == symbols).all()


@given(messages)
@settings(max_examples=60, deadline=None)
def test_no_shorter_bytes_would_do(case: tuple[Ints, Ints]) -> None:
    symbols, table = case
    payload = payload_of(symbols, table)
    for rounded in (payload[:-1], next_up(payload[:-1])):
        if rounded is None or not payload:
            continue
        try:
            found = RangeReader(rounded, PlainEngine()).read(table)
        except DamagedError:
            continue
        assert (found != symbols).any()


def next_up(data: bytes) -> bytes | None:
    """The least fraction of this length above `data`; None at the top."""
    number = int.from_bytes(data, "big") + 1
    return number.to_bytes(len(data), "big") if number < 256 ** len(data) else None


@given(messages)
@settings(max_examples=100, deadline=None)
def test_size_is_within_a_byte_of_the_model(case: tuple[Ints, Ints]) -> None:
    symbols, table = case
    ideal_bits = float((TOTAL_BITS - np.log2(table[np.arange(len(symbols)), symbols])).sum())
    # Each symbol loses at most 1/256 of the interval to rounding, seldom so much.
    assert len(payload_of(symbols, table)) <= (ideal_bits + 0.006 * len(symbols)) / 8 + 1


@pytest.mark.parametrize("engine", ENGINES)
def test_parts_written_apart_are_one_stream(engine: Engine) -> None:
    symbols, table = message(1, 300, 16, 200)
    writer = RangeWriter(engine)
    for part in np.split(np.arange(300), [0, 1, 17, 200]):
        writer.write(symbols[part], table[part])
    payload = writer.finish()
    assert payload == payload_of(symbols, table)
    reader = RangeReader(payload, engine)
    found = np.concatenate([reader.read(table[part]) for part in np.split(np.arange(300), [0, 3, 299])])
    reader.finish()
    assert (found == symbols).all()


@pytest.mark.parametrize("engine", ENGINES)
def test_a_run_of_the_first_symbol_takes_no_byte(engine: Engine) -> None:
    table = frequencies(np.zeros((1000, 16), np.int64))
    zeros = np.zeros(1000, np.int64)
    assert payload_of(zeros, table, engine) == b""
    assert (read_back(b"", table, engine) == zeros).all()


@pytest.mark.parametrize("engine", ENGINES)
def test_a_carry_runs_through_words_of_ones(engine: Engine) -> None:
    """Tables made so that the interval keeps straddling one half: 0.0111... or 0.1000..., decided at the end."""
    tables, symbols, probe = [], [], PlainEncoder()
    boundary = 1 << 63
    written = 0
    while written < 4:
        scale = probe._size >> TOTAL_BITS
        start = min((boundary - probe._lower) // scale, TOTAL - 2)
        table = np.array([[start, 1, TOTAL - start - 1]])
        assert start >= 1
        before = len(probe._words)
        probe.encode(np.array([1]), table)
        if len(probe._words) > before:
            written += 1
            boundary = (1 << 64) if written else boundary
        tables.append(table)
        symbols.append(1)
    assert probe._words[0] == 0x7FFFFFFF
    assert set(probe._words[1:]) == {0xFFFFFFFF}
    assert probe._lower + probe._size > WHOLE
    scale = probe._size >> TOTAL_BITS
    start = -(-((1 << 64) - probe._lower) // scale)
    tables.append(np.array([[start - 1, 1, TOTAL - start]]))
    symbols.append(2)
    payload = payload_of(np.array(symbols), np.concatenate(tables), engine)
    assert payload[:1] == b"\x80"
    assert read_back(payload, np.concatenate(tables), engine).tolist() == symbols


@pytest.mark.parametrize("engine", ENGINES)
def test_bytes_left_over_are_damage(engine: Engine) -> None:
    symbols, table = message(2, 60, 16, 100)
    payload = payload_of(symbols, table)
    for more in (b"\0", b"\1", b"\0\1", bytes(8), bytes(4096)):
        with pytest.raises(DamagedError):
            read_back(payload + more, table, engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_bytes_missing_never_give_the_same_symbols(engine: Engine) -> None:
    symbols, table = message(2, 60, 16, 100)
    payload = payload_of(symbols, table)
    for end in range(len(payload)):
        assert (RangeReader(payload[:end], engine).read(table) != symbols).any()


@pytest.mark.parametrize("engine", ENGINES)
def test_what_reads_without_error_is_what_a_writer_writes(engine: Engine) -> None:
    rng = np.random.default_rng(6)
    _, table = message(3, 12, 16, 60)
    n_read = 0
    for _ in range(300):
        payload = rng.bytes(int(rng.integers(0, 9)))
        try:
            symbols = read_back(payload, table, engine)
        except DamagedError:
            continue
        n_read += 1
        assert payload_of(symbols, table) == payload
    assert n_read > 0


@pytest.mark.parametrize("engine", ENGINES)
def test_a_fraction_beyond_every_interval_is_damage(engine: Engine) -> None:
    with pytest.raises(DamagedError, match="outside"):
        read_back(b"\xff" * 8, frequencies(np.zeros((3, 16), np.int64)), engine)


@needs_constriction
def test_plain_words_are_those_of_constriction() -> None:
    """The interval holds the words that constriction itself would store, however it seals them."""
    family = constriction.stream.model.Categorical(perfect=False)
    for seed in range(50):
        symbols, table = message(seed, 40, 16, 400)
        theirs = constriction.stream.queue.RangeEncoder()
        theirs.encode(symbols.astype(np.int32), family, (table - 1).astype(np.float32))
        ours = PlainEncoder()
        ours.encode(symbols, table)
        words = theirs.get_compressed().astype(">u4").tobytes()
        interval = ours.interval()
        fraction = int.from_bytes(words.ljust(interval.n_bytes, b"\0"), "big")
        assert interval.lower <= fraction < interval.lower + interval.size


def test_without_constriction_the_plain_engine_steps_in() -> None:
    code = (
        "import sys; sys.modules['constriction'] = None\n"
        "from carcodec.entropy import ranges\n"
        "print(type(ranges.DEFAULT_ENGINE).__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "PlainEngine"
