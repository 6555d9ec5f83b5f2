"""Pictures in and out: common files to uint8 arrays and back, through Pillow.

A `.car` holds 8 bits a sample, gray or RGB, one picture, no transparency. What can be brought to
that without loss is (palettes, black and white, an alpha plane that hides nothing); what loses
precision is done with a note (more than 8 bits a sample); what would lose content is refused.

    picture = load_picture("in.png")
    save_picture("out.png", picture.array, picture.icc, picture.exif)

No JPEG is written here (`carcodec.jpeg.front` does), and files are not replaced atomically (the
command line does).
"""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage
from PIL import ImageColor, JpegImagePlugin, UnidentifiedImageError

from carcodec.errors import CarError, InputError, LimitError, OutputError, UsageError
from carcodec.limits import Limits
from carcodec.pixels import Image
from carcodec.pixels.depth import Depth, depth_of, to_8_bits

DEFAULT_LIMITS = Limits()
# No EPS among them: Pillow would start Ghostscript on it.
READABLE = ("AVIF", "BMP", "GIF", "JPEG2000", "PNG", "PPM", "QOI", "TIFF", "WEBP")
WRITABLE = {
    ".png": "PNG",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".webp": "WEBP",
    ".ppm": "PPM",
    ".pgm": "PPM",
    ".pnm": "PPM",
    ".bmp": "BMP",
}
_LOSSLESS: dict[str, dict[str, Any]] = {"WEBP": {"lossless": True}, "TIFF": {"compression": "tiff_adobe_deflate"}}
_JPEG_START = b"\xff\xd8\xff"
_JPEG_END = b"\xff\xd9"
_EXIF_START = b"Exif\0\0"
_ORIENTATION = 0x0112  # tag of TIFF 6.0 and EXIF 2.32; 1 is upright
# What an EXIF block may tell a TIFF: ImageDescription, Make, Model, Software, DateTime, Artist and Copyright, and the
# groups Exif and GPS. Its other tags are those of the JPEG's own structure, which is not the TIFF's.
_TIFF_TEXTS = (0x010E, 0x010F, 0x0110, 0x0131, 0x0132, 0x013B, 0x8298)
_TIFF_GROUPS = (0x8769, 0x8825)
_LONGEST_TEXT = 4096  # microscopes keep a page of XML in ImageDescription, and a JPEG has 64 kB for all of its EXIF
_TURNS: dict[int, Callable[[Image], Image]] = {
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: a.swapaxes(0, 1)[:, ::-1],
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: a.swapaxes(0, 1)[::-1],
}
_SIDEWAYS = (5, 6, 7, 8)  # those that swap width and height


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture as the user gave it, upright.

    Attributes:
        array: uint8[H,W,3] RGB or uint8[H,W] gray, at least 1 x 1.
        icc: colour profile fit for `array`, or None.
        exif: EXIF block that starts with "Exif", its orientation reset to 1, or None.
        jpeg: the whole source if it was a JPEG, *not* turned upright; else None.
        notes: what was changed on loading, a sentence each, for people.
        reduced: whether the source had more than 8 bits a sample.
    """

    array: Image
    icc: bytes | None = None
    exif: bytes | None = None
    jpeg: bytes | None = None
    notes: tuple[str, ...] = ()
    reduced: bool = False


Source = str | os.PathLike[str] | bytes | BinaryIO | PillowImage.Image | npt.NDArray[Any] | Picture


def load_picture(source: Source, *, background: str | None = None, limits: Limits = DEFAULT_LIMITS) -> Picture:
    """Picture of a file, its bytes, an open binary file, a Pillow image or an array.

    Args:
        source: array: uint8[H,W,3], uint8[H,W] or uint8[H,W,1]. A `Picture` comes back as it is.
        background: colour to put behind transparent parts, a name or "#rrggbb".

    Raises:
        InputError: no picture, a damaged one, or one that a `.car` cannot hold.
        LimitError: larger than `limits`.
        UsageError: `background` is no colour.
    """
    if isinstance(source, Picture):
        return source
    if isinstance(source, np.ndarray):
        return Picture(_checked_array(source, limits))
    with _input_errors():
        if isinstance(source, PillowImage.Image):
            return _from_pillow(source, b"", background, limits)
        data = _read(source)
        if data.startswith(_JPEG_START):
            return replace(_from_pillow(open_jpeg(data), data, background, limits), jpeg=data)
        return _from_pillow(PillowImage.open(io.BytesIO(data), formats=READABLE), data, background, limits)


def save_picture(
    target: str | os.PathLike[str] | BinaryIO,
    array: Image,
    icc: bytes | None = None,
    exif: bytes | None = None,
    format: str | None = None,
) -> None:
    """Write a picture without loss.

    Args:
        target: path, overwritten if it exists, or an open binary file.
        array: uint8[H,W,3] or uint8[H,W].
        icc, exif: kept by PNG, TIFF and WebP; BMP and PPM have no place for them. A TIFF takes groups and texts (of up
            to 4,096 characters) of the EXIF block, and is not compressed then: libtiff cannot write these groups.
        format: a value of `WRITABLE`; None: by the path's suffix, PNG for an open file.

    Raises:
        UsageError: a suffix that names no format written here.
        OutputError: it cannot be written, or the format cannot hold it (WebP: 16,383 pixels a side).
    """
    is_path = isinstance(target, str | os.PathLike)
    name = format or (format_of(target) if isinstance(target, str | os.PathLike) else "PNG")
    options = dict(_LOSSLESS.get(name, {}))
    if name == "TIFF" and exif and (exif := _tiff_exif_of(exif)):
        options = {}
    options |= {key: value for key, value in (("icc_profile", icc), ("exif", exif)) if value and name != "BMP"}
    try:
        PillowImage.fromarray(array).save(target, format=name, **options)
    except (OSError, ValueError, RuntimeError) as error:
        what = os.fspath(target) if is_path else "the picture"  # type: ignore[arg-type]
        raise OutputError(f"cannot write {what}: {_reason(error)}") from error


def format_of(path: str | os.PathLike[str]) -> str:
    """Pillow's name of the format that a file name asks for.

    >>> format_of("out.tif")
    'TIFF'

    Raises:
        UsageError: a suffix that names no format written here.
    """
    suffix = Path(path).suffix.lower()
    if suffix in (".jpg", ".jpeg"):
        raise UsageError(
            "a JPEG would compress the restored picture once more: choose .png, .tiff, .webp, .ppm or .bmp"
            " (`carcodec extract` gives the JPEG that a .car holds)"
        )
    if suffix not in WRITABLE:
        what = repr(suffix) if suffix else "a name with no suffix"
        raise UsageError(f"cannot tell a picture format from {what}: use {', '.join(WRITABLE)}")
    return WRITABLE[suffix]


def open_jpeg(data: bytes) -> JpegImagePlugin.JpegImageFile:
    """A JPEG as a Pillow image, not decoded yet.

    An end marker is put behind it: a JPEG that only lacks its own decodes, as in other programs,
    and one that was cut off gives what is there. Pillow's errors come through.
    """
    return JpegImagePlugin.JpegImageFile(io.BytesIO(data + _JPEG_END))


def metadata(image: PillowImage.Image) -> tuple[bytes | None, bytes | None]:
    """ICC profile and EXIF block (always with its "Exif" start) of an opened picture, None where absent.

    A PNG may hold its EXIF behind the pixels: it is known once they are loaded.
    """
    icc, exif = image.info.get("icc_profile"), image.info.get("exif")
    if image.format == "TIFF":
        exif = _tiff_exif(image.getexif())
    if isinstance(exif, bytes) and exif and not exif.startswith(_EXIF_START):
        exif = _EXIF_START + exif
    return (icc if isinstance(icc, bytes) else None) or None, (exif if isinstance(exif, bytes) else None) or None


def fitting_profile(icc: bytes | None, is_gray: bool) -> bytes | None:
    """The profile if it is one for the picture's kind of colours, gray or RGB; else None."""
    kind = b"GRAY" if is_gray else b"RGB "
    return icc if icc and icc[16:20] == kind else None


