"""What the chunks of version 1 hold, one record for each type. Format: docs/format.md 5.

>>> RestorePayload(ModelRef(1, b"abcdef"), strength=128).pack().hex()
'0161626364656680'
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Annotated, ClassVar, Self

from carcodec.container.wire import POSITIVE, REST, U8, U16, U32, Codec, Reader, Record, fixed, nested, one_of
from carcodec.errors import DamagedError, FormatError, UnsupportedError, UsageError
from carcodec.ids import SCALES, ChunkKind, CompactCoding, Packing

FULL_STRENGTH = 128  # of RESTORE: the restorer's correction as it is; 0 leaves the base alone
DIGEST_BYTES = 6  # of a weight file's SHA-256: an accident gets past it once in 2**48 times
NOTE_BYTES = 1024  # a remark, not a place to store things
MAX_ERROR = 63  # levels, of near-lossless files
MAX_STEP = 2 * MAX_ERROR + 1  # of quantization; format.md 5.8


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


class CheckedPayload(Payload):
    """A payload that must not reach its decoder if it is damaged. On the wire a CRC-32 of the rest stands before it.

    The check comes first on purpose: behind its data, a CRC-32 would make the file's own CRC-32
    blind to the exchange of this chunk for another of the same length.
    """

    HOLDS: ClassVar[str]  # what is damaged if the check does not hold, for people

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Payload whose check holds.

        Raises:
            DamagedError: the check does not hold; the data must not reach a decoder.
        """
        check = U32.read(reader)
        body = reader.take(reader.left)
        if zlib.crc32(body) != check:
            raise DamagedError(f"{cls.HOLDS} is damaged: its checksum does not hold")
        return super().read(Reader(body))

    def pack(self) -> bytes:
        """Check, then the fields."""
        body = super().pack()
        return U32.write(zlib.crc32(body)) + body


@dataclass(frozen=True)
class JpegPayload(CheckedPayload):
    """The packed JPEG.

    Attributes:
        packing: how `data` was packed.
        data: the packed JPEG.
    """

    KIND = ChunkKind.JPEG
    HOLDS = "the packed JPEG"
    packing: Annotated[Packing, one_of(Packing, "JPEG packing")]
    data: Annotated[bytes, REST]


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


def _read_scale(reader: Reader) -> int:
    scale = reader.byte()
    if scale not in SCALES:
        raise UnsupportedError(f"compact scale {scale} is unknown to this version of carcodec")
    return scale


def _write_scale(scale: int) -> bytes:
    if scale not in SCALES:
        raise UsageError(f"a compact scale is one of {SCALES}, not {scale}")
    return bytes([scale])


def _read_step(reader: Reader) -> int:
    step = reader.byte()
    if step % 2 == 0 or step > MAX_STEP:
        raise FormatError(f"a quantization step is {step}, and must be odd and at most {MAX_STEP}")
    return step


def _write_step(step: int) -> bytes:
    if step % 2 == 0 or not 1 <= step <= MAX_STEP:
        raise UsageError(f"a quantization step is odd and within 1..{MAX_STEP}, not {step}")
    return bytes([step])


_CODING = one_of(CompactCoding, "compact coding")


def _read_coder(reader: Reader) -> ModelRef | None:
    return ModelRef.read(reader) if _CODING.read(reader) == CompactCoding.SAMPLES else None


def _write_coder(model: ModelRef | None) -> bytes:
    if model is None:
        return _CODING.write(CompactCoding.WEBP)
    return _CODING.write(CompactCoding.SAMPLES) + model.pack()


SCALE: Codec[int] = Codec(_read_scale, _write_scale)
STEP: Codec[int] = Codec(_read_step, _write_step)
CODER: Codec[ModelRef | None] = Codec(_read_coder, _write_coder)  # the coding's number, and its model if it has one


@dataclass(frozen=True)
class CompactPayload(CheckedPayload):
    """The compact picture, from which all other layers are predicted.

    Attributes:
        scale: 8, 16 or 32: it has a pixel for each square of so many.
        model: the sample model that coded it; None for WebP.
        data: the coder's bytes.
    """

    KIND = ChunkKind.COMPACT
    HOLDS = "the compact picture"
    scale: Annotated[int, SCALE]
    model: Annotated[ModelRef | None, CODER]
    data: Annotated[bytes, REST]

    @property
    def coding(self) -> CompactCoding:
        """How `data` are coded."""
        return CompactCoding.WEBP if self.model is None else CompactCoding.SAMPLES


@dataclass(frozen=True)
class BasePayload(Payload):
    """Which networks predict the picture from the compact one.

    Attributes:
        fine: the one that makes the base.
        segmenter: the one that finds the segments, which guide it.
    """

    KIND = ChunkKind.BASE
    fine: Annotated[ModelRef, nested(ModelRef)]
    segmenter: Annotated[ModelRef, nested(ModelRef)]


@dataclass(frozen=True)
class TransformPayload(CheckedPayload):
    """What the base lacks, with loss.

    Attributes:
        data: an AV1 still picture.
    """

    KIND = ChunkKind.TRANSFORM
    HOLDS = "the residual"
    data: Annotated[bytes, REST]


@dataclass(frozen=True)
class SamplesPayload(CheckedPayload):
    """All samples, given the base: without loss, or with a bound on it.

    Attributes:
        model: the sample model that coded them.
        step: 2N + 1 where no sample is off by more than N; 1 is lossless.
        check: CRC-32 of the decoded pixels, uint8 in raster order.
        data: the coder's bytes.
    """

    KIND = ChunkKind.SAMPLES
    HOLDS = "the layer of samples"
    model: Annotated[ModelRef, nested(ModelRef)]
    step: Annotated[int, STEP]
    check: Annotated[int, U32]
    data: Annotated[bytes, REST]


@dataclass(frozen=True)
class PicturePayload(CheckedPayload):
    """The picture without layers: for those that a plain lossless coder takes in fewer bytes.

    Attributes:
        step, check: as those of `SamplesPayload`; `data` hold pixels, not levels.
        data: the picture as lossless WebP.
    """

    KIND = ChunkKind.PICTURE
    HOLDS = "the picture"
    step: Annotated[int, STEP]
    check: Annotated[int, U32]
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


@dataclass(frozen=True)
class IccPayload(Payload):
    """Colour profile of a picture that is no JPEG.

    Attributes:
        data: an ICC profile.
    """

    KIND = ChunkKind.ICC
    data: Annotated[bytes, REST]


@dataclass(frozen=True)
class ExifPayload(Payload):
    """EXIF data of a picture that is no JPEG; they do not turn it.

    Attributes:
        data: an EXIF block, from its "Exif" on.
    """

    KIND = ChunkKind.EXIF
    data: Annotated[bytes, REST]


PAYLOADS: dict[int, type[Payload]] = {
    payload.KIND: payload
    for payload in (
        JpegPayload,
        RestorePayload,
        DescriptorPayload,
        CompactPayload,
        BasePayload,
        TransformPayload,
        SamplesPayload,
        PicturePayload,
        NotePayload,
        IccPayload,
        ExifPayload,
    )
}
