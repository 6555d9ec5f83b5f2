from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated

import pytest

from carcodec.container.wire import POSITIVE, REST, U8, U16, U32, Reader, Record, fixed, nested, one_of, write_varint
from carcodec.errors import FormatError, UnsupportedError, UsageError


class Fruit(IntEnum):
    APPLE = 7


@dataclass(frozen=True)
class Inner(Record):
    small: Annotated[int, U8]


@dataclass(frozen=True)
class Outer(Record):
    fruit: Annotated[Fruit, one_of(Fruit, "fruit")]
    inner: Annotated[Inner, nested(Inner)]
    name: Annotated[bytes, fixed(2)]
    rest: Annotated[bytes, REST]


@pytest.mark.parametrize(
    ("value", "data"),
    [
        (0, "00"),
        (127, "7f"),
        (128, "8001"),
        (300, "ac02"),
        (16383, "ff7f"),
        (16384, "808001"),
        (2**32 - 1, "ffffffff0f"),
    ],
)
def test_varint_is_leb128(value: int, data: str) -> None:
    assert write_varint(value).hex() == data
    assert Reader(bytes.fromhex(data)).varint() == value


@pytest.mark.parametrize("data", ["8000", "ff00", "80808000", "8080808010", "808080808001", "80", ""])
def test_varint_that_is_long_large_or_cut_is_refused(data: str) -> None:
    with pytest.raises(FormatError):
        Reader(bytes.fromhex(data)).varint()


@pytest.mark.parametrize("value", [-1, 2**32])
def test_varint_out_of_range_is_not_written(value: int) -> None:
    with pytest.raises(UsageError):
        write_varint(value)


def test_fixed_integers_are_little_endian() -> None:
    assert U16.write(0x1234) == b"\x34\x12"
    assert U32.read(Reader(b"\x78\x56\x34\x12")) == 0x12345678
    with pytest.raises(UsageError):
        U16.write(2**16)
    with pytest.raises(UsageError):
        U8.write(-1)


def test_reader_never_leaves_its_part() -> None:
    reader = Reader(b"abcdef", 1, 4)
    assert reader.take(2) == b"bc"
    assert reader.left == 1
    with pytest.raises(FormatError, match="only 1"):
        reader.take(2)
    assert reader.byte() == ord("d")
    with pytest.raises(FormatError):
        reader.byte()
    reader.finish()


def test_record_is_its_fields_in_order() -> None:
    record = Outer(Fruit.APPLE, Inner(5), b"ab", b"rest")
    assert record.pack() == b"\x07\x05abrest"
    assert Outer.unpack(record.pack()) == record


def test_record_with_bytes_left_over_is_refused() -> None:
    with pytest.raises(FormatError, match="left over"):
        Inner.unpack(b"\x05\x05")


def test_unknown_number_is_refused_by_word_and_value() -> None:
    with pytest.raises(UnsupportedError, match="fruit 8"):
        Outer.unpack(b"\x08\x05ab")


def test_value_that_its_field_cannot_hold_is_not_written() -> None:
    with pytest.raises(UsageError):
        Outer(Fruit.APPLE, Inner(5), b"abc", b"").pack()
    with pytest.raises(UsageError):
        POSITIVE.write(0)
