"""A whole `.car` file: bytes to `Container` and back. Format: docs/format.md.

>>> from carcodec.container.payloads import JpegPayload
>>> from carcodec.ids import Packing
>>> jpeg = JpegPayload(Packing.STORED, b"...")
>>> container = Container(Header(Mode.BLIND, 768, 512, Colour.RGB), (to_chunk(jpeg),))
>>> parse(serialise(container)).find(JpegPayload) == jpeg
True

Pure functions of bytes: no files, no arrays, no models. What comes out of `parse` obeys every
rule of the format that can be checked without unpacking the JPEG or running a model.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, TypeVar

from carcodec.container.chunks import Chunk, read_chunks, refuse_unknown
from carcodec.container.payloads import PAYLOADS, Payload
from carcodec.container.wire import POSITIVE, U32, Reader, Record, one_of
from carcodec.errors import CarError, DamagedError, FormatError, UnsupportedError
from carcodec.ids import SIGNATURE, VERSION, ChunkKind, Colour, Mode
from carcodec.limits import Limits

P = TypeVar("P", bound=Payload)

CHECK_BYTES = 4  # the CRC-32 at the end
PREFIX = SIGNATURE + bytes([VERSION])
DEFAULT_LIMITS = Limits()

LAYERS = (ChunkKind.COMPACT, ChunkKind.BASE, ChunkKind.TRANSFORM, ChunkKind.SAMPLES)  # each needs those below it

# Critical chunks that a mode may have; the first is the one it must have, unless PICTURE stands for all of them.
CONTENTS: dict[Mode, tuple[ChunkKind, ...]] = {
    Mode.SIDE: (ChunkKind.JPEG, ChunkKind.RESTORE, ChunkKind.DESCRIPTOR),
    Mode.BLIND: (ChunkKind.JPEG, ChunkKind.RESTORE),
    Mode.LAYERED: (*LAYERS, ChunkKind.PICTURE),
}


@dataclass(frozen=True)
class Header(Record):
    """What is known of the picture before any chunk is read.

    Attributes:
        mode: what the file is made of.
        width: pixels, 1..2**32-1; `Limits` allow less.
        height: pixels, likewise.
        colour: samples of a pixel.
    """

    mode: Annotated[Mode, one_of(Mode, "mode")]
    width: Annotated[int, POSITIVE]
    height: Annotated[int, POSITIVE]
    colour: Annotated[Colour, one_of(Colour, "colour layout")]


@dataclass(frozen=True)
class Container:
    """A file taken apart.

    Attributes:
        header: mode and picture.
        chunks: in file order, with ancillary ones that this version does not know.
    """

    header: Header
    chunks: tuple[Chunk, ...]

    def find(self, payload: type[P]) -> P | None:
        """The payload of that type, or None where the file has no such chunk.

        >>> from carcodec.container.payloads import JpegPayload
        >>> Container(Header(Mode.SIDE, 1, 1, Colour.GRAY), ()).find(JpegPayload) is None
        True
        """
        return next((payload.unpack(chunk.payload) for chunk in self.chunks if chunk.kind == payload.KIND), None)

    def framing_bytes(self) -> int:
        """Bytes of the file that are no coder's data and no metadata."""
        payloads = (PAYLOADS[chunk.kind].unpack(chunk.payload) for chunk in self.chunks if chunk.kind in PAYLOADS)
        return len(serialise(self)) - sum(len(getattr(payload, "data", b"")) for payload in payloads)


def to_chunk(payload: Payload) -> Chunk:
    """The chunk that holds `payload`."""
    return Chunk(payload.KIND, payload.pack())


