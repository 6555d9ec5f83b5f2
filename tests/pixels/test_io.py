from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps, PngImagePlugin, features

from carcodec.errors import InputError, LimitError, OutputError, UsageError
from carcodec.limits import Limits
from carcodec.pixels.depth import depth_of
from carcodec.pixels.io import WRITABLE, Picture, format_of, load_picture, save_picture, upright
from tests.stubs.metadata import GRAY_PROFILE, ORIENTATION, RGB_PROFILE, exif_block


def random_array(*shape: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def saved(image: Image.Image, format: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def png16(array: np.ndarray[Any, np.dtype[np.uint16]]) -> bytes:
    """A 16-bit RGB PNG, which Pillow cannot write."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width, _ = array.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in array)
    head = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def exif_of(tags: dict[int, Any]) -> bytes:
    exif = Image.Exif()
    exif.update(tags)
    return exif.tobytes()


def test_path_bytes_file_image_and_array_give_the_same_picture(tmp_path: Path) -> None:
    array = random_array(5, 7, 3)
    data = saved(Image.fromarray(array))
    path = tmp_path / "in.png"
    path.write_bytes(data)
    for source in (path, str(path), data, io.BytesIO(data), Image.fromarray(array), array):
        picture = load_picture(source)
        np.testing.assert_array_equal(picture.array, array)
        assert picture.array.flags.writeable  # torch warns of others
        assert (picture.jpeg, picture.notes) == (None, ())


def test_jpeg_bytes_are_kept_as_they_are() -> None:
    jpeg = saved(Image.fromarray(random_array(20, 30, 3)), "JPEG") + b"trailing"
    picture = load_picture(jpeg)
    assert picture.jpeg == jpeg
    assert picture.array.shape == (20, 30, 3)


def test_jpeg_with_a_second_picture_behind_is_a_jpeg() -> None:
    first, second = (Image.fromarray(random_array(16, 16, 3)) for _ in range(2))
    mpo = saved(first, "MPO", save_all=True, append_images=[second])
    assert load_picture(mpo).jpeg == mpo
    np.testing.assert_array_equal(load_picture(Image.open(io.BytesIO(mpo))).array, load_picture(mpo).array)


def test_cmyk_jpeg_is_refused() -> None:
    with pytest.raises(InputError, match="CMYK"):
        load_picture(saved(Image.new("CMYK", (8, 8)), "JPEG"))


@pytest.mark.parametrize("format", ["PNG", "BMP", "PPM", "TIFF", "WEBP", "QOI"])
def test_lossless_formats_come_in_exactly(format: str) -> None:
    array = random_array(9, 11, 3)
    options = {"lossless": True} if format == "WEBP" else {}
    np.testing.assert_array_equal(load_picture(saved(Image.fromarray(array), format, **options)).array, array)


@pytest.mark.parametrize("format", ["PNG", "BMP", "PPM", "TIFF"])
def test_gray_stays_gray(format: str) -> None:
    array = random_array(9, 11)
    np.testing.assert_array_equal(load_picture(saved(Image.fromarray(array), format)).array, array)


def test_black_and_white_becomes_gray_without_loss() -> None:
    array = random_array(9, 11) > 128
    np.testing.assert_array_equal(load_picture(saved(Image.fromarray(array))).array, array * np.uint8(255))


@pytest.mark.parametrize("format", ["PNG", "GIF"])
def test_palettes_become_rgb_without_loss(format: str) -> None:
    image = Image.fromarray(random_array(9, 11, 3)).quantize(200)
    picture = load_picture(saved(image, format))
    np.testing.assert_array_equal(picture.array, np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_opaque_alpha_is_dropped(mode: str) -> None:
    image = Image.fromarray(random_array(6, 6, 3)).convert(mode[:-1])
    with_alpha = image.copy()
    with_alpha.putalpha(255)
    np.testing.assert_array_equal(load_picture(saved(with_alpha)).array, np.asarray(image))


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_needs_a_background(mode: str) -> None:
    image = Image.new(mode, (4, 4), 0)
    with pytest.raises(InputError, match="background"):
        load_picture(saved(image))
    white = load_picture(saved(image), background="white").array
    assert (white == 255).all()
    assert white.ndim == (2 if mode == "LA" else 3)
    red = load_picture(saved(image), background="#ff0000").array
    assert (red == [255, 0, 0]).all()


def test_half_transparency_mixes_with_the_background() -> None:
    image = Image.new("RGBA", (1, 1), (200, 100, 0, 128))
    mixed = load_picture(image, background="black").array
    np.testing.assert_allclose(mixed[0, 0], np.array([200, 100, 0]) * 128 / 255, atol=1)


def test_colour_keys_and_transparent_palettes_count_as_transparency() -> None:
    keyed = saved(Image.new("RGB", (4, 4), (1, 2, 3)), transparency=(1, 2, 3))
    palette = saved(Image.new("P", (4, 4), 0), transparency=0)
    for data in (keyed, palette):
        with pytest.raises(InputError, match="background"):
            load_picture(data)
    unused = saved(Image.new("RGB", (4, 4), (1, 2, 3)), transparency=(9, 9, 9))
    assert (load_picture(unused).array == [1, 2, 3]).all()


def test_background_that_is_no_colour_is_the_callers_fault() -> None:
    with pytest.raises(UsageError, match="no colour"):
        load_picture(Image.new("RGBA", (4, 4), 0), background="fluffy")


def test_16_bits_are_reduced_with_a_note() -> None:
    deep = np.random.default_rng(1).integers(0, 65536, (8, 8, 3), dtype=np.uint16)
    ppm = b"P6 8 8 65535\n" + deep.astype(">u2").tobytes()
    gray = deep[:, :, 0].copy()
    pgm = b"P5 8 8 65535\n" + gray.astype(">u2").tobytes()
    sources = {
        "png": (png16(deep), deep),
        "ppm": (ppm, deep),
        "gray png": (saved(Image.fromarray(gray)), gray),
        "gray tiff": (saved(Image.fromarray(gray), "TIFF"), gray),
        "pgm": (pgm, gray),
    }
    for name, (data, samples) in sources.items():
        picture = load_picture(data)
        assert picture.notes == ("16 bits a sample were reduced to 8",), name
        np.testing.assert_allclose(picture.array, samples / 257, atol=1.0, err_msg=name)


def gray_tiff(samples: bytes, side: int, bits: int, photometric: int = 1, sample_format: int = 1) -> bytes:
    """A square one of one strip, of kinds that Pillow cannot write."""
    tags = {256: side, 257: side, 258: bits, 259: 1, 262: photometric, 273: 134, 277: 1, 278: side}
    tags |= {279: len(samples), 339: sample_format}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    head = b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4)
    assert len(head) == tags[273]
    return head + samples


def test_12_bits_of_gray_reach_from_black_to_white() -> None:
    # Two samples in three bytes: 0 and 4095, 2048 and 16.
    picture = load_picture(gray_tiff(bytes.fromhex("000fff 800010"), 2, 12))
    assert picture.array.tolist() == [[0, 255], [128, 1]]
    assert picture.notes == ("12 bits a sample were reduced to 8",)


def test_deep_samples_whose_0_is_white_are_turned_over() -> None:
    samples = np.array([0, 257, 65535, 32896], "<u2").tobytes()
    assert load_picture(gray_tiff(samples, 2, 16, photometric=0)).array.tolist() == [[255, 254], [0, 127]]
    assert load_picture(gray_tiff(samples, 2, 16)).array.tolist() == [[0, 1], [255, 128]]


@pytest.mark.parametrize("bits", [8, 16])
def test_signed_samples_are_refused(bits: int) -> None:
    with pytest.raises(InputError, match="signed"):
        load_picture(gray_tiff(bytes(bits // 2), 2, bits, sample_format=2))


def test_deep_samples_in_planes_are_refused() -> None:
    # Pillow would read them as planes of 8 bits.
    data = saved(Image.fromarray(random_array(2, 2, 3)), "TIFF")
    image = Image.open(io.BytesIO(data))
    image.tag_v2[258], image.tag_v2[284] = (16, 16, 16), 2
    with pytest.raises(InputError, match="planes"):
        load_picture(image)


def test_bits_of_a_pixel_are_not_those_of_a_sample() -> None:
    masks = struct.pack("<III", 0xF800, 0x07E0, 0x001F)
    head = struct.pack("<IiiHHIIiiII", 40, 2, 1, 1, 16, 3, 4, 0, 0, 0, 0)
    data = b"BM" + struct.pack("<IHHI", 70, 0, 0, 66) + head + masks + struct.pack("<HH", 0xF800, 0x001F)
    picture = load_picture(data)
    assert picture.array.tolist() == [[[255, 0, 0], [0, 0, 255]]]
    assert not picture.reduced


def jpeg_2000(image: Image.Image, bits: int) -> bytes:
    """One that says how many bits its samples have: those of Pillow have 8 or 16."""
    data = bytearray(saved(image, "JPEG2000"))
    sizes = data.index(b"\xff\x4f\xff\x51") + 42  # bits of each component less one, every third byte
    for component in range(len(image.getbands())):
        data[sizes + 3 * component] = bits - 1
    data[data.index(b"ihdr") + 14] = bits - 1
    return bytes(data)


def test_jpeg_2000_that_pillow_misreads_is_refused() -> None:
    colour, gray = Image.fromarray(random_array(8, 8, 3)), Image.fromarray(random_array(8, 8))
    assert not load_picture(jpeg_2000(colour, 8)).reduced
    for data in (jpeg_2000(colour, 10), jpeg_2000(gray, 9)):
        for source in (data, Image.open(io.BytesIO(data))):
            with pytest.raises(InputError, match="JPEG 2000 pictures of"):
                load_picture(source)


@pytest.mark.parametrize("bits", [10, 12, 16])
def test_deep_gray_of_jpeg_2000_reaches_from_black_to_white(bits: int) -> None:
    levels = np.linspace(0, (1 << bits) - 1, 64).round().astype(np.uint16).reshape(8, 8)
    middle = 1 << bits - 1  # samples are coded by their distance from the middle, that of 16 bits in Pillow
    data = jpeg_2000(Image.fromarray((levels + (1 << 15) - middle).astype(np.uint16)), bits)
    for source in (data, Image.open(io.BytesIO(data))):
        picture = load_picture(source)
        assert picture.reduced
        np.testing.assert_allclose(picture.array, levels / ((1 << bits) - 1) * 255, atol=0.51)


def test_tiffs_that_were_opened_before_are_read_alike() -> None:
    for data in (gray_tiff(bytes.fromhex("000fff 800010"), 2, 12), gray_tiff(bytes(range(8)), 2, 16, photometric=0)):
        expected = load_picture(data)
        opened, loaded = Image.open(io.BytesIO(data)), Image.open(io.BytesIO(data))
        loaded.load()
        for image in (opened, loaded):
            picture = load_picture(image)
            np.testing.assert_array_equal(picture.array, expected.array)
            assert picture.notes == expected.notes


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow was built without AVIF")
@pytest.mark.parametrize(("flags", "bits"), [(0x00, 8), (0x40, 10), (0x60, 12)])
def test_depth_of_avif_is_known(flags: int, bits: int) -> None:
    # Pillow writes 8 bits only, and does not open a file whose configuration is not that of its bitstream.
    data = bytearray(saved(Image.fromarray(random_array(8, 8, 3)), "AVIF"))
    image = Image.open(io.BytesIO(data))
    data[data.index(b"av1C") + 6] |= flags
    assert depth_of(image, bytes(data)).bits == bits
    image.fp = io.BytesIO(data)
    assert depth_of(image, b"").bits == bits


def test_8_bits_that_were_spread_to_16_come_back_exactly() -> None:
    array = random_array(8, 8)
    np.testing.assert_array_equal(load_picture(Image.fromarray(array.astype(np.uint16) * 257)).array, array)


@pytest.mark.parametrize("mode", ["F", "I", "CMYK", "LAB"])
def test_other_kinds_of_samples_are_refused(mode: str) -> None:
    with pytest.raises(InputError, match="not supported"):
        load_picture(saved(Image.new(mode, (4, 4)), "TIFF"))


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP", "TIFF"])
def test_animations_and_pages_are_refused(format: str) -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    data = saved(frames[0], format, save_all=True, append_images=frames[1:])
    with pytest.raises(InputError, match="several pictures"):
        load_picture(data)


@pytest.mark.parametrize(
    "data", [b"", b"no picture", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n" + bytes(30), b"%!PS-Adobe-3.0"]
)
def test_garbage_is_an_input_error(data: bytes) -> None:
    with pytest.raises(InputError):
        load_picture(data)


def test_missing_file_is_an_input_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"absent\.png: no such file"):
        load_picture(tmp_path / "absent.png")


def test_every_prefix_of_a_png_is_an_input_error() -> None:
    data = saved(Image.fromarray(random_array(6, 6, 3)))
    for length in range(0, len(data) - 24, 3):  # the last 24 bytes are checksums and the end mark
        with pytest.raises(InputError):
            load_picture(data[:length])


def test_size_is_checked_before_pixels_are_decoded() -> None:
    for side in (15_000, 60_000):  # the second is over Pillow's own limit, too
        with pytest.raises(LimitError, match="pixels"):
            load_picture(b"P5 %d %d 255\n" % (side, side), limits=Limits(pixels=2**27))
    with pytest.raises(LimitError):
        load_picture(random_array(10, 10), limits=Limits(pixels=99))


@pytest.mark.parametrize("array", [np.zeros((4, 4), np.float32), np.zeros((4, 4, 4), np.uint8), np.zeros(4, np.uint8)])
def test_arrays_of_other_kinds_are_refused(array: np.ndarray[Any, Any]) -> None:
    with pytest.raises(InputError, match="uint8"):
        load_picture(array)


def test_arrays_without_pixels_are_refused() -> None:
    with pytest.raises(InputError, match="no pixels"):
        load_picture(np.zeros((0, 4, 3), np.uint8))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_once_as_pillow_does(orientation: int) -> None:
    jpeg = saved(Image.fromarray(random_array(24, 40, 3)), "JPEG", exif=exif_block(orientation), quality=95)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(jpeg))))
    picture = load_picture(jpeg)
    np.testing.assert_array_equal(picture.array, expected)
    assert picture.exif is not None
    tags = Image.Exif()
    tags.load(picture.exif)
    assert (tags[ORIENTATION], tags[0x010E]) == (1, "kept")


@pytest.mark.parametrize("format", ["PNG", "WEBP", "TIFF"])
def test_orientation_of_other_formats_is_applied_too(format: str) -> None:
    array = random_array(4, 6, 3)
    options: dict[str, Any] = {"lossless": True} if format == "WEBP" else {}
    data = saved(Image.fromarray(array), format, exif=exif_block(6), **options)
    picture = load_picture(data)
    np.testing.assert_array_equal(picture.array, np.rot90(array, -1))
    np.testing.assert_array_equal(upright(picture.array, picture.exif)[0], picture.array)


def test_damaged_exif_turns_nothing() -> None:
    array = random_array(4, 6)
    for exif in (b"Exif\0\0", b"Exif\0\0MM\0*garbage", b"\xff" * 9):
        turned, kept = upright(array, exif)
        np.testing.assert_array_equal(turned, array)
        assert kept == exif


def test_profile_is_kept_only_where_it_fits() -> None:
    rgb, gray = Image.fromarray(random_array(4, 4, 3)), Image.fromarray(random_array(4, 4))
    assert load_picture(saved(rgb, icc_profile=RGB_PROFILE)).icc == RGB_PROFILE
    assert load_picture(saved(gray, icc_profile=GRAY_PROFILE)).icc == GRAY_PROFILE
    misfit = load_picture(saved(gray, icc_profile=RGB_PROFILE))
    assert misfit.icc is None
    assert "profile" in misfit.notes[0]


@pytest.mark.parametrize("suffix", WRITABLE)
@pytest.mark.parametrize("n_channels", [1, 3])
def test_saved_pictures_come_back_exactly(suffix: str, n_channels: int, tmp_path: Path) -> None:
    array = random_array(7, 5) if n_channels == 1 else random_array(7, 5, 3)
    path = tmp_path / f"out{suffix.upper()}"
    save_picture(path, array, RGB_PROFILE if n_channels == 3 else GRAY_PROFILE, exif_block(1))
    back = load_picture(path).array
    expected = np.stack([array] * 3, axis=-1) if back.ndim > array.ndim else array  # WebP knows no gray
    np.testing.assert_array_equal(back, expected)


@pytest.mark.parametrize("suffix", [".png", ".tiff", ".webp"])
def test_profile_and_exif_come_back(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"out{suffix}"
    save_picture(path, random_array(7, 5, 3), RGB_PROFILE, exif_of({0x010E: "kept", 0x8769: {36867: "2026:11:22"}}))
    picture = load_picture(path)
    assert picture.icc == RGB_PROFILE
    tags = Image.Exif()
    tags.load(picture.exif)
    assert tags[0x010E] == "kept"
    assert tags.get_ifd(0x8769) == {36867: "2026:11:22"}


def test_texts_of_a_tiff_come_through_unless_they_are_pages() -> None:
    exif = Image.Exif()
    exif[0x010E], exif[0x013B] = b"x" * 100_000, "Zoë".encode()  # as microscopes and cameras write them
    picture = load_picture(saved(Image.fromarray(random_array(4, 6)), "TIFF", exif=exif))
    assert picture.exif is not None
    assert "Zoë".encode() in picture.exif
    assert len(picture.exif) < 1000


def test_exif_behind_the_pixels_of_a_png_counts() -> None:
    array = random_array(4, 6, 3)
    data = saved(Image.fromarray(array), exif=exif_block(6))
    start = data.index(b"eXIf") - 4
    end = start + 12 + int.from_bytes(data[start : start + 4], "big")
    last = data.index(b"IEND") - 4
    picture = load_picture(data[:start] + data[end:last] + data[start:end] + data[last:])
    np.testing.assert_array_equal(picture.array, np.rot90(array, -1))
    assert picture.exif is not None


def test_lack_of_memory_is_not_the_files_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(image: Image.Image) -> None:
        raise MemoryError

    data = saved(Image.fromarray(random_array(4, 6, 3)))
    monkeypatch.setattr(Image.Image, "load", fail)
    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load", fail)
    with pytest.raises(MemoryError):
        load_picture(data)


@pytest.mark.parametrize("compressed", [False, True])
def test_tiff_keeps_what_cameras_say(tmp_path: Path, compressed: bool) -> None:
    path = tmp_path / "out.tif"
    groups = {} if compressed else {0x8769: {36867: "2026:11:22 10:00:00"}, 0x8825: {1: "N", 2: (1.0, 2.0, 3.0)}}
    save_picture(path, random_array(7, 5, 3), exif=exif_of({0x010F: "Maker", **groups}))
    with Image.open(path) as image:
        image.load()
        tags = image.getexif()
        assert tags[0x010F] == "Maker"
        assert {group: tags.get_ifd(group) for group in groups} == groups


@pytest.mark.parametrize(
    "exif",
    [
        exif_of({0x0100: 24, 0x0101: 16, ORIENTATION: 1}),  # the sides before it was turned
        exif_of({0x0100: 4000, 0x0101: 3000}),
        exif_of({0x011C: 2}),
        exif_of({0x010D: 7}),  # DocumentName, which is no number
        exif_of({ORIENTATION: 9}),
        exif_of({0x8769: {40962: 16}, 0x0100: 1}),
        b"Exif\0\0MM\0*garbage",
        b"Exif\0\0garbage",
    ],
    ids=range(8),
)
def test_tiff_is_not_spoiled_by_what_exif_says(tmp_path: Path, child_environment: dict[str, str], exif: bytes) -> None:
    # In a process of its own: libtiff may end it.
    program = (
        "import numpy, sys; from carcodec.pixels.io import save_picture;"
        "save_picture('out.tif', numpy.arange(105, dtype='uint8').reshape(7, 5, 3), exif=bytes.fromhex(sys.argv[1]))"
    )
    command = [sys.executable, "-W", "error", "-c", program, exif.hex()]
    done = subprocess.run(command, cwd=tmp_path, env=child_environment, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    np.testing.assert_array_equal(load_picture(tmp_path / "out.tif").array.ravel(), np.arange(105))


def test_open_files_get_png_or_the_format_asked_for() -> None:
    for format, start in ((None, b"\x89PNG"), ("BMP", b"BM")):
        out = io.BytesIO()
        save_picture(out, random_array(3, 3, 3), format=format)
        assert out.getvalue().startswith(start)


@pytest.mark.parametrize(
    ("name", "word"), [("a.jpg", "extract"), ("a.JPEG", "extract"), ("a.xyz", "xyz"), ("a", "no suffix")]
)
def test_suffixes_not_written_are_the_callers_fault(name: str, word: str) -> None:
    with pytest.raises(UsageError, match=word):
        format_of(name)


def test_unwritable_targets_are_output_errors(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="no such file"):
        save_picture(tmp_path / "absent" / "out.png", random_array(3, 3))
    with pytest.raises(OutputError):
        save_picture(io.BytesIO(), np.zeros((1, 20_000), np.uint8), format="WEBP")


def test_picture_defaults_are_empty() -> None:
    picture = Picture(random_array(1, 1))
    assert (picture.icc, picture.exif, picture.jpeg, picture.notes) == (None, None, None, ())
