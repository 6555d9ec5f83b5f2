"""Numbers and byte strings on the wire, and records made of them.

A record is a frozen dataclass whose fields name their codec once; reading, writing and `info`
all follow that one declaration:

    @dataclass(frozen=True)
    class Step(Record):
        strength: Annotated[int, U8]
        name: Annotated[bytes, REST]

Nothing here allocates by a length that the data merely claims: a length is compared with what is
left before a byte is copied.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated, Any, ClassVar, Generic, Self, TypeVar, get_origin, get_type_hints

from carcodec.errors import FormatError, UnsupportedError, UsageError

T = TypeVar("T")
E = TypeVar("E", bound=IntEnum)
R = TypeVar("R", bound="Record")

VARINT_BYTES = 5  # enough for VARINT_END, so a hostile number costs five steps at most
VARINT_END = 2**32  # numbers are below this: no file of version 1 needs more


class Reader:
    """A place in `data` that only moves forward and never past `end`.

    Args:
        data: the bytes.
        start: index of the first byte to read.
        end: index behind the last one; None is the end of `data`.
    """

    def __init__(self, data: bytes, start: int = 0, end: int | None = None) -> None:
        self._data = data
        self._position = start
        self._end = len(data) if end is None else end

    @property
    def left(self) -> int:
        """Bytes not yet read."""
        return self._end - self._position

    def take(self, n_bytes: int) -> bytes:
        """The next `n_bytes` bytes; `FormatError` if fewer are left."""
        if n_bytes > self.left:
            raise FormatError(f"{n_bytes} bytes are announced where only {self.left} are left")
        self._position += n_bytes
        return self._data[self._position - n_bytes : self._position]

    def byte(self) -> int:
        """The next byte, 0..255."""
        if not self.left:
            raise FormatError("the data end where more must follow")
        return self.take(1)[0]

    def varint(self) -> int:
        """The next unsigned LEB128 number, 0..2**32-1, in its shortest form."""
        value = 0
        for index in range(VARINT_BYTES):
            byte = self.byte()
            value |= (byte & 0x7F) << (7 * index)
            if byte < 0x80:
                if byte == 0 and index > 0:
                    raise FormatError("a number is written with more bytes than it needs")
                return _below(value, VARINT_END)
        raise FormatError(f"a number is longer than {VARINT_BYTES} bytes")

    def finish(self) -> None:
        """Pass if nothing is left."""
        if self.left:
            raise FormatError(f"{self.left} bytes are left over where nothing may follow")


@dataclass(frozen=True)
class Codec(Generic[T]):
    """How one value is read and written; `write` raises `UsageError` for what it cannot hold."""

    read: Callable[[Reader], T]
    write: Callable[[T], bytes]


def _below(value: int, end: int) -> int:
    if value >= end:
        raise FormatError(f"a number is {value}, the largest allowed is {end - 1}")
    return value


def _fixed_int(n_bytes: int) -> Codec[int]:
    def write(value: int) -> bytes:
        if not 0 <= value < 1 << 8 * n_bytes:
            raise UsageError(f"{value} does not fit in {n_bytes} bytes")
        return value.to_bytes(n_bytes, "little")

    return Codec(lambda reader: int.from_bytes(reader.take(n_bytes), "little"), write)


def write_varint(value: int) -> bytes:
    """`value`, 0..2**32-1, as unsigned LEB128 in its shortest form.

    >>> write_varint(768).hex()
    '8006'
    """
    if not 0 <= value < VARINT_END:
        raise UsageError(f"{value} is outside 0..{VARINT_END - 1}")
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _read_positive(reader: Reader) -> int:
    value = reader.varint()
    if value == 0:
        raise FormatError("a number that starts at 1 is 0")
    return value


def _write_positive(value: int) -> bytes:
    if value == 0:
        raise UsageError("a number that starts at 1 is 0")
    return write_varint(value)


def fixed(n_bytes: int) -> Codec[bytes]:
    """Exactly `n_bytes` bytes."""

    def write(value: bytes) -> bytes:
        if len(value) != n_bytes:
            raise UsageError(f"{len(value)} bytes where exactly {n_bytes} belong")
        return value

    return Codec(lambda reader: reader.take(n_bytes), write)


def one_of(numbers: type[E], word: str) -> Codec[E]:
    """A byte that is one of `numbers`; others are `UnsupportedError`, which says `word`."""

    def read(reader: Reader) -> E:
        value = reader.byte()
        try:
            return numbers(value)
        except ValueError:
            raise UnsupportedError(f"{word} {value} is unknown to this version of carcodec") from None

    return Codec(read, lambda value: bytes([numbers(value)]))


def nested(record: type[R]) -> Codec[R]:
    """A record inside a record, its fields one after the other."""
    return Codec(lambda reader: record.read(reader), lambda value: value.pack())


U8 = _fixed_int(1)
U16 = _fixed_int(2)
U32 = _fixed_int(4)
POSITIVE: Codec[int] = Codec(_read_positive, _write_positive)  # a varint of at least 1
REST: Codec[bytes] = Codec(lambda reader: reader.take(reader.left), bytes)  # all that is left; last field only


class Record:
    """Base of frozen dataclasses whose fields are `Annotated[type, codec]`, in wire order."""

    _codecs: ClassVar[dict[str, Codec[Any]]] = {}

    def __init_subclass__(cls) -> None:
        hints = get_type_hints(cls, include_extras=True)
        cls._codecs = {name: hint.__metadata__[0] for name, hint in hints.items() if get_origin(hint) is Annotated}

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """The record at the reader's place.

        Raises:
            FormatError: the bytes end early or hold a value that is not allowed.
            UnsupportedError: a number that this version does not know.
        """
        return cls(**{name: codec.read(reader) for name, codec in cls._codecs.items()})

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        """The record that `data` is, nothing more; errors as `read`."""
        reader = Reader(data)
        record = cls.read(reader)
        reader.finish()
        return record

    def pack(self) -> bytes:
        """The record's bytes; `UsageError` if a field cannot be written."""
        return b"".join(codec.write(getattr(self, name)) for name, codec in self._codecs.items())
