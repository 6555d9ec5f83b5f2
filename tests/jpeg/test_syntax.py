from __future__ import annotations

import io
import time
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, JpegImagePlugin

from carcodec.errors import InputError
from carcodec.jpeg.conditioning import condition
from carcodec.jpeg.syntax import MAX_SCANS, MAX_SEGMENTS, ZIGZAG, read_frame, read_header, segments

SOS, EOI = 0xDA, 0xD9

SUPPORTED = [
    *("baseline", "optimised", "progressive", "gray", "4:4:4", "4:2:2", "rgb", "restart markers", "custom tables"),
    *("16-bit tables", "q1", "q100", "1x1", "trailing junk", "EOI missing", "truncated scan", "multi-scan"),
]


def changed(jpeg: bytes, marker: int, offset: int, value: int) -> bytes:
    """The JPEG with one byte of a segment, counted from its marker, replaced."""
    at = jpeg.index(bytes([0xFF, marker])) + offset
    return jpeg[:at] + bytes([value]) + jpeg[at + 1 :]


def test_zigzag_begins_and_ends_as_in_the_standard() -> None:
    assert ZIGZAG[:10] == [0, 1, 8, 16, 9, 2, 3, 10, 17, 24]
    assert ZIGZAG[-4:] == [47, 55, 62, 63]


@pytest.mark.parametrize("kind", SUPPORTED)
def test_size_tables_and_sampling_agree_with_pillow(kind: str, jpegs: dict[str, bytes]) -> None:
    header = read_header(jpegs[kind])
    image = Image.open(io.BytesIO(jpegs[kind]))
    assert isinstance(image, JpegImagePlugin.JpegImageFile)
    assert (header.width, header.height) == image.size
    assert header.factors == tuple((h, v) for _, h, v, _ in image.layer)
    assert header.luma_table.tolist() == list(image.quantization[image.layer[0][3]])
    if header.components == 1:
        assert header.chroma_table is None
    else:
        assert header.chroma_table is not None
        assert header.chroma_table.tolist() == list(image.quantization[image.layer[1][3]])
    assert header.progressive == (image.info.get("progressive", 0) == 1)


@pytest.mark.parametrize(
    ("kind", "sampling"), [("baseline", (2, 2)), ("4:2:2", (2, 1)), ("4:4:4", (1, 1)), ("gray", (1, 1))]
)
def test_sampling_is_pixels_per_chroma_sample(kind: str, sampling: tuple[int, int], jpegs: dict[str, bytes]) -> None:
    assert read_header(jpegs[kind]).sampling == sampling


def test_condition_is_made_of_tables_and_sampling(jpegs: dict[str, bytes]) -> None:
    header = read_header(jpegs["4:2:2"])
    np.testing.assert_array_equal(
        header.condition(), condition(header.luma_table, header.chroma_table, header.sampling)
    )
    gray = read_header(jpegs["gray"]).condition()
    assert gray.dtype == np.float32
    assert gray.shape == (131,)
    assert gray[130] == 1


@pytest.mark.parametrize(("kind", "least", "most"), [("baseline", 1, 1), ("multi-scan", 3, 3), ("progressive", 4, 20)])
def test_every_scan_is_met_and_the_walk_stops_at_the_end_marker(
    kind: str, least: int, most: int, jpegs: dict[str, bytes]
) -> None:
    met = list(segments(jpegs[kind] + jpegs["baseline"][2:], 2))
    assert least <= [segment.marker for segment in met].count(SOS) <= most
    assert met[-1].marker == EOI


@pytest.mark.parametrize("kind", ["EOI missing", "truncated scan"])
def test_a_file_that_ends_early_has_no_end_marker_and_a_header_all_the_same(kind: str, jpegs: dict[str, bytes]) -> None:
    assert EOI not in [segment.marker for segment in segments(jpegs[kind], 2)]
    assert read_header(jpegs[kind]).width == 83


@pytest.mark.parametrize(
    ("marker", "word"),
    [(0xC3, "lossless"), (0xC5, "hierarchical"), (0xC9, "arithmetically"), (0xCA, "arithmetically"), (0xF7, "JPEG-LS")],
)
def test_other_kinds_of_frame_are_refused_by_name(marker: int, word: str, jpegs: dict[str, bytes]) -> None:
    with pytest.raises(InputError, match=word):
        read_header(changed(jpegs["baseline"], 0xC0, 1, marker))


def test_twelve_bits_are_refused(jpegs: dict[str, bytes]) -> None:
    with pytest.raises(InputError, match="12-bit"):
        read_header(changed(jpegs["baseline"], 0xC0, 4, 12))


