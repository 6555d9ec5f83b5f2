"""Two readers that know of each other only through docs/format.md say the same of every file."""

import random
import zlib
from dataclasses import asdict
from pathlib import Path

import pytest

from carcodec.container.file import parse
from carcodec.container.payloads import PAYLOADS
from carcodec.errors import CarError, DamagedError, FormatError, LimitError, UnsupportedError
from tests.reader.car_reader import Refused, read

VECTORS = Path(__file__).parents[1] / "vectors" / "container"
CLASSES: dict[str, type[CarError]] = {
    "format": FormatError,
    "damaged": DamagedError,
    "unsupported": UnsupportedError,
    "limit": LimitError,
}


def ours(data: bytes) -> dict[str, object]:
    container = parse(data)
    known = {c.kind: asdict(PAYLOADS[c.kind].unpack(c.payload)) for c in container.chunks if c.kind in PAYLOADS}
    chunks = [(chunk.kind, chunk.payload) for chunk in container.chunks]
    return {"header": asdict(container.header), "chunks": chunks, "known": known}


@pytest.mark.parametrize("path", sorted(VECTORS.glob("valid/*.car")), ids=lambda path: path.stem)
def test_both_read_the_same(path: Path) -> None:
    assert read(path.read_bytes()) == ours(path.read_bytes())


@pytest.mark.parametrize("path", sorted(VECTORS.glob("invalid/*.car")), ids=lambda path: path.stem)
def test_both_refuse_for_the_same_reason(path: Path) -> None:
    with pytest.raises(Refused) as refusal:
        read(path.read_bytes())
    with pytest.raises(CarError) as error:
        parse(path.read_bytes())
    assert CLASSES[refusal.value.kind] is type(error.value)


def test_both_accept_and_refuse_the_same_mutations() -> None:
    """Checksums are made to hold again, so that what lies behind them is compared."""
    rng = random.Random(20)
    sources = [path.read_bytes() for path in sorted(VECTORS.glob("valid/*.car")) if path.stat().st_size < 100]
    outcomes = {True: 0, False: 0}
    for _ in range(3000):
        body = bytearray(rng.choice(sources)[:-4])
        for _ in range(rng.randint(1, 2)):
            body[rng.randrange(5, len(body))] = rng.choice((0, 1, 2, 3, 0x7F, 0x80, 0x81, 0xFF, rng.randrange(256)))
        data = bytes(body) + zlib.crc32(body).to_bytes(4, "little")
        try:
            theirs: object = read(data)
        except Refused:
            theirs = None
        try:
            mine: object = ours(data)
        except CarError:
            mine = None
        assert mine == theirs, data.hex()
        outcomes[mine is not None] += 1
    assert min(outcomes.values()) > 300, outcomes