def upright(array: Image, exif: bytes | None) -> tuple[Image, bytes | None]:
    """Pixels turned as their EXIF orientation says, and the EXIF with its orientation reset to 1.

    An EXIF block that cannot be read turns nothing and is returned as it is.

    Args:
        array: uint8[H,W,3] or uint8[H,W].
    """
    orientation, reset = _orientation(exif)
    turn = _TURNS.get(orientation)
    return (array, exif) if turn is None else (np.ascontiguousarray(turn(array)), reset)


def upright_exif(exif: bytes | None) -> bytes | None:
    """The EXIF block as `upright` gives it, for pixels that are turned elsewhere, or not at all."""
    orientation, reset = _orientation(exif)
    return reset if orientation in _TURNS else exif


def upright_size(width: int, height: int, exif: bytes | None) -> tuple[int, int]:
    """Width and height of a picture of this size once `upright` has turned it."""
    return (height, width) if _orientation(exif)[0] in _SIDEWAYS else (width, height)


def _orientation(exif: bytes | None) -> tuple[int, bytes | None]:
    """The EXIF orientation, 1 where there is none that can be read, and the EXIF with it reset to 1."""
    if exif is None:
        return 1, None
    tags = PillowImage.Exif()
    try:
        with without_warnings():
            tags.load(exif)
            orientation = tags.get(_ORIENTATION, 1)
            tags[_ORIENTATION] = 1
            return orientation, tags.tobytes()
    except Exception:  # Pillow's EXIF reader fails in many ways on damaged tags
        return 1, exif


def _tiff_exif_of(exif: bytes) -> bytes | None:
    """`_tiff_exif` of a block; None for one that cannot be read, too."""
    tags = PillowImage.Exif()
    try:
        with without_warnings():
            tags.load(exif)
    except Exception:  # as above
        return None
    return _tiff_exif(tags)


