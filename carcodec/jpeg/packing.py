"""Lossless packing of JPEGs: a table of methods, with storing as the one that always works.

    method, packed = pack(jpeg)
    assert unpack(method, packed, width, height) == jpeg

Lepton saves about a fifth. It packs some damaged JPEGs into something else, so `pack` unpacks
and compares; and damaged Lepton data can make its decoder take gigabytes or abort the process,
so `unpack` looks at a stream's own header first. With the checksum that the container keeps of
the packed bytes, accidents do not reach Lepton at all. A file *made* to pass these checks could
still make it take memory for the picture it claims (bounded by `Limits`) or more: open hostile
files in a process with a memory limit.
"""

from __future__ import annotations

import zlib

from carcodec.errors import CarError, DamagedError, InputError, UnsupportedError
from carcodec.ids import Packing
from carcodec.jpeg.syntax import has_scan, read_frame

# A Lepton stream: cf 84, 18 bytes we need not know, size of the JPEG, length of a zlib stream, that stream.
_LEPTON_START = b"\xcf\x84"
_LEPTON_ZLIB_AT = 28
# The inflated zlib stream: "HDR", a length, the JPEG's marker segments without SOI, then sections: three bytes of
# name and, by it, a fixed number of bytes or a u32 that counts items. The third byte of "HH" counts, too.
_HDR_START = b"HDR"
_SEGMENTS_AT = 7
_FIXED_SECTIONS = {b"P0D": 1, b"EEE": 28}
_COUNTED_SECTIONS = {b"CRS": 4, b"FRS": 1, b"GRB": 1}  # bytes of an item
_HANDOFFS, _HANDOFF_BYTES = b"HH", 16
MAX_HEADER_BYTES = 2**24  # marker segments and trailing bytes of a JPEG; a larger one is stored
MAX_BYTES_PER_PIXEL = 8  # of scan data: noise at quality 100, 4:4:4, takes 3


def pack(jpeg: bytes) -> tuple[Packing, bytes]:
    """The smallest form of a JPEG that was seen to unpack to the same bytes. Never fails.

    Cost: about 0.2 ms for each kB.
    """
    try:
        frame = read_frame(jpeg, start=2)
        packed = _lepton_pack(jpeg)
        if len(packed) < len(jpeg) and unpack(Packing.LEPTON, packed, frame.width, frame.height) == jpeg:
            return Packing.LEPTON, packed
    except CarError:
        pass
    return Packing.STORED, jpeg


def unpack(method: int, data: bytes, width: int, height: int) -> bytes:
    """The JPEG that was packed.

    Args:
        method: a number of `ids.Packing`.
        data: what `pack` gave; a checksum of it was compared by the caller.
        width, height: of the picture, in pixels, within `Limits`; the JPEG must have just these.

    Raises:
        DamagedError: no packed JPEG of this size.
        UnsupportedError: a method that is not known, or whose package is not installed.
    """
    if method == Packing.STORED:
        _check_frame(data, 2, width, height)
        return data
    if method == Packing.LEPTON:
        return _lepton_unpack(data, width, height)
    raise UnsupportedError(f"the JPEG is packed by method {method}, which this version does not know")


def _lepton_pack(jpeg: bytes) -> bytes:
    """Raises UnsupportedError where Lepton is not installed, InputError for what it does not pack."""
    try:
        import lepton_jpeg_python as lepton
    except ImportError as error:
        raise _missing() from error
    try:
        return bytes(lepton.compress_bytes(jpeg))
    except BaseException as error:
        raise _failed(error, InputError("Lepton cannot pack this JPEG")) from error


def _lepton_unpack(data: bytes, width: int, height: int) -> bytes:
    size = _check_lepton(data, width, height)
    try:
        import lepton_jpeg_python as lepton
    except ImportError as error:
        raise _missing() from error
    try:
        jpeg = bytes(lepton.decompress_bytes(data))
    except BaseException as error:
        raise _failed(error, DamagedError("the packed JPEG is damaged")) from error
    if len(jpeg) != size:
        raise DamagedError("the packed JPEG does not have the length that it states")
    _check_frame(jpeg, 2, width, height)
    return jpeg


def _failed(error: BaseException, ours: CarError) -> BaseException:
    """`ours` for an error or a Rust panic (no Exception by class); what stops the program passes."""
    return error if isinstance(error, KeyboardInterrupt | SystemExit | MemoryError) else ours


def _missing() -> UnsupportedError:
    return UnsupportedError(
        "the JPEG is packed by Lepton: install the package lepton-jpeg-python (Linux x86_64, macOS arm64, Windows)"
    )


def _check_lepton(data: bytes, width: int, height: int) -> int:
    """Size of the JPEG in a Lepton stream whose header is whole and speaks of a picture of this size."""
    if not data.startswith(_LEPTON_START) or len(data) < _LEPTON_ZLIB_AT:
        raise DamagedError("the packed JPEG is no Lepton stream")
    size = int.from_bytes(data[20:24], "little")
    if size > MAX_BYTES_PER_PIXEL * width * height + MAX_HEADER_BYTES:
        raise DamagedError("the packed JPEG claims an impossible size")
    zlib_end = _LEPTON_ZLIB_AT + int.from_bytes(data[24:28], "little")
    if zlib_end > len(data):
        raise DamagedError("the packed JPEG is cut off")
    header = _inflate(data[_LEPTON_ZLIB_AT:zlib_end])
    segments_end = _SEGMENTS_AT + int.from_bytes(header[3:7], "little")
    if not header.startswith(_HDR_START) or segments_end > len(header):
        raise DamagedError("the packed JPEG has no header")
    _check_sections(header, segments_end)
    _check_frame(header[:segments_end], _SEGMENTS_AT, width, height)
    if not has_scan(header[:segments_end], _SEGMENTS_AT):
        # Lepton would take its components' initial sizes, -1, for real ones, and abort the process.
        raise DamagedError("the packed JPEG has no picture data")
    return size


def _check_sections(header: bytes, at: int) -> None:
    """Pass if the sections from `at` on end where the header does: Lepton allocates what they claim, unseen."""
    while at < len(header):
        name, at = header[at : at + 3], at + 3
        if name in _FIXED_SECTIONS:
            at += _FIXED_SECTIONS[name]
        elif name in _COUNTED_SECTIONS:
            at += 4 + _COUNTED_SECTIONS[name] * int.from_bytes(header[at : at + 4], "little")
        elif name.startswith(_HANDOFFS) and len(name) == 3:
            at += _HANDOFF_BYTES * name[2]
        else:
            raise DamagedError("the packed JPEG has an unknown section")
    if at != len(header):
        raise DamagedError("the packed JPEG claims more than it holds")


def _inflate(data: bytes) -> bytes:
    inflater = zlib.decompressobj()
    try:
        header = inflater.decompress(data, MAX_HEADER_BYTES)
    except zlib.error as error:
        raise DamagedError("the packed JPEG has a damaged header") from error
    if not inflater.eof or inflater.unused_data:
        raise DamagedError("the packed JPEG has a damaged header")
    return header


def _check_frame(data: bytes, start: int, width: int, height: int) -> None:
    try:
        frame = read_frame(data, start)
    except InputError as error:
        raise DamagedError(f"the packed JPEG is broken: {error}") from error
    if (frame.width, frame.height) != (width, height):
        raise DamagedError(f"the packed JPEG is {frame.width} x {frame.height}, the file says {width} x {height}")