def serialise(container: Container, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """The bytes of a file; they are read back once, so that nothing unreadable is ever written.

    Raises:
        UsageError: a value does not fit its field.
        FormatError, LimitError, UnsupportedError: the container breaks a rule, as `parse` says.
    """
    body = PREFIX + container.header.pack() + b"".join(chunk.pack() for chunk in container.chunks)
    data = body + U32.write(zlib.crc32(body))
    parse(data, limits)
    return data


def parse(data: bytes, limits: Limits = DEFAULT_LIMITS) -> Container:
    """The container in `data`, complete and by the rules.

    Args:
        data: a whole file.
        limits: what it may ask for.

    Raises:
        DamagedError: the file's checksum does not hold: cut off, continued or changed.
        FormatError: no `.car` file, or a rule of the format is broken.
        UnsupportedError: a version, mode, colour layout, critical chunk or packing not known here.
        LimitError: larger than `limits`.

    Cost: time and memory in proportion to `len(data)`, whatever the data claim.
    """
    if not _sound(data):
        raise DamagedError("the file is damaged or incomplete: its checksum does not hold")
    reader = Reader(data, len(SIGNATURE), len(data) - CHECK_BYTES)
    header = _read_header(reader, limits)
    container = Container(header, tuple(read_chunks(reader, limits)))
    for chunk in container.chunks:
        _check_chunk(header.mode, chunk)
    for problem in _breaches(container):
        raise FormatError(problem)
    return container


def parse_arriving(data: bytes, last: ChunkKind, limits: Limits = DEFAULT_LIMITS) -> Container:
    """The chunks up to one type, of a file that may still lack what follows them.

    Args:
        data: a file, or its beginning. A whole one is parsed as by `parse`.
        last: the last type to read, with a check of its own: without the end, there is no checksum for the file.
        limits: what it may ask for.

    Raises:
        As `parse`; and DamagedError if not all of these chunks are there yet.
    """
    if _sound(data):
        return parse(data, limits)
    reader = Reader(data, len(SIGNATURE))
    try:
        header = _read_header(reader, limits)
        for chunk in read_chunks(reader, limits):
            _check_chunk(header.mode, chunk)
            if chunk.kind == last:
                return Container(header, (chunk,))
            if chunk.kind > last:
                break
    except FormatError as error:
        raise DamagedError(f"the file is damaged, or its beginning too short: {error}") from error
    raise DamagedError("the file is damaged or incomplete: its checksum does not hold")


def parse_salvage(data: bytes, limits: Limits = DEFAULT_LIMITS) -> tuple[Container, list[str]]:
    """The chunks of a damaged file that are whole, and what was wrong.

    A chunk that has its own check is kept only if that holds. The others are kept if they obey the
    rules, and may still be wrong where the file's checksum does not hold. A layer whose lower layers
    are not whole is of no use, and left out. Reading stops at the first place where chunks no longer
    follow each other.

    Args:
        data: a file, or its beginning.
        limits: what it may ask for.

    Returns:
        The container, and a sentence for each problem; none for a file that `parse` accepts.

    Raises:
        FormatError: no `.car` file, or its header is not whole.
        UnsupportedError: a version, mode or colour layout not known here.
        LimitError: the picture is larger than `limits`.
    """
    sound = _sound(data)
    # Behind a chunk that a cut has spared there is no checksum to leave out.
    reader = Reader(data, len(SIGNATURE), len(data) - CHECK_BYTES if sound else len(data))
    header = _read_header(reader, limits)
    problems = [] if sound else ["the file's checksum does not hold: it is damaged or incomplete"]
    chunks = _salvage_chunks(header.mode, reader, sound, limits, problems)
    container = Container(header, tuple(chunks))
    return container, problems + _breaches(container)


def _sound(data: bytes) -> bool:
    """Whether the checksum holds; `FormatError` if `data` are no `.car` file in the first place."""
    if not data.startswith(SIGNATURE):
        raise FormatError("this is not a .car file")
    return zlib.crc32(memoryview(data)[:-CHECK_BYTES]) == int.from_bytes(data[-CHECK_BYTES:], "little")


def _read_header(reader: Reader, limits: Limits) -> Header:
    version = reader.byte()
    if version != VERSION:
        raise UnsupportedError(f"the file is of format version {version}, and this carcodec reads version {VERSION}")
    header = Header.read(reader)
    limits.check_size(header.width, header.height)
    return header


def _check_chunk(mode: Mode, chunk: Chunk) -> None:
    refuse_unknown(chunk)
    if not chunk.ancillary and chunk.kind not in CONTENTS[mode]:
        raise FormatError(f"chunk {chunk.name} does not belong in a file of mode {mode.name.lower()}")
    if chunk.kind in PAYLOADS:
        PAYLOADS[chunk.kind].unpack(chunk.payload)


def _breaches(container: Container) -> list[str]:
    """Rules that the chunks break together, a sentence each."""
    kinds = {chunk.kind for chunk in container.chunks}
    required, alone = CONTENTS[container.header.mode][0], ChunkKind.PICTURE in kinds
    problems = [] if required in kinds or alone else [f"chunk {required.name} is missing"]
    if ChunkKind.DESCRIPTOR in kinds and ChunkKind.RESTORE not in kinds:
        problems.append("chunk DESCRIPTOR stands without the RESTORE that would use it")
    if alone and kinds.intersection(LAYERS):
        problems.append("chunk PICTURE stands beside layers, in whose place it is")
    if {ChunkKind.TRANSFORM, ChunkKind.SAMPLES} <= kinds:
        problems.append("chunks TRANSFORM and SAMPLES stand together, and only one of them can be right")
    return problems


def _salvage_chunks(mode: Mode, reader: Reader, sound: bool, limits: Limits, problems: list[str]) -> Iterator[Chunk]:
    """Yield the chunks that are whole; add to `problems`."""
    chunks = read_chunks(reader, limits)
    layer_is_lost = False
    while sound or reader.left > CHECK_BYTES:
        try:
            chunk = next(chunks, None)
        except CarError as error:
            problems.append(f"what follows is lost: {error}")
            return
        if chunk is None:
            return
        try:
            _check_chunk(mode, chunk)
        except CarError as error:
            problems.append(f"chunk {chunk.name} is left out: {error}")
            layer_is_lost |= not chunk.ancillary
            continue
        if layer_is_lost and chunk.kind in LAYERS:
            problems.append(f"chunk {chunk.name} is left out: it needs the one before it")
            continue
        yield chunk
