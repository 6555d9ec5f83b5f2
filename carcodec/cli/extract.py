"""`carcodec extract`: the JPEG in a `.car` file, bit for bit."""

from __future__ import annotations

import click

from carcodec import suffixes
from carcodec.cli import files
from carcodec.cli.options import talking, writing
from carcodec.cli.output import Console

KINDS = files.Kinds(reads=suffixes.CARS, writes=(".jpg", ".jpeg"))


@click.command("extract")
@click.argument("inputs", nargs=-1, required=True, metavar="IN [OUT]")
@writing
@click.option("--salvage", is_flag=True, help="From a damaged file, if the JPEG in it is whole.")
@talking
@click.pass_obj
def command(
    console: Console, inputs: tuple[str, ...], output: str | None, out_dir: str | None, force: bool, salvage: bool
) -> int:
    """Give back the JPEG in IN, bit for bit as it was stored.

    No network is needed, and none is loaded. Files of mode layered hold no JPEG.
    """
    jobs = files.plan(inputs, output, out_dir, KINDS)
    from carcodec import extract

    return files.run(jobs, lambda data, job: extract(data, salvage=salvage), console, force)
