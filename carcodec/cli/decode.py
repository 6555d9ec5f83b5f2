"""`carcodec decode`: `.car` files to pictures."""

from __future__ import annotations

import click

from carcodec.cli import files
from carcodec.cli.options import computing, talking, writing
from carcodec.cli.output import Console
from carcodec.cli.pictures import LOSSLESS, picture_bytes, picture_format

KINDS = files.Kinds(reads=files.CARS, writes=tuple(LOSSLESS))


@click.command("decode")
@click.argument("inputs", nargs=-1, required=True, metavar="IN [OUT]")
@writing
@click.option("--strength", type=click.FloatRange(0, 2), metavar="0..2", help="Restore less (0: the plain JPEG)  [default: as the encoder chose]")
@click.option("--salvage", is_flag=True, help="Decode what is whole in a damaged file.")
@computing
@talking
@click.pass_obj
def command(
    console: Console,
    inputs: tuple[str, ...],
    output: str | None,
    out_dir: str | None,
    force: bool,
    strength: float | None,
    salvage: bool,
    device: str,
    threads: int | None,
) -> int:
    """Restore the picture in IN.

    The ending of OUT chooses the format: .png, .webp (lossless), .tif, .bmp, .ppm or .pgm; a pipe gets PNG.
    """
    from carcodec import decode

    def work(data: bytes, job: files.Job) -> bytes:
        kind = picture_format(job.target)
        picture = decode(data, strength=strength, salvage=salvage, device=device, threads=threads)
        return picture_bytes(picture, kind)

    return files.run(files.plan(inputs, output, out_dir, KINDS), work, console, force)
