"""`carcodec restore`: any JPEG to a picture with fewer artifacts."""

from __future__ import annotations

import click

from carcodec.cli import files
from carcodec.cli.options import computing, talking, writing
from carcodec.cli.output import Console
from carcodec.cli.pictures import LOSSLESS, picture_bytes, picture_format

KINDS = files.Kinds(reads=files.JPEGS, writes=tuple(LOSSLESS))


@click.command("restore")
@click.argument("inputs", nargs=-1, required=True, metavar="IN [OUT]")
@writing
@click.option("--strength", type=click.FloatRange(0, 2), default=1.0, show_default=True, metavar="0..2", help="Restore less; 0 is the plain JPEG.")
@computing
@talking
@click.pass_obj
def command(
    console: Console,
    inputs: tuple[str, ...],
    output: str | None,
    out_dir: str | None,
    force: bool,
    strength: float,
    device: str,
    threads: int | None,
) -> int:
    """Remove the compression artifacts of the JPEG IN.

    IN may be a folder or a pattern, with --out-dir: sub-folders are kept. The ending of OUT chooses the format:
    .png, .webp (lossless), .tif, .bmp, .ppm or .pgm; a pipe gets PNG.
    """
    from carcodec import restore

    def work(data: bytes, job: files.Job) -> bytes:
        kind = picture_format(job.target)
        return picture_bytes(restore(data, strength=strength, device=device, threads=threads), kind)

    return files.run(files.plan(inputs, output, out_dir, KINDS), work, console, force)
