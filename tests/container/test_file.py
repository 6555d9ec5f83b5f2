import pytest

from carcodec.container.chunks import Chunk
from carcodec.container.file import (
    PREFIX,
    Container,
    Header,
    parse,
    parse_arriving,
    parse_salvage,
    serialise,
    to_chunk,
)
from carcodec.container.payloads import (
    BasePayload,
    CompactPayload,
    DescriptorPayload,
    IccPayload,
    JpegPayload,
    ModelRef,
    NotePayload,
    RestorePayload,
    TransformPayload,
)
from carcodec.errors import DamagedError, FormatError, LimitError, UnsupportedError, UsageError
from carcodec.ids import ChunkKind, Colour, Mode, Packing
from carcodec.limits import Limits

MODEL = ModelRef(1, b"abcdef")
JPEG = to_chunk(JpegPayload(Packing.STORED, bytes(range(200))))
RESTORE = to_chunk(RestorePayload(MODEL, 100))
DESCRIPTOR = to_chunk(DescriptorPayload(MODEL, 0x1234, b"descriptor"))
HEADER = Header(Mode.SIDE, 768, 512, Colour.RGB)
WHOLE = Container(HEADER, (JPEG, RESTORE, DESCRIPTOR))
COMPACT = to_chunk(CompactPayload(8, None, b"compact"))
BASE = to_chunk(BasePayload(MODEL, MODEL))
TRANSFORM = to_chunk(TransformPayload(b"residual"))
ICC = to_chunk(IccPayload(b"profile"))
LAYERS = Container(Header(Mode.LAYERED, 768, 512, Colour.RGB), (COMPACT, BASE, TRANSFORM, ICC))


