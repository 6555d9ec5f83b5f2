"""What the marker segments of a JPEG say, read in pure Python; entropy-coded data is only skipped.

    header = read_header(jpeg)
    header.width, header.height, header.sampling, header.luma_table

Work and memory are linear in the length of the data, whatever the data claims. Source of all
numbers: ISO/IEC 10918-1 (ITU-T T.81) annex B.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from carcodec.errors import InputError
from carcodec.jpeg.conditioning import condition
from carcodec.jpeg.tables import Table

MAX_SEGMENTS = 4096  # a 16 MB colour profile takes 255; bounds the time on files of tiny segments
MAX_SCANS = 500  # libjpeg's own fuzzers stop there: each scan of a progressive JPEG costs a whole decode
ZIGZAG = sorted(range(64), key=lambda n: (n // 8 + n % 8, n // 8 if (n // 8 + n % 8) % 2 else n % 8))

_SOI = b"\xff\xd8"
_DQT, _SOS, _EOI = 0xDB, 0xDA, 0xD9
_SOF_HUFFMAN = (0xC0, 0xC1, 0xC2)
_SOF_PROGRESSIVE = 0xC2
_SOF_REFUSED = {
    0xC3: "lossless",
    **dict.fromkeys((0xC5, 0xC6, 0xC7, 0xCD, 0xCE, 0xCF), "hierarchical"),
    **dict.fromkeys((0xC9, 0xCA, 0xCB), "arithmetically coded"),
    0xF7: "JPEG-LS",
}
# Neither stuffed zeros nor restart markers: what ends a stretch of entropy-coded data. Fill bytes before a marker
# need no `+`, which would take quadratic time on a run of ff.
_MARKER = re.compile(rb"\xff([\xc0-\xcf\xd8-\xfe])")


class Segment(NamedTuple):
    """A marker and what follows it."""

    marker: int  # second byte of the marker, 0xC0..0xFE
    payload: bytes  # without marker and length; empty for EOI


class Component(NamedTuple):
    """One colour component of a frame."""

    across: int  # sampling factors, 1..4
    down: int
    table: int  # which quantization table, 0..3


class Frame(NamedTuple):
    """What a start-of-frame segment says."""

    width: int
    height: int
    components: tuple[Component, ...]
    progressive: bool


@dataclass(frozen=True, eq=False)
class JpegHeader:
    """What the marker segments say of a picture that this package can carry.

    Attributes:
        width, height: pixels, 1..65,535.
        factors: sampling factors of each component, across and down, 1..4 each.
        luma_table: int64[64] in natural order, steps 1..65,535, of the first component;
        chroma_table: of the second; None for gray.
        progressive: whether coefficients come in several passes.
    """

    width: int
    height: int
    factors: tuple[tuple[int, int], ...]
    luma_table: Table
    chroma_table: Table | None
    progressive: bool

    @property
    def components(self) -> int:
        """1 for gray, 3 for colour."""
        return len(self.factors)

    @property
    def sampling(self) -> tuple[int, int]:
        """Pixels per chroma sample, across and down: (2, 2) is 4:2:0; (1, 1) for gray. Rounded down
        where factors do not divide, which no known encoder writes."""
        if len(self.factors) == 1:
            return 1, 1
        (across, down), (chroma_across, chroma_down) = self.factors[:2]
        return max(1, across // chroma_across), max(1, down // chroma_down)

    def condition(self) -> npt.NDArray[np.float32]:
        """float32[131] that tells the networks of tables and sampling: `carcodec.jpeg.conditioning`."""
        return condition(self.luma_table, self.chroma_table, self.sampling)


@dataclass
class _Found:
    """What was met on the way through a file."""

    frame: Frame | None = None
    tables: dict[int, Table] = field(default_factory=dict)
    n_scans: int = 0


def read_header(data: bytes) -> JpegHeader:
    """Header of a Huffman-coded 8-bit JPEG, gray or of three components.

    A file that ends within or after its first scan is accepted.

    Raises:
        InputError: no JPEG, cut off before its picture data, broken, or of a kind not supported.
    """
    if not data.startswith(_SOI):
        raise InputError("not a JPEG file")
    found = _Found()
    for segment in segments(data, len(_SOI)):
        _take(segment, found)
    frame = found.frame
    if frame is None or found.n_scans == 0:
        raise InputError("the JPEG ends before its picture data")
    if len(frame.components) not in (1, 3):
        kind = "CMYK" if len(frame.components) == 4 else f"{len(frame.components)}-component"
        raise InputError(f"{kind} JPEGs are not supported: convert it to RGB first")
    return JpegHeader(
        width=frame.width,
        height=frame.height,
        factors=tuple((c.across, c.down) for c in frame.components),
        luma_table=_table_of(frame.components[0], found),
        chroma_table=_table_of(frame.components[1], found) if len(frame.components) == 3 else None,
        progressive=frame.progressive,
    )


def read_frame(data: bytes, start: int) -> Frame:
    """The one frame among the marker segments from `start` on.

    Raises:
        InputError: none, several, or of a kind not supported.
    """
    frames = [_frame(s) for s in segments(data, start) if s.marker in _SOF_HUFFMAN or s.marker in _SOF_REFUSED]
    if len(frames) != 1:
        raise InputError(f"the JPEG has {len(frames)} frames where there must be one")
    return frames[0]


def has_scan(data: bytes, start: int) -> bool:
    """Whether a scan begins among the marker segments from `start` on.

    Raises:
        InputError: as `segments`.
    """
    return any(segment.marker == _SOS for segment in segments(data, start))


def is_whole(data: bytes) -> bool:
    """Whether a JPEG that `read_header` accepts has its end marker; one that lacks it was cut off somewhere."""
    return any(segment.marker == _EOI for segment in segments(data, len(_SOI)))


def segments(data: bytes, start: int) -> Iterator[Segment]:
    """Marker segments from `start` up to the end marker or the end of the data.

    Entropy-coded data and stray bytes between segments are skipped, as decoders do. A segment
    that is cut off ends the walk if a scan has begun.

    Raises:
        InputError: a segment cut off or with a length below 2 before the first scan; another
            start marker; more than `MAX_SEGMENTS`.
    """
    position, has_scan = start, False
    for _ in range(MAX_SEGMENTS):
        match = _MARKER.search(data, position)
        if match is None:
            return
        marker, position = match[1][0], match.end()
        if marker == _EOI:
            yield Segment(marker, b"")
            return
        if marker == _SOI[1]:
            raise InputError("the JPEG starts anew before its end")
        length = int.from_bytes(data[position : position + 2], "big")
        if length < 2 or position + length > len(data):
            if has_scan:
                return
            raise InputError("the JPEG is cut off or broken in its header")
        yield Segment(marker, data[position + 2 : position + length])
        position += length
        has_scan = has_scan or marker == _SOS
    raise InputError(f"the JPEG has more than {MAX_SEGMENTS:,} marker segments")


def _take(segment: Segment, found: _Found) -> None:
    marker, payload = segment.marker, segment.payload
    if marker in _SOF_HUFFMAN or marker in _SOF_REFUSED:
        if found.frame is not None:
            raise InputError("the JPEG has more than one frame")
        found.frame = _frame(segment)
    elif marker == _DQT:
        _take_tables(payload, found)
    elif marker == _SOS:
        found.n_scans += 1
        if found.n_scans > MAX_SCANS:
            raise InputError(f"the JPEG has more than {MAX_SCANS} scans")


def _frame(segment: Segment) -> Frame:
    """T.81 B.2.2: precision, height, width, number of components, three bytes for each."""
    marker, payload = segment.marker, segment.payload
    if marker in _SOF_REFUSED:
        raise InputError(f"{_SOF_REFUSED[marker]} JPEGs are not supported: convert it to a baseline or progressive one")
    if len(payload) < 6 or len(payload) != 6 + 3 * payload[5]:
        raise InputError("the JPEG is cut off or broken in its header")
    if payload[0] != 8:
        raise InputError(f"{payload[0]}-bit JPEGs are not supported: convert it to 8 bits")
    height, width = int.from_bytes(payload[1:3], "big"), int.from_bytes(payload[3:5], "big")
    if width == 0 or height == 0:  # height 0: the number of lines follows the picture data (DNL), which nobody writes
        raise InputError("the JPEG does not state its size")
    components = tuple(
        Component(payload[at + 1] >> 4, payload[at + 1] & 15, payload[at + 2]) for at in range(6, len(payload), 3)
    )
    if any(not (1 <= c.across <= 4 and 1 <= c.down <= 4 and c.table <= 3) for c in components):
        raise InputError("the JPEG has impossible sampling factors or table numbers")
    return Frame(width, height, components, marker == _SOF_PROGRESSIVE)


def _take_tables(payload: bytes, found: _Found) -> None:
    """T.81 B.2.4.1: precision and number in one byte, then 64 steps in zigzag order."""
    while payload:
        number, width_bytes = payload[0] & 15, (payload[0] >> 4) + 1
        size = 64 * width_bytes
        if number > 3 or width_bytes > 2 or len(payload) < 1 + size:
            raise InputError("the JPEG has a broken quantization table")
        steps = np.frombuffer(payload, ">u2" if width_bytes == 2 else np.uint8, 64, 1)
        table = np.zeros(64, np.int64)
        table[ZIGZAG] = steps
        # A table that changes between scans counts as it was when the first scan began.
        if found.n_scans == 0 or number not in found.tables:
            found.tables[number] = table
        payload = payload[1 + size :]


def _table_of(component: Component, found: _Found) -> Table:
    table = found.tables.get(component.table)
    if table is None:
        raise InputError("the JPEG lacks a quantization table")
    if not table.all():
        raise InputError("the JPEG has a quantization step of zero")
    return table
