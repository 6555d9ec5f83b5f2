"""What the chunks of version 1 hold, one record for each type. Format: docs/format.md 5.

>>> RestorePayload(ModelRef(1, b"abcdef"), strength=128).pack().hex()
'0161626364656680'
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Annotated, ClassVar, Self

from carcodec.container.wire import POSITIVE, REST, U8, U16, U32, Codec, Reader, Record, fixed, nested, one_of
from carcodec.errors import DamagedError, FormatError, UsageError
from carcodec.ids import ChunkKind, Packing

FULL_STRENGTH = 128  # of RESTORE: the restorer's correction as it is; 0 leaves the base alone
DIGEST_BYTES = 6  # of a weight file's SHA-256: an accident gets past it once in 2**48 times
NOTE_BYTES = 1024  # a remark, not a place to store things


@dataclass(frozen=True)
class ModelRef(Record):
    """Which weights a file was made with.

    Attributes:
        number: the model's number, from its card; 1 or more.
        digest6: the first 6 bytes of the SHA-256 of its weight file.
    """

    number: Annotated[int, POSITIVE]
    digest6: Annotated[bytes, fixed(DIGEST_BYTES)]


class Payload(Record):
    """Base of the records that are a chunk's whole payload."""

    KIND: ClassVar[ChunkKind]


@dataclass(frozen=True)
class JpegPayload(Payload):
    """The packed JPEG. On the wire a CRC-32 of the rest stands before it.

    The check comes first on purpose: behind its data, a CRC-32 would make the file's own CRC-32
    blind to the exchange of this chunk for another of the same length.

    Attributes:
        packing: how `data` was packed.
        data: the packed JPEG.
    """

    KIND = ChunkKind.JPEG
    packing: Annotated[Packing, one_of(Packing, "JPEG packing")]
    data: Annotated[bytes, REST]

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Payload whose check holds.

        Raises:
            DamagedError: the check does not hold; the data must not reach an unpacker.
        """
        check = U32.read(reader)
        body = reader.take(reader.left)
        if zlib.crc32(body) != check:
            raise DamagedError("the packed JPEG is damaged: its checksum does not hold")
        return super().read(Reader(body))

    def pack(self) -> bytes:
        """Check, packing, data."""
        body = super().pack()
        return U32.write(zlib.crc32(body)) + body


@dataclass(frozen=True)
class RestorePayload(Payload):
    """How the base becomes the picture.

    Attributes:
        model: the restorer.
        strength: 0..255, the correction's factor in 1/128.
    """

    KIND = ChunkKind.RESTORE
    model: Annotated[ModelRef, nested(ModelRef)]
    strength: Annotated[int, U8]


@dataclass(frozen=True)
class DescriptorPayload(Payload):
    """The entropy-coded descriptor.

    Attributes:
        model: the context model that coded it.
        check: low 16 bits of the CRC-32 of the symbols, uint8 in raster order.
        data: the coder's bytes.
    """

    KIND = ChunkKind.DESCRIPTOR
    model: Annotated[ModelRef, nested(ModelRef)]
    check: Annotated[int, U16]
    data: Annotated[bytes, REST]


def _read_note(reader: Reader) -> str:
    try:
        return _checked_note(reader.take(reader.left).decode("utf-8"))
    except UnicodeDecodeError:
        raise FormatError("a NOTE is not UTF-8 text") from None
    except UsageError as error:
        raise FormatError(str(error)) from None


def _checked_note(text: str) -> str:
    if len(text.encode()) > NOTE_BYTES:
        raise UsageError(f"a NOTE is longer than {NOTE_BYTES} bytes")
    # Notes are printed on terminals, where control characters do things.
    if any(ch != "\n" and (ch < " " or "\x7f" <= ch <= "\x9f") for ch in text):
        raise UsageError("a NOTE holds a control character")
    return text


TEXT: Codec[str] = Codec(_read_note, lambda text: _checked_note(text).encode())


@dataclass(frozen=True)
class NotePayload(Payload):
    """A remark for people; nothing in decoding depends on it.

    Attributes:
        text: at most 1,024 bytes of UTF-8, no control characters but line feeds.
    """

    KIND = ChunkKind.NOTE
    text: Annotated[str, TEXT]


PAYLOADS: dict[int, type[Payload]] = {
    ChunkKind.JPEG: JpegPayload,
    ChunkKind.RESTORE: RestorePayload,
    ChunkKind.DESCRIPTOR: DescriptorPayload,
    ChunkKind.NOTE: NotePayload,
}