def _tiff_exif(tags: PillowImage.Exif) -> bytes | None:
    """What a TIFF can hold of EXIF tags, as a block; None where that is nothing, or cannot be read or written."""
    kept = PillowImage.Exif()
    try:
        with without_warnings():
            texts = {tag: text for tag in _TIFF_TEXTS if isinstance(text := tags.get(tag), str)}
            # As the bytes that they were: Pillow reads Latin-1 and writes ASCII.
            kept.update({tag: text.encode("latin-1") for tag, text in texts.items() if len(text) <= _LONGEST_TEXT})
            kept.update({group: found for group in _TIFF_GROUPS if (found := tags.get_ifd(group))})
            block = kept.tobytes() if kept else None
            # Values of odd types fail when they are written, so they are tried on a picture of one pixel.
            PillowImage.new("L", (1, 1)).save(io.BytesIO(), "TIFF", exif=block)
            return block
    except Exception:  # as above
        return None


def without_warnings() -> AbstractContextManager[object]:
    """A context in which Pillow's warnings, which concern details not used here, are not shown."""
    return warnings.catch_warnings(action="ignore")


@contextmanager
def _input_errors() -> Iterator[None]:
    """Pillow's many ways to fail on a bad file, as ours."""
    try:
        with without_warnings():
            yield
    except (CarError, MemoryError):
        raise
    except UnidentifiedImageError as error:
        raise InputError("not a picture of a kind that can be read here") from error
    except PillowImage.DecompressionBombError as error:
        raise LimitError(f"the picture is too large: {error}") from error
    except Exception as error:  # damaged files raise whatever their parser trips over
        raise InputError(f"cannot read the picture: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__


def _read(source: str | os.PathLike[str] | bytes | BinaryIO) -> bytes:
    if isinstance(source, bytes):
        return source
    if not isinstance(source, str | os.PathLike):
        return source.read()
    try:
        return Path(source).read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {os.fspath(source)}: {_reason(error)}") from error


def _checked_array(array: npt.NDArray[Any], limits: Limits) -> Image:
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.dtype != np.uint8 or not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] == 3)):
        raise InputError(f"arrays must be uint8[H,W,3] or uint8[H,W], not {array.dtype}{list(array.shape)}")
    if array.size == 0:
        raise InputError("the picture has no pixels")
    limits.check_size(array.shape[1], array.shape[0])
    return np.ascontiguousarray(array)


def _from_pillow(image: PillowImage.Image, data: bytes, background: str | None, limits: Limits) -> Picture:
    """The picture; `data` is its file, empty if that is not known."""
    limits.check_size(*image.size)
    if getattr(image, "is_animated", False) and image.format != "MPO":  # a JPEG with more behind it
        raise InputError("the file holds several pictures (an animation or pages): extract one first")
    notes = []
    depth = depth_of(image, data)
    image.load()
    icc, exif = metadata(image)
    if depth.is_deep:
        notes.append(f"{depth.bits} bits a sample were reduced to 8")
    array = _checked_array(_array(image, background, depth), limits)
    profile = fitting_profile(icc, array.ndim == 2)
    if profile != icc:
        notes.append("the colour profile was left out: it does not fit the picture's colours")
    array, exif = upright(array, exif)
    return Picture(array, profile, exif, notes=tuple(notes), reduced=depth.is_deep)


def _array(image: PillowImage.Image, background: str | None, depth: Depth) -> npt.NDArray[Any]:
    if image.has_transparency_data:
        image = _flattened(image, background)
    if image.mode.startswith("I") and depth.is_deep:
        return to_8_bits(np.asarray(image), depth)
    if image.mode in ("1", "L"):
        return np.array(image.convert("L"))
    if image.mode in ("RGB", "P", "YCbCr"):
        return np.array(image.convert("RGB"))
    raise InputError(
        f"pictures of the kind {_kind(image.mode)} are not supported: convert it to 8-bit gray or RGB first"
    )


def _kind(mode: str) -> str:
    return {"F": "floating point", "I": "32-bit integer"}.get(mode, mode)


def _flattened(image: PillowImage.Image, background: str | None) -> PillowImage.Image:
    """The picture without its alpha plane, which must be opaque or have a background to lie on."""
    if image.mode.startswith("I"):
        raise InputError("transparency in a 16-bit picture is not supported: convert it to 8 bits first")
    is_gray = image.mode in ("1", "L", "LA")
    covered = image.convert("RGBA")
    if covered.getchannel("A").getextrema() != (255, 255):
        if background is None:
            raise InputError(
                "the picture has transparent parts, which a .car cannot hold: give a background (white, #rrggbb)"
            )
        colour = _colour(background)
        is_gray = is_gray and len(set(colour)) == 1
        covered = PillowImage.alpha_composite(PillowImage.new("RGBA", image.size, (*colour, 255)), covered)
    return covered.getchannel("R") if is_gray else covered.convert("RGB")


def _colour(name: str) -> tuple[int, int, int]:
    try:
        red, green, blue = ImageColor.getrgb(name)[:3]
    except ValueError as error:
        raise UsageError(f"{name!r} is no colour: use a name such as white, or #rrggbb") from error
    return red, green, blue
