"""Chunks: typed pieces of a file, one after the other, in the order of their type bytes.

What a payload means is none of this module's business; see `payloads`. Format: docs/format.md 4.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from carcodec.container.wire import Reader, write_varint
from carcodec.errors import FormatError, LimitError, UnsupportedError, UsageError
from carcodec.ids import ChunkKind
from carcodec.limits import Limits

ANCILLARY_BIT = 0x80  # of the type byte: a reader that does not know the chunk may skip it
KNOWN = frozenset(ChunkKind)


@dataclass(frozen=True)
class Chunk:
    """A typed piece of a file.

    Attributes:
        kind: type byte, 1..255; an `ids.ChunkKind` where this version knows it.
        payload: its content.
    """

    kind: int
    payload: bytes

    @property
    def name(self) -> str:
        """The kind in words, for people."""
        return ChunkKind(self.kind).name if self.kind in KNOWN else f"number {self.kind}"

    @property
    def ancillary(self) -> bool:
        """True if the picture can be decoded without knowing this chunk."""
        return is_ancillary(self.kind)

    def pack(self) -> bytes:
        """Type byte, length, payload."""
        if not 1 <= self.kind <= 0xFF:
            raise UsageError(f"the chunk type {self.kind} is outside 1..255")
        return bytes([self.kind]) + write_varint(len(self.payload)) + self.payload


def is_ancillary(kind: int) -> bool:
    """Whether a chunk of this type byte may be skipped by readers that do not know it."""
    return bool(kind & ANCILLARY_BIT)


def read_chunks(reader: Reader, limits: Limits) -> Iterator[Chunk]:
    """The chunks that fill the rest of `reader`, unknown critical ones included.

    Raises:
        FormatError: a chunk is longer than what is left, stands out of order or twice.
        LimitError: too many chunks, or too many bytes in ancillary ones.
    """
    previous = n_chunks = metadata_bytes = 0
    while reader.left:
        kind = reader.byte()
        if kind <= previous:
            raise FormatError(f"chunk type {kind} follows {previous}, but types must increase from 1 on")
        n_chunks += 1
        if n_chunks > limits.chunks:
            raise LimitError(f"the file has more than {limits.chunks} chunks")
        payload = reader.take(reader.varint())
        metadata_bytes += len(payload) if is_ancillary(kind) else 0
        if metadata_bytes > limits.metadata_bytes:
            raise LimitError(f"the file has more than {limits.metadata_bytes:,} bytes of metadata")
        yield Chunk(kind, payload)
        previous = kind


def refuse_unknown(chunk: Chunk) -> None:
    """Pass if this version knows the chunk or may skip it; else `UnsupportedError`."""
    if chunk.kind not in KNOWN and not chunk.ancillary:
        raise UnsupportedError(f"chunk {chunk.name} must be understood, and this version of carcodec does not know it")
