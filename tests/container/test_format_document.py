"""docs/format.md says what the code does: numbers, limits, overhead, example."""

import re
from dataclasses import fields
from enum import IntEnum
from pathlib import Path

import pytest

from carcodec import ids
from carcodec.container.file import CONTENTS, Container, Header, serialise, to_chunk
from carcodec.container.payloads import (
    BasePayload,
    CompactPayload,
    DescriptorPayload,
    JpegPayload,
    ModelRef,
    PicturePayload,
    RestorePayload,
    SamplesPayload,
    TransformPayload,
)
from carcodec.ids import ChunkKind, Colour, CompactCoding, Mode, Packing
from carcodec.limits import Limits

DOCUMENT = (Path(__file__).parents[2] / "docs" / "format.md").read_text(encoding="utf-8")

KEPT = Container(
    Header(Mode.SIDE, 48, 32, Colour.RGB),
    (
        to_chunk(JpegPayload(Packing.STORED, b"\xff\xd8\xff\xd9")),
        to_chunk(RestorePayload(ModelRef(1, bytes.fromhex("a1a2a3a4a5a6")), 128)),
        to_chunk(DescriptorPayload(ModelRef(2, bytes.fromhex("b1b2b3b4b5b6")), 0x4B3C, bytes.fromhex("314159"))),
    ),
)
KEPT_FIELDS = (
    (4, "signature"),
    (1, "version 1"),
    (1, "mode 1: SIDE"),
    (1, "width 48"),
    (1, "height 32"),
    (1, "colour 3: RGB"),
    (1, "chunk 1: JPEG"),
    (1, "length 9"),
    (4, "check of the 5 bytes that follow"),
    (1, "packing 0: STORED"),
    (4, "the JPEG"),
    (1, "chunk 2: RESTORE"),
    (1, "length 8"),
    (1, "model 1"),
    (6, "its digest"),
    (1, "strength 128: full"),
    (1, "chunk 3: DESCRIPTOR"),
    (1, "length 12"),
    (1, "model 2"),
    (6, "its digest"),
    (2, "check of the symbols"),
    (3, "the symbols, coded"),
    (4, "checksum of everything above"),
)


LAYERED = Container(
    Header(Mode.LAYERED, 40, 24, Colour.RGB),
    (
        to_chunk(CompactPayload(8, None, bytes.fromhex("2f0480"))),
        to_chunk(
            BasePayload(ModelRef(3, bytes.fromhex("c1c2c3c4c5c6")), ModelRef(4, bytes.fromhex("d1d2d3d4d5d6"))),
        ),
        to_chunk(SamplesPayload(ModelRef(5, bytes.fromhex("e1e2e3e4e5e6")), 1, 0x89ABCDEF, bytes.fromhex("271828"))),
    ),
)
LAYERED_FIELDS = (
    (4, "signature"),
    (1, "version 1"),
    (1, "mode 3: LAYERED"),
    (1, "width 40"),
    (1, "height 24"),
    (1, "colour 3: RGB"),
    (1, "chunk 16: COMPACT"),
    (1, "length 9"),
    (4, "check of the 5 bytes that follow"),
    (1, "scale 8: 5 x 3 pixels"),
    (1, "coding 0: WEBP"),
    (3, "the compact picture"),
    (1, "chunk 17: BASE"),
    (1, "length 14"),
    (1, "model 3: fine"),
    (6, "its digest"),
    (1, "model 4: segmenter"),
    (6, "its digest"),
    (1, "chunk 19: SAMPLES"),
    (1, "length 19"),
    (4, "check of the 15 bytes that follow"),
    (1, "model 5"),
    (6, "its digest"),
    (1, "step 1: lossless"),
    (4, "check of the pixels"),
    (3, "the samples, coded"),
    (4, "checksum of everything above"),
)


def dump(example: Container, fields_of_it: tuple[tuple[int, str], ...]) -> str:
    """An example, a field a line: offset, bytes, meaning."""
    data, lines, start = serialise(example), [], 0
    for n_bytes, meaning in fields_of_it:
        lines.append(f"{start:04x}  {data[start : start + n_bytes].hex(' '):<18} {meaning}")
        start += n_bytes
    assert start == len(data)
    return "\n".join(lines)


