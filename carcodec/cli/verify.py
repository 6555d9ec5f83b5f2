"""`carcodec verify`: are these files whole, and do they decode?"""

from __future__ import annotations

import click

from carcodec.cli.files import matching
from carcodec.cli.options import computing, talking
from carcodec.cli.output import Console, read_input


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
    for name in console.progress(matching(inputs)):
        try:
            checks = verify(read_input(name), device=device, threads=threads)
        except Exception as error:
            codes.append(console.failure(error, name))
            continue
        console.say(f"{name}: ok, {len(checks)} checks")
        for check in checks:
            console.detail(f"  {check}")
    return codes[0] if codes else 0
