from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from carcodec.errors import InputError, LimitError, UsageError
from carcodec.jpeg.front import JpegSettings, decode_jpeg, encode_jpeg, read_metadata
from carcodec.jpeg.syntax import is_whole, read_header
from carcodec.jpeg.tables import TableShape, quantization_tables
from carcodec.limits import Limits
from carcodec.modes.jpeg import as_picture


@pytest.mark.parametrize("quality", range(1, 101))
def test_every_quality_writes_its_tables(quality: int, picture: Callable[..., np.ndarray]) -> None:
    shape = TableShape(flatness=0.6, chroma_scale=0.7)
    header = read_header(encode_jpeg(picture(24, 40), JpegSettings(quality, shape)))
    luma, chroma = quantization_tables(quality, shape)
    np.testing.assert_array_equal(header.luma_table, luma)
    np.testing.assert_array_equal(header.chroma_table, chroma)


@pytest.mark.parametrize("quality", [1, 20, 75, 100])
@pytest.mark.parametrize("sampling", ["4:2:0", "4:2:2", "4:4:4"])
def test_standard_settings_give_pillows_own_bytes(
    quality: int, sampling: str, picture: Callable[..., np.ndarray]
) -> None:
    image = picture(50, 70)
    out = io.BytesIO()
    Image.fromarray(image).save(out, "JPEG", quality=quality, subsampling=sampling, optimize=True)
    assert encode_jpeg(image, JpegSettings(quality, sampling=sampling)) == out.getvalue()


def test_optimised_tables_are_smaller_and_decode_to_the_same(picture: Callable[..., np.ndarray]) -> None:
    image = picture(64, 64)
    optimised, plain = (encode_jpeg(image, JpegSettings(50, optimize=optimize)) for optimize in (True, False))
    assert len(optimised) < len(plain)
    np.testing.assert_array_equal(decode_jpeg(optimised), decode_jpeg(plain))


@pytest.mark.parametrize("size", [(1, 1), (1, 17), (17, 1), (15, 33), (8, 8), (65_500, 1), (2, 65_500)])
@pytest.mark.parametrize("n_channels", [1, 3])
def test_any_size_comes_back(size: tuple[int, int], n_channels: int) -> None:
    shape = size if n_channels == 1 else (*size, 3)
    image = np.full(shape, 90, np.uint8)
    decoded = decode_jpeg(encode_jpeg(image, JpegSettings(90)))
    assert decoded.shape == shape
    assert decoded.dtype == np.uint8
    np.testing.assert_allclose(decoded.astype(int), 90, atol=2)


def test_gray_stays_gray(picture: Callable[..., np.ndarray]) -> None:
    header = read_header(encode_jpeg(picture(20, 20)[:, :, 0], JpegSettings(50)))
    assert header.components == 1


@pytest.mark.parametrize("sampling", ["4:2:0", "4:2:2", "4:4:4"])
def test_noise_at_quality_100_is_encoded(sampling: str) -> None:
    # Pillow alone fails here with optimize=True: "broken data stream when writing image file".
    noise = np.random.default_rng(3).integers(0, 256, (300, 300, 3), dtype=np.uint8)
    decoded = decode_jpeg(encode_jpeg(noise, JpegSettings(100, sampling=sampling)))
    assert decoded.shape == noise.shape


def test_sides_over_65500_are_refused() -> None:
    with pytest.raises(InputError, match="65,500"):
        encode_jpeg(np.zeros((1, 65_501), np.uint8), JpegSettings())


def test_profile_and_exif_travel_inside(picture: Callable[..., np.ndarray]) -> None:
    icc = np.random.default_rng(5).bytes(200_000)  # more than one segment
    tags = Image.Exif()
    tags[0x010E] = "a description"
    jpeg = encode_jpeg(picture(16, 16), JpegSettings(50), icc, tags.tobytes())
    assert read_metadata(jpeg) == (icc, tags.tobytes())
    assert read_metadata(encode_jpeg(picture(16, 16), JpegSettings(50))) == (None, None)


