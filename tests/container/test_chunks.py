import pytest

from carcodec.container.chunks import Chunk, read_chunks
from carcodec.container.wire import Reader
from carcodec.errors import LimitError, UsageError
from carcodec.limits import Limits


def test_chunks_come_back_in_order() -> None:
    chunks = [Chunk(1, b"abc"), Chunk(2, b""), Chunk(200, bytes(300))]
    assert list(read_chunks(Reader(b"".join(chunk.pack() for chunk in chunks)), Limits())) == chunks


def test_top_bit_of_the_type_makes_a_chunk_ancillary() -> None:
    assert [Chunk(kind, b"").ancillary for kind in (1, 0x7F, 0x80, 0xFF)] == [False, False, True, True]


def test_known_chunks_have_names_and_others_numbers() -> None:
    assert [Chunk(kind, b"").name for kind in (1, 0x81, 77)] == ["JPEG", "NOTE", "number 77"]


@pytest.mark.parametrize("kind", [0, 256])
def test_type_out_of_range_is_not_written(kind: int) -> None:
    with pytest.raises(UsageError):
        Chunk(kind, b"").pack()


def test_limit_on_chunks_bites_at_the_first_too_many() -> None:
    data = b"".join(Chunk(kind, b"").pack() for kind in (1, 2, 3))
    assert len(list(read_chunks(Reader(data), Limits(chunks=3)))) == 3
    with pytest.raises(LimitError):
        list(read_chunks(Reader(data), Limits(chunks=2)))


def test_limit_on_metadata_counts_ancillary_payloads_together() -> None:
    data = b"".join(Chunk(kind, bytes(10)).pack() for kind in (1, 0x81, 0x82))
    assert len(list(read_chunks(Reader(data), Limits(metadata_bytes=20)))) == 3
    with pytest.raises(LimitError):
        list(read_chunks(Reader(data), Limits(metadata_bytes=19)))
