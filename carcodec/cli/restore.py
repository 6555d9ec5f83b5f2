"""`carcodec restore`: any JPEG to a picture with fewer artifacts."""

from __future__ import annotations

from typing import Any

import click

from carcodec import suffixes
from carcodec.cli import files
from carcodec.cli.options import STRENGTH, computing, restoring, talking, writing
from carcodec.cli.output import Console
from carcodec.cli.pictures import CUT_OFF, WRITES, picture_bytes, picture_format

KINDS = files.Kinds(reads=suffixes.JPEGS, writes=WRITES)


@click.command("restore")
@click.argument("inputs", nargs=-1, required=True, metavar="IN [OUT]")
@writing
@click.option(
    "--strength",
    type=STRENGTH,
    metavar="S",
    help="0 (the plain JPEG) to 2; 1 is what the network says.  [default: 1, less for JPEGs of very high quality]",
)
@restoring
@computing
@talking
@click.pass_obj
def command(
    console: Console, /, inputs: tuple[str, ...], output: str | None, out_dir: str | None, force: bool, **options: Any
) -> int:
    """Remove the compression artifacts of the JPEG IN.

    IN may be a folder or a pattern, with --out-dir: sub-folders are kept. The ending of OUT chooses the format: .png,
    .webp (lossless), .tif, .bmp, .ppm or .pgm; a pipe gets PNG.
    """
    jobs = files.plan(inputs, output, out_dir, KINDS)
    from carcodec import restore
    from carcodec.jpeg.syntax import is_whole

    def work(data: bytes, job: files.Job) -> bytes:
        format = picture_format(job.target)
        restored = restore(data, **options)
        if not is_whole(data):
            console.warn(f"{job.source}: {CUT_OFF}")
        return picture_bytes(restored, format)

    return files.run(jobs, work, console, force)
