"""`carcodec decode`: `.car` files to pictures."""

from __future__ import annotations

from typing import Any

import click

from carcodec import suffixes
from carcodec.cli import files
from carcodec.cli.options import STRENGTH, computing, restoring, talking, writing
from carcodec.cli.output import Console
from carcodec.cli.pictures import WRITES, picture_bytes, picture_format

KINDS = files.Kinds(reads=suffixes.CARS, writes=WRITES)


@click.command("decode")
@click.argument("inputs", nargs=-1, required=True, metavar="IN [OUT]")
@writing
@click.option(
    "--strength",
    type=STRENGTH,
    metavar="S",
    help="Of the restoration: 0 (the plain JPEG) to 2.  [default: as the encoder found best]",
)
@click.option(
    "--layer",
    type=click.Choice(["full", "base", "compact"]),
    default="full",
    show_default=True,
    help="Of mode layered: all, what the networks predict, or the small picture that they predict it from.",
)
@click.option("--salvage", is_flag=True, help="Of a damaged file, decode what is whole.")
@restoring
@computing
@talking
@click.pass_obj
def command(
    console: Console,
    /,
    inputs: tuple[str, ...],
    output: str | None,
    out_dir: str | None,
    force: bool,
    salvage: bool,
    **options: Any,
) -> int:
    """Decode the picture in IN, restored where it is a JPEG.

    The ending of OUT chooses the format: .png, .webp (lossless), .tif, .bmp, .ppm or .pgm; a pipe gets PNG. Several
    inputs, folders and patterns need --out-dir.
    """
    jobs = files.plan(inputs, output, out_dir, KINDS)
    from carcodec import decode
    from carcodec.api import salvaged

    def work(data: bytes, job: files.Job) -> bytes:
        format = picture_format(job.target)
        picture, problems = salvaged(data, **options) if salvage else (decode(data, **options), [])
        for problem in problems:
            console.warn(f"{job.source}: {problem}")
        return picture_bytes(picture, format)

    return files.run(jobs, work, console, force)
