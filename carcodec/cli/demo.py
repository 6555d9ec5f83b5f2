"""`carcodec demo`: the main job on a sample, beside what plain JPEG makes of the same picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from carcodec.cli.files import make_folder
from carcodec.cli.options import computing, talking
from carcodec.cli.output import Console, check_output, write_output
from carcodec.cli.pictures import picture_bytes

if TYPE_CHECKING:
    from PIL import Image as PillowImage

    from carcodec.ports import Image

SAMPLE = "astronaut"
FACE = (slice(18, 162), slice(56, 200))  # rows and columns of the detail that is shown
FOLDER = "carcodec-demo"
ORIGINAL, CAR, DECODED = "original.png", "sample.car", "decoded.png"
SAME_QUALITY, SAME_BYTES = "jpeg-same-quality.jpg", "jpeg-same-bytes.jpg"
RESTORED = "restored.png"
COMPARISON, RESTORATION = "comparison.png", "restoration.png"


@click.command("demo")
@click.option("--out-dir", default=FOLDER, show_default=True, metavar="FOLDER", help="Where the pictures go.")
@click.option("-q", "--quality", type=click.IntRange(1, 100), default=20, show_default=True, help="JPEG quality.")
@click.option("--force", is_flag=True, help="Overwrite files in a FOLDER that was named.")
@computing
@talking
@click.pass_obj
def command(console: Console, out_dir: str, quality: int, force: bool, device: str, threads: int | None) -> None:
    """Encode a sample picture, decode it, and compare it with plain JPEG.

    The table has the JPEG of the same quality number, as it is and restored, and a JPEG that has at least as many bytes
    as the .car file. The pictures stay in FOLDER, to be looked at, with a detail of them side by side in comparison.png
    and restoration.png; those of an earlier demo in the usual FOLDER are overwritten.
    """
    force = force or out_dir == FOLDER
    from carcodec import decode, encode, restore
    from carcodec.datasets.cards import open_dataset

    sample = next(entry for entry in open_dataset("samples", None) if entry.name == SAMPLE)
    image = sample.load()
    coded = encode(image, quality=quality, device=device, threads=threads)
    decoded = decode(coded, device=device, threads=threads)
    same_bytes, same_quality = _jpeg_of_bytes(image, len(coded)), _jpeg(image, quality)
    restored = restore(same_quality, device=device, threads=threads)
    comparison = _beside(image, same_bytes, "carcodec", f"{len(coded):,} bytes", decoded)
    restoration = _beside(image, same_quality, "carcodec restore", "the same file", restored)
    outputs = {
        ORIGINAL: sample.path.read_bytes(),
        SAME_QUALITY: same_quality,
        RESTORED: picture_bytes(restored, "PNG"),
        SAME_BYTES: same_bytes,
        CAR: coded,
        DECODED: picture_bytes(decoded, "PNG"),
        COMPARISON: picture_bytes(comparison, "PNG"),
        RESTORATION: picture_bytes(restoration, "PNG"),
    }
    make_folder(Path(out_dir))
    for name in outputs:
        check_output(str(Path(out_dir, name)), force)
    for name, data in outputs.items():
        write_output(str(Path(out_dir, name)), data, force)
    click.echo(_table(Path(out_dir), image, quality))
    console.say(f"The pictures are in {out_dir}/: look at {COMPARISON} first.")


def _jpeg(image: Image, quality: int) -> bytes:
    from carcodec.jpeg.front import JpegSettings, encode_jpeg

    return encode_jpeg(image, JpegSettings(quality))


def _jpeg_of_bytes(image: Image, n_bytes: int) -> bytes:
    """The JPEG of the least quality that has so many bytes or more; of the greatest, if none has."""
    candidates = (_jpeg(image, quality) for quality in range(1, 101))
    return next((data for data in candidates if len(data) >= n_bytes), _jpeg(image, 100))


def _beside(image: Image, jpeg: bytes, label: str, size: str, ours: PillowImage.Image) -> PillowImage.Image:
    """The face in the original, in a JPEG and in what we made, side by side; PSNR is of the whole picture."""
    import numpy as np

    from carcodec.jpeg.front import decode_jpeg
    from carcodec.pixels.metrics import psnr
    from carcodec.report.comparison import comparison
    from carcodec.report.page import Version

    shown = [Version("original", f"{image.nbytes:,} bytes of pixels", image[FACE])]
    plain = ("JPEG", f"{len(jpeg):,} bytes", decode_jpeg(jpeg))
    for name, caption, pixels in (plain, (label, size, np.asarray(ours))):
        shown.append(Version(name, f"{caption}, {psnr(image, pixels):.2f} dB", pixels[FACE]))
    return comparison(shown)


def _table(folder: Path, image: Image, quality: int) -> str:
    """Bytes, rate and PSNR of the files as they stand in the folder."""
    from carcodec.pixels.io import load_picture
    from carcodec.pixels.metrics import psnr

    height, width = image.shape[:2]
    lines = [f"{'':<38}{'bytes':>8}{'bpp':>8}{'RGB PSNR':>12}"]
    for label, coded, decoded in (
        (f"JPEG, quality {quality}", SAME_QUALITY, SAME_QUALITY),
        ("the same JPEG, restored", SAME_QUALITY, RESTORED),
        ("JPEG, at least the bytes of the .car", SAME_BYTES, SAME_BYTES),
        (f"carcodec, quality {quality}", CAR, DECODED),
    ):
        n_bytes = (folder / coded).stat().st_size
        quality_db = psnr(image, load_picture(folder / decoded).array)
        lines.append(f"{label:<38}{n_bytes:>8,}{8 * n_bytes / (width * height):>8.3f}{quality_db:>9.2f} dB")
    return "\n".join(lines)