def changed(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def test_container_comes_back() -> None:
    assert parse(serialise(WHOLE)) == WHOLE


def test_payloads_are_found_by_type() -> None:
    assert WHOLE.find(RestorePayload) == RestorePayload(MODEL, 100)
    assert WHOLE.find(NotePayload) is None


def test_framing_is_all_but_packed_jpeg_and_coded_descriptor() -> None:
    assert WHOLE.framing_bytes() == len(serialise(WHOLE)) - 200 - len(b"descriptor")


def test_framing_of_layers_is_all_but_coders_data_and_metadata() -> None:
    assert LAYERS.framing_bytes() == len(serialise(LAYERS)) - len(b"compact") - len(b"residual") - len(b"profile")


def test_unknown_ancillary_chunk_is_kept() -> None:
    container = Container(HEADER, (JPEG, Chunk(0xC0, b"later")))
    assert parse(serialise(container)) == container


def test_unknown_critical_chunk_is_refused_by_number() -> None:
    with pytest.raises(UnsupportedError, match="chunk number 99"):
        serialise(Container(HEADER, (JPEG, Chunk(99, b""))))


@pytest.mark.parametrize(
    "chunks", [(RESTORE,), (RESTORE, JPEG), (JPEG, JPEG), (JPEG, DESCRIPTOR), (JPEG, Chunk(2, b"short"))]
)
def test_container_that_readers_would_refuse_is_not_written(chunks: tuple[Chunk, ...]) -> None:
    with pytest.raises(FormatError):
        serialise(Container(HEADER, chunks))


@pytest.mark.parametrize(("width", "height"), [(0, 1), (1, 0), (-1, 1), (2**32, 1)])
def test_impossible_size_is_not_written(width: int, height: int) -> None:
    with pytest.raises(UsageError):
        serialise(Container(Header(Mode.SIDE, width, height, Colour.RGB), (JPEG,)))


def test_limits_bite_and_can_be_raised() -> None:
    data = serialise(WHOLE)
    with pytest.raises(LimitError):
        parse(data, Limits(pixels=768 * 512 - 1))
    with pytest.raises(LimitError):
        parse(data, Limits(side_px=767))
    large = Container(Header(Mode.SIDE, 70_000, 1, Colour.RGB), (JPEG,))
    with pytest.raises(LimitError):
        serialise(large)
    trusting = Limits(side_px=100_000)
    assert parse(serialise(large, trusting), trusting) == large


def test_metadata_beyond_the_default_limit_are_refused() -> None:
    with pytest.raises(LimitError):
        serialise(Container(HEADER, (JPEG, Chunk(0x90, bytes(2**20 + 1)))))


def test_exchanged_jpeg_of_equal_length_is_noticed() -> None:
    """It would not be, did the JPEG's check stand behind its data; docs/format.md 5.1."""
    other = to_chunk(JpegPayload(Packing.STORED, bytes(reversed(range(200)))))
    data = serialise(WHOLE)
    assert len(other.payload) == len(JPEG.payload)
    with pytest.raises(DamagedError):
        parse(data.replace(JPEG.payload, other.payload))


def test_salvage_of_a_sound_file_is_parsing() -> None:
    assert parse_salvage(serialise(WHOLE)) == (WHOLE, [])


def test_salvage_keeps_the_jpeg_when_the_descriptor_is_damaged() -> None:
    data = serialise(WHOLE)
    container, problems = parse_salvage(changed(data, data.index(b"descriptor")))
    assert container.find(JpegPayload) == WHOLE.find(JpegPayload)
    assert len(problems) == 1
    assert "checksum" in problems[0]


def test_salvage_leaves_a_damaged_jpeg_out_and_says_so() -> None:
    data = serialise(WHOLE)
    container, problems = parse_salvage(changed(data, data.index(bytes(range(200)))))
    assert container == Container(HEADER, (RESTORE, DESCRIPTOR))
    assert len(problems) == 3
    assert "JPEG is left out" in problems[1]
    assert "JPEG is missing" in problems[2]


def test_salvage_leaves_unknown_critical_chunks_out() -> None:
    body = serialise(Container(HEADER, (JPEG,)))[:-4] + Chunk(99, b"?").pack() + Chunk(0x81, b"note").pack()
    container, problems = parse_salvage(body + bytes(4))
    assert container.chunks == (JPEG, Chunk(0x81, b"note"))
    assert any("99" in problem for problem in problems)


def test_salvage_stops_where_chunks_no_longer_follow_each_other() -> None:
    data = serialise(WHOLE)
    at = data.index(RESTORE.pack())
    container, problems = parse_salvage(data[:at] + b"\x00" + data[at + 1 :])
    assert container.chunks == (JPEG,)
    assert any("lost" in problem for problem in problems)


def test_beginning_of_a_layered_file_is_enough_for_its_first_chunk() -> None:
    data = serialise(LAYERS)
    end = data.index(COMPACT.payload) + len(COMPACT.payload)
    first = Container(LAYERS.header, (COMPACT,))
    assert all(parse_arriving(data[:n], ChunkKind.COMPACT) == first for n in range(end, len(data)))
    assert parse_arriving(data, ChunkKind.COMPACT) == LAYERS
    for n in range(4, end):
        with pytest.raises(DamagedError):
            parse_arriving(data[:n], ChunkKind.COMPACT)
    with pytest.raises(DamagedError):
        parse_arriving(changed(data, end - 1), ChunkKind.COMPACT)
    with pytest.raises(DamagedError):
        parse_arriving(serialise(WHOLE)[:-1], ChunkKind.COMPACT)


@pytest.mark.parametrize(("lost", "kept"), [(COMPACT, (ICC,)), (TRANSFORM, (COMPACT, BASE, ICC))], ids=["16", "18"])
def test_salvage_keeps_the_layers_below_a_damaged_one(lost: Chunk, kept: tuple[Chunk, ...]) -> None:
    data = serialise(LAYERS)
    container, problems = parse_salvage(changed(data, data.index(lost.payload) + 4))
    assert container.chunks == kept
    assert any(f"{lost.name} is left out" in problem for problem in problems)


def test_salvage_leaves_out_layers_above_one_that_breaks_a_rule() -> None:
    unreadable = Chunk(BASE.kind, bytes([0]) + BASE.payload[1:])
    data = b"".join(chunk.pack() for chunk in (COMPACT, unreadable, TRANSFORM, ICC))
    container, problems = parse_salvage(PREFIX + LAYERS.header.pack() + data + bytes(4))
    assert container.chunks == (COMPACT, ICC)
    assert any("TRANSFORM is left out" in problem for problem in problems)


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n", b"\x89CA"])
def test_salvage_refuses_what_never_was_a_car_file(data: bytes) -> None:
    with pytest.raises(FormatError):
        parse_salvage(data)


def test_salvage_refuses_a_file_without_a_whole_header() -> None:
    for n_bytes in range(5, 10):
        with pytest.raises(FormatError):
            parse_salvage(serialise(WHOLE)[:n_bytes])