def test_cmyk_is_refused() -> None:
    out = io.BytesIO()
    Image.new("CMYK", (16, 16)).save(out, "JPEG")
    with pytest.raises(InputError, match="CMYK"):
        read_header(out.getvalue())


def test_zero_steps_and_impossible_factors_are_refused(jpegs: dict[str, bytes]) -> None:
    with pytest.raises(InputError, match="step of zero"):
        read_header(changed(jpegs["baseline"], 0xDB, 5, 0))
    with pytest.raises(InputError, match="sampling factors"):
        read_header(changed(jpegs["baseline"], 0xC0, 11, 0x05))


def test_size_zero_is_refused(jpegs: dict[str, bytes]) -> None:
    no_height = changed(changed(jpegs["baseline"], 0xC0, 5, 0), 0xC0, 6, 0)
    with pytest.raises(InputError, match="size"):
        read_header(no_height)


@pytest.mark.parametrize("data", [b"", b"\xff", b"\xff\xd8", b"\xff\xd8\xff", b"GIF89a" * 9, b"\xff\xd8" + bytes(9999)])
def test_garbage_is_refused(data: bytes) -> None:
    with pytest.raises(InputError):
        read_header(data)


def test_every_prefix_gives_the_header_or_an_input_error(jpegs: dict[str, bytes]) -> None:
    jpeg = jpegs["progressive"]
    first_scan = jpeg.index(b"\xff\xda")
    for length in range(len(jpeg)):
        if length < first_scan + 14:
            with pytest.raises(InputError):
                read_header(jpeg[:length])
        else:
            header = read_header(jpeg[:length])
            assert (header.width, header.height) == (83, 61)


def test_mutated_headers_raise_only_input_errors(jpegs: dict[str, bytes]) -> None:
    rng = np.random.default_rng(7)
    jpeg = jpegs["custom tables"]
    outcomes = set()
    for _ in range(2000):
        mutated = bytearray(jpeg)
        for at in rng.integers(0, 640, rng.integers(1, 4)):
            mutated[at] = rng.integers(0, 256)
        try:
            header = read_header(bytes(mutated))
            assert np.isfinite(header.condition()).all()
            outcomes.add("read")
        except InputError:
            outcomes.add("refused")
    assert outcomes == {"read", "refused"}


def test_time_is_bounded_on_files_of_tiny_segments_and_of_many_scans(jpegs: dict[str, bytes]) -> None:
    jpeg = jpegs["baseline"]
    scan = jpeg[jpeg.index(b"\xff\xda") : -2]
    begun = time.perf_counter()
    with pytest.raises(InputError, match=f"{MAX_SEGMENTS:,} marker segments"):
        read_header(b"\xff\xd8" + b"\xff\xfe\0\2" * 1_000_000)
    with pytest.raises(InputError, match=f"{MAX_SCANS} scans"):
        read_header(jpeg[:-2] + scan * MAX_SCANS + b"\xff\xd9")
    with pytest.raises(InputError):
        read_header(b"\xff\xd8" + b"\xff" * 10_000_000)
    assert time.perf_counter() - begun < 2


def test_frame_is_found_behind_tables_that_look_like_one(jpegs: dict[str, bytes]) -> None:
    comment = b"\xff\xfe\0\x15" + b"\xff\xc0\0\x11\x08\0\1\0\1\x01\1\x11\0" + bytes(6)
    jpeg = jpegs["baseline"]
    frame = read_frame(jpeg[:2] + comment + jpeg[2:], start=2)
    assert (frame.width, frame.height) == (83, 61)


def test_two_frames_are_refused(jpegs: dict[str, bytes]) -> None:
    jpeg = jpegs["baseline"]
    at = jpeg.index(b"\xff\xc0")
    twice = jpeg[:at] + jpeg[at : at + 19] + jpeg[at:]
    for read in (read_header, lambda data: read_frame(data, start=2)):
        with pytest.raises(InputError, match="frame"):
            read(twice)


def test_stray_bytes_between_segments_are_skipped(jpegs: dict[str, bytes]) -> None:
    jpeg = jpegs["baseline"]
    at = jpeg.index(b"\xff\xdb")
    assert read_header(jpeg[:at] + b"stray\xff" + jpeg[at:]).width == 83


def test_picture_of_another_size_has_it_read(picture: Callable[..., np.ndarray]) -> None:
    out = io.BytesIO()
    Image.fromarray(picture(17, 300)).save(out, "JPEG")
    header = read_header(out.getvalue())
    assert (header.width, header.height) == (300, 17)
