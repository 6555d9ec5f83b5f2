"""`carcodec demo`: the main job on a sample, beside what plain JPEG makes of the same picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from carcodec.cli.files import make_folder
from carcodec.cli.options import computing, talking
from carcodec.cli.output import Console, write_output
from carcodec.cli.pictures import picture_bytes
from carcodec.errors import UsageError

if TYPE_CHECKING:
    from carcodec.ports import Image

SAMPLE = "coffee"
FOLDER = "carcodec-demo"
ORIGINAL, CAR, DECODED = "original.png", "sample.car", "decoded.png"
SAME_QUALITY, SAME_BYTES = "jpeg-same-quality.jpg", "jpeg-same-bytes.jpg"


@click.command("demo")
@click.option("--out-dir", default=FOLDER, show_default=True, metavar="FOLDER", help="Where the pictures go.")
@click.option("-q", "--quality", type=click.IntRange(1, 100), default=20, show_default=True, help="JPEG quality.")
@computing
@talking
@click.pass_obj
def command(console: Console, out_dir: str, quality: int, device: str, threads: int | None) -> None:
    """Encode a sample picture, decode it, and compare it with plain JPEG.

    The table has the JPEG of the same quality number, and the best JPEG that is not larger than the .car file. The
    pictures stay in FOLDER, to be looked at; those of an earlier demo are overwritten.
    """
    from carcodec import decode, encode
    from carcodec.datasets.cards import open_dataset

    sample = next(entry for entry in open_dataset("samples", None) if entry.name == SAMPLE)
    image = sample.load()
    coded = encode(image, quality=quality, device=device, threads=threads)
    outputs = {
        ORIGINAL: sample.path.read_bytes(),
        SAME_QUALITY: _jpeg(image, quality),
        SAME_BYTES: _best_jpeg_within(image, len(coded)),
        CAR: coded,
        DECODED: picture_bytes(decode(coded, device=device, threads=threads), "PNG"),
    }
    make_folder(Path(out_dir))
    for name, data in outputs.items():
        write_output(str(Path(out_dir, name)), data, force=True)
    click.echo(_table(Path(out_dir), image, quality))
    console.say(f"The pictures are in {out_dir}/: compare {DECODED} with {SAME_QUALITY} and {ORIGINAL}.")


def _jpeg(image: Image, quality: int) -> bytes:
    from carcodec.jpeg.front import JpegSettings, encode_jpeg

    return encode_jpeg(image, JpegSettings(quality))


def _best_jpeg_within(image: Image, n_bytes: int) -> bytes:
    """The JPEG of the greatest quality that is not larger."""
    for quality in range(100, 0, -1):
        data = _jpeg(image, quality)
        if len(data) <= n_bytes:
            return data
    raise UsageError("no JPEG is as small as this .car file: raise the quality")


def _table(folder: Path, image: Image, quality: int) -> str:
    """Bytes, rate and PSNR of the files as they stand in the folder."""
    from carcodec.pixels.io import load_picture
    from carcodec.pixels.metrics import psnr

    height, width = image.shape[:2]
    lines = [f"{'':<34}{'bytes':>8}{'bpp':>8}{'RGB PSNR':>12}"]
    for label, coded, decoded in (
        (f"JPEG, quality {quality}", SAME_QUALITY, SAME_QUALITY),
        ("JPEG, no larger than the .car", SAME_BYTES, SAME_BYTES),
        (f"carcodec, quality {quality}", CAR, DECODED),
    ):
        n_bytes = (folder / coded).stat().st_size
        quality_db = psnr(image, load_picture(folder / decoded).array)
        lines.append(f"{label:<34}{n_bytes:>8,}{8 * n_bytes / (width * height):>8.3f}{quality_db:>9.2f} dB")
    return "\n".join(lines)