def test_metadata_of_garbage_is_none() -> None:
    assert read_metadata(b"garbage") == (None, None)


def test_metadata_too_large_for_a_jpeg_is_refused(picture: Callable[..., np.ndarray]) -> None:
    with pytest.raises(InputError, match="larger than a JPEG"):
        encode_jpeg(picture(16, 16), JpegSettings(), exif=b"Exif\0\0" + bytes(70_000))


@pytest.mark.parametrize("quality", [0, 101])
def test_impossible_quality_is_the_callers_fault(quality: int) -> None:
    with pytest.raises(UsageError, match="quality"):
        JpegSettings(quality)


def test_impossible_sampling_is_the_callers_fault() -> None:
    with pytest.raises(UsageError, match="sampling"):
        JpegSettings(sampling="4:1:1")  # type: ignore[arg-type]


def test_orientation_is_left_alone_when_decoding() -> None:
    tags = Image.Exif()
    tags[0x0112] = 6
    out = io.BytesIO()
    Image.new("RGB", (40, 20)).save(out, "JPEG", exif=tags)
    assert decode_jpeg(out.getvalue()).shape == (20, 40, 3)


def test_missing_end_marker_changes_no_pixel(jpegs: dict[str, bytes]) -> None:
    np.testing.assert_array_equal(decode_jpeg(jpegs["EOI missing"]), decode_jpeg(jpegs["baseline"]))


def test_only_whole_jpegs_are_called_so(jpegs: dict[str, bytes]) -> None:
    whole = {name for name, jpeg in jpegs.items() if is_whole(jpeg)}
    assert whole >= {"baseline", "progressive", "gray"}
    assert not whole & {"EOI missing", "truncated scan"}


def test_damaged_exif_is_not_talked_about(jpegs: dict[str, bytes], recwarn: pytest.WarningsRecorder) -> None:
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x02\x01\x12\0\x03\0\0\0\x01\0\x06"  # ends within its first tag
    jpeg = encode_jpeg(decode_jpeg(jpegs["baseline"]), JpegSettings(50), exif=exif)
    decode_jpeg(jpeg)
    assert read_metadata(jpeg)[1] == exif
    as_picture(decode_jpeg(jpeg), jpeg)
    assert not recwarn.list


@pytest.mark.parametrize(("shape", "kind"), [((16, 16), b"RGB "), ((16, 16, 3), b"GRAY")])
def test_profile_of_other_colours_is_left_out(shape: tuple[int, ...], kind: bytes) -> None:
    jpeg = encode_jpeg(np.zeros(shape, np.uint8), JpegSettings(50), icc=b"\0" * 16 + kind + b"\0" * 108)
    assert read_metadata(jpeg)[0] is not None
    assert as_picture(decode_jpeg(jpeg), jpeg).icc is None


def test_truncated_scan_gives_the_rows_that_are_there(jpegs: dict[str, bytes]) -> None:
    whole, cut = decode_jpeg(jpegs["baseline"]), decode_jpeg(jpegs["truncated scan"])
    np.testing.assert_array_equal(cut[:16], whole[:16])


def test_pixels_over_the_limit_are_refused_before_decoding(jpegs: dict[str, bytes]) -> None:
    with pytest.raises(LimitError):
        decode_jpeg(jpegs["baseline"], Limits(pixels=83 * 61 - 1))


def test_mutated_jpegs_raise_only_input_errors(jpegs: dict[str, bytes]) -> None:
    rng = np.random.default_rng(11)
    outcomes = set()
    for _ in range(300):
        mutated = bytearray(jpegs["baseline"])
        for at in rng.integers(2, len(mutated), 4):
            mutated[at] = rng.integers(0, 256)
        try:
            decode_jpeg(bytes(mutated), Limits(pixels=2**20))
            outcomes.add("decoded")
        except (InputError, LimitError):
            outcomes.add("refused")
    assert outcomes == {"decoded", "refused"}
