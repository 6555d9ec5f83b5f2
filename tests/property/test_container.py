"""Whatever the bytes: a container or a `CarError`, in bounded time and memory."""

import random
import time
import tracemalloc
import zlib
from collections.abc import Callable

import pytest

from carcodec.container.file import Container, Header, parse, parse_salvage, serialise, to_chunk
from carcodec.container.payloads import DescriptorPayload, JpegPayload, ModelRef, NotePayload, RestorePayload
from carcodec.errors import CarError, DamagedError, FormatError
from carcodec.ids import Colour, Mode, Packing

SEED = 9
MOST_SECONDS = 10.0  # for a whole test; a hang is what it is meant to catch, not a slow machine
MOST_BYTES = 64 * 1024  # on top of a few copies of the data


def valid_file(rng: random.Random) -> bytes:
    model = ModelRef(rng.randint(1, 300), rng.randbytes(6))
    chunks = (
        to_chunk(JpegPayload(Packing.LEPTON, rng.randbytes(rng.randint(0, 400)))),
        to_chunk(RestorePayload(model, rng.randrange(256))),
        to_chunk(DescriptorPayload(model, rng.randrange(2**16), rng.randbytes(rng.randint(0, 40)))),
        to_chunk(NotePayload("remark")),
    )
    return serialise(Container(Header(Mode.SIDE, rng.randint(1, 16384), rng.randint(1, 16384), Colour.RGB), chunks))


def resealed(data: bytes | bytearray) -> bytes:
    return bytes(data[:-4]) + zlib.crc32(data[:-4]).to_bytes(4, "little")


def edited(data: bytes, rng: random.Random) -> bytes:
    """One to three small edits."""
    changed = bytearray(data) or bytearray(b"\x00")
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(changed))
        match rng.randrange(5):
            case 0:
                changed[at] ^= 1 << rng.randrange(8)
            case 1:
                changed[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF))
            case 2:
                changed[at : at + rng.randint(1, 9)] = b""
            case 3:
                changed[at:at] = rng.randbytes(rng.randint(1, 9))
            case _:
                changed[at:at] = b"\xff\xff\xff\xff\x0f"
        changed = changed or bytearray(b"\x00")
    return bytes(changed)


def mutated(data: bytes, rng: random.Random) -> bytes:
    """Some edits; half of the time with a checksum that holds, so that the edits are seen."""
    changed = edited(data, rng)
    return resealed(changed) if rng.random() < 0.5 and len(changed) > 4 else changed


def outcome(read: Callable[[bytes], object], data: bytes) -> str:
    """Class name of the error, empty for none; any error but ours passes through."""
    try:
        read(data)
    except CarError as error:
        return type(error).__name__
    return ""


def test_every_prefix_is_refused_as_damaged_or_foreign() -> None:
    data = valid_file(random.Random(SEED))
    for n_bytes in range(len(data)):
        with pytest.raises(FormatError if n_bytes < 4 else DamagedError):
            parse(data[:n_bytes])


def test_every_changed_bit_is_noticed() -> None:
    data = valid_file(random.Random(SEED))
    for bit in range(8 * len(data)):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(FormatError if bit < 32 else DamagedError):
            parse(bytes(changed))


def test_two_thousand_mutations_raise_nothing_but_documented_errors() -> None:
    rng = random.Random(SEED)
    seen: dict[str, int] = {}
    start = time.monotonic()
    for _ in range(2000):
        data = mutated(valid_file(rng), rng)
        name = outcome(parse, data)
        seen[name] = seen.get(name, 0) + 1
        outcome(parse_salvage, data)
    assert time.monotonic() - start < MOST_SECONDS
    # The mutations must reach beyond the checksum, or they would prove nothing.
    assert seen.keys() >= {"FormatError", "DamagedError", "UnsupportedError", "LimitError"}, seen


def test_memory_is_bounded_by_the_data_whatever_they_claim() -> None:
    rng = random.Random(SEED)
    cases = [mutated(valid_file(rng), rng) for _ in range(300)]
    tracemalloc.start()
    try:
        for data in cases:
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            outcome(parse, data)
            outcome(parse_salvage, data)
            assert tracemalloc.get_traced_memory()[1] - before < MOST_BYTES + 8 * len(data)
    finally:
        tracemalloc.stop()


def test_what_is_accepted_is_written_back_byte_for_byte() -> None:
    rng = random.Random(SEED)
    n_accepted = 0
    for _ in range(2000):
        data = mutated(valid_file(rng), rng)
        if not outcome(parse, data):
            assert serialise(parse(data)) == data
            n_accepted += 1
    assert n_accepted > 20


def test_salvage_of_every_prefix_keeps_whole_chunks_and_names_the_loss() -> None:
    data = valid_file(random.Random(SEED))
    whole = parse(data)
    header_end = len(data) - 4 - sum(len(chunk.pack()) for chunk in whole.chunks)
    ends = [header_end + sum(len(chunk.pack()) for chunk in whole.chunks[: n + 1]) for n in range(len(whole.chunks))]
    for n_bytes in range(header_end, len(data)):
        container, problems = parse_salvage(data[:n_bytes])
        assert problems
        assert container.header == whole.header
        n_whole = sum(end <= n_bytes for end in ends)
        assert container.chunks == whole.chunks[:n_whole]
