"""`carcodec demo`: the main job on a sample, beside what plain JPEG makes of the same picture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from carcodec.cli.options import computing, talking
from carcodec.cli.output import Console, check_output, write_output
from carcodec.cli.pictures import picture_bytes

if TYPE_CHECKING:
    from carcodec.ports import Image

SAMPLE = "coffee.png"
FOLDER = "carcodec-demo"


@dataclass(frozen=True)
class Result:
    """One line of the table."""

    label: str
    n_bytes: int
    pixels: Image


@click.command("demo")
@click.option("-o", "--out-dir", default=FOLDER, show_default=True, metavar="FOLDER", help="Where the pictures go.")
@click.option("-q", "--quality", type=click.IntRange(1, 99), default=20, show_default=True, help="JPEG quality.")
@computing
@talking
@click.pass_obj
def command(console: Console, out_dir: str, quality: int, device: str, threads: int | None) -> None:
    """Encode a sample picture, decode it, and compare it with plain JPEG.

    The table has a JPEG of the same quality number and the best JPEG that is not larger than the .car file. The
    pictures stay in FOLDER, to be looked at; files of an earlier demo are overwritten.
    """
    import numpy as np

    from carcodec import decode, encode
    from carcodec.datasets.samples import sample_path
    from carcodec.pixels.io import load_picture

    original = sample_path(SAMPLE).read_bytes()
    image = load_picture(original).array
    coded = encode(original, quality=quality, device=device, threads=threads)
    restored = decode(coded, device=device, threads=threads)
    same_quality = _jpeg(image, quality)
    same_bytes = _best_jpeg_within(image, len(coded))
    outputs = {
        "original.png": original,
        "jpeg-same-quality.jpg": same_quality,
        "jpeg-same-bytes.jpg": same_bytes,
        "sample.car": coded,
        "decoded.png": picture_bytes(restored, ".png"),
    }
    Path(out_dir).mkdir(parents=True, exist_ok=True)
    for name, data in outputs.items():
        write_output(str(Path(out_dir, name)), data, force=True)