def table(title: str) -> list[list[str]]:
    """Rows of the first table behind `title`, without its head."""
    rows = re.search(r"^\|.*?(?=\n\n|\Z)", DOCUMENT[DOCUMENT.index(title) :], re.S | re.M)
    assert rows
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[0].splitlines()[2:]]


@pytest.mark.parametrize(
    ("title", "numbers"),
    [
        ("Mode numbers", Mode),
        ("Colour numbers", Colour),
        ("Chunk numbers", ChunkKind),
        ("Packing numbers", Packing),
        ("Compact coding numbers", CompactCoding),
    ],
)
def test_number_tables_are_those_of_ids(title: str, numbers: type[IntEnum]) -> None:
    assert [(int(row[0]), row[1].strip("`")) for row in table(title)] == [(n.value, n.name) for n in numbers]


def test_signature_and_version_are_those_of_ids() -> None:
    cells = {row[2]: row[3].strip("`") for row in table("## 2.")}
    assert bytes.fromhex(cells["signature"] + cells["version"]) == ids.SIGNATURE + bytes([ids.VERSION])


def test_contents_of_modes_are_those_of_the_parser() -> None:
    rows = {row[1].strip("`"): re.findall(r"`(\w+)`", row[2] + row[3]) for row in table("Mode numbers")}
    assert {mode.name: [kind.name for kind in kinds] for mode, kinds in CONTENTS.items()} == {
        name: kinds for name, kinds in rows.items() if kinds
    }


def test_limits_are_the_defaults() -> None:
    rows = {row[0].strip("`"): int(row[1].replace(",", "")) for row in table("## 9.")}
    assert rows == {field.name: field.default for field in fields(Limits)}


def test_header_fields_are_those_of_the_parser() -> None:
    assert [row[0] for row in table("## 3.")] == [field.name for field in fields(Header)]


def test_overhead_table_is_measured() -> None:
    model = ModelRef(1, b"abcdef")
    restore = to_chunk(RestorePayload(model, 128))
    for picture, *numbers in table("| picture"):
        width, height = (int(side) for side in picture.replace(",", "").split(" x "))
        n_jpeg, n_descriptor, blind, side = (int(number.replace(",", "")) for number in numbers)
        jpeg = to_chunk(JpegPayload(Packing.LEPTON, bytes(n_jpeg)))
        descriptor = to_chunk(DescriptorPayload(model, 0, bytes(n_descriptor)))
        assert Container(Header(Mode.BLIND, width, height, Colour.RGB), (jpeg, restore)).framing_bytes() == blind
        container = Container(Header(Mode.SIDE, width, height, Colour.RGB), (jpeg, restore, descriptor))
        assert container.framing_bytes() == side


def test_overhead_of_layers_is_measured() -> None:
    model = ModelRef(1, b"abcdef")
    smallest = {
        "COMPACT": CompactPayload(8, None, b""),
        "BASE": BasePayload(model, model),
        "TRANSFORM": TransformPayload(b""),
        "SAMPLES": SamplesPayload(model, 1, 0, b""),
        "PICTURE": PicturePayload(1, 0, b""),
    }
    stated = {row[0].split("`")[1]: int(row[1].split()[0]) for row in table("## 11.") if "`" in row[0]}
    without_length = {name: len(to_chunk(payload).pack()) - 1 for name, payload in smallest.items()}
    assert stated["BASE"] == without_length.pop("BASE") + 1
    assert stated.items() >= without_length.items()


@pytest.mark.parametrize(
    ("index", "example", "fields_of_it"), [(1, KEPT, KEPT_FIELDS), (3, LAYERED, LAYERED_FIELDS)], ids=["jpeg", "layers"]
)
def test_example_is_what_the_writer_writes(
    index: int, example: Container, fields_of_it: tuple[tuple[int, str], ...]
) -> None:
    assert DOCUMENT[DOCUMENT.index("## 12.") :].split("```")[index].strip() == dump(example, fields_of_it)
