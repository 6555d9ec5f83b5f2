"""`carcodec verify`: are these files whole, and do they decode?"""

from __future__ import annotations

import click

from carcodec.cli.options import computing, talking
from carcodec.cli.output import Console, read_input
from carcodec.errors import CarError


@click.command("verify")
@click.argument("inputs", nargs=-1, required=True, metavar="FILE...")
@computing
@talking
@click.pass_obj
def command(console: Console, inputs: tuple[str, ...], device: str, threads: int | None) -> int:
    """Check that each FILE is whole: checksums, the packed JPEG and symbols or the layers' pixels, the models it names.

    Nothing is written; with --verbose each check that passed is named.
    """
    from carcodec import verify

    codes = []
    for name in console.progress(inputs):
        try:
            checks = verify(read_input(name), device=device, threads=threads)
        except CarError as error:
            console.error(f"{name}: {error}")
            codes.append(error.exit_code)
            continue
        console.say(f"{name}: ok, {len(checks)} checks")
        for check in checks:
            console.detail(f"  {check}")
    return codes[0] if codes else 0
