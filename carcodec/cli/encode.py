"""`carcodec encode`: pictures to `.car` files."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from carcodec import suffixes
from carcodec.cli import files
from carcodec.cli.options import computing, talking, writing
from carcodec.cli.output import Console
from carcodec.cli.pictures import CUT_OFF
from carcodec.container.payloads import MAX_ERROR
from carcodec.errors import UsageError

if TYPE_CHECKING:
    from carcodec.pixels.io import Picture

KINDS = files.Kinds(reads=suffixes.PICTURES, writes=suffixes.CARS)
TARGETS = {"target_bpp": "bpp", "target_size": "size", "target_psnr": "psnr"}
POSITIVE = click.FloatRange(0, min_open=True)


def _choice(name: str, values: list[str], help: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """An option with a few values, the first of them the default."""
    return click.option(name, type=click.Choice(values), default=values[0], show_default=True, help=help)


@click.command("encode")
@click.argument("inputs", nargs=-1, required=True, metavar="IN [OUT]")
@writing
@click.option(
    "-q",
    "--quality",
    type=click.IntRange(1, 100),
    help="Of the JPEG inside, or of the layers. Without it a JPEG is kept as it is, and other pictures get 75.",
)
@click.option("--target-bpp", type=POSITIVE, metavar="BPP", help="At most so many bits a pixel.")
@click.option("--target-size", type=click.IntRange(min=1), metavar="BYTES", help="At most so many bytes.")
@click.option("--target-psnr", type=POSITIVE, metavar="DB", help="At least this RGB PSNR when decoded.")
@_choice("--mode", ["side", "blind", "layered"], "A JPEG with side information, or with none; or layers and no JPEG.")
@click.option("--lossless", is_flag=True, help="Mode layered: the very same pixels come out.")
@click.option(
    "--max-error",
    type=click.IntRange(1, MAX_ERROR),
    metavar="N",
    help="Mode layered, near-lossless: no sample is off by more than N levels.",
)
@_choice("--side", ["auto", "on", "off"], "Side information: where it earns its bytes, always, never.")
@_choice("--tables", ["psnr", "standard"], "Quantization tables of the JPEG.")
@_choice("--sampling", ["4:2:0", "4:2:2", "4:4:4"], "Chroma sampling of the JPEG.")
@_choice("--effort", ["default", "fast"], "How long to look for the best side information.")
@click.option(
    "--scale",
    type=click.Choice(["8", "16", "32"]),
    callback=lambda _, __, value: value and int(value),
    help="Mode layered: of the compact picture, in place of what costs least (lossless: 32); 8 is the largest.",
)
@click.option("--background", metavar="COLOUR", help="Lay transparent pictures on a colour: a name, or #rrggbb.")
@computing
@talking
@click.pass_obj
def command(
    console: Console, /, inputs: tuple[str, ...], output: str | None, out_dir: str | None, force: bool, **options: Any
) -> int:
    """Make a .car file from the picture IN.

    A JPEG is carried with its bits as they are, unless -q or a target asks for a new one; `carcodec extract` gives
    it back. Mode layered codes pixels, a JPEG's as well. Several inputs, folders and patterns need --out-dir. IN and
    OUT may be - for a pipe.
    """
    jobs = files.plan(inputs, output, out_dir, KINDS)
    from carcodec.jpeg.syntax import is_whole
    from carcodec.pixels.io import load_picture

    encode = _encoder(options)
    unused = _unused_when_carried()

    def work(data: bytes, job: files.Job) -> bytes:
        picture = load_picture(data, background=options["background"])
        for note in picture.notes:
            console.warn(f"{job.source}: {note}")
        if picture.jpeg and not is_whole(picture.jpeg):
            console.warn(f"{job.source}: {CUT_OFF}")
        if picture.jpeg and unused:
            console.warn(
                f"{job.source}: {', '.join(unused)} without effect on a JPEG that is kept as it is; -q makes a new one"
            )
        coded = encode(picture)
        console.detail(f"{job.source}: {len(data):,} bytes -> {job.target}: {len(coded):,} bytes")
        return coded

    return files.run(jobs, work, console, force)


def _unused_when_carried() -> list[str]:
    """Options given that a JPEG kept as it is has no use for; none where the call asks for a new JPEG."""
    context = click.get_current_context()

    def given(name: str) -> bool:
        return context.get_parameter_source(name) is ParameterSource.COMMANDLINE

    if context.params["mode"] == "layered" or any(given(name) for name in ("quality", *TARGETS)):
        return []
    return [f"--{name}" for name in ("tables", "sampling", "effort") if given(name)]


def _encoder(options: dict[str, Any]) -> Callable[[Picture], bytes]:
    """The function from a picture to a file that the options ask for."""
    targets = {name: value for option, name in TARGETS.items() if (value := options.pop(option)) is not None}
    if len(targets) + (options["quality"] is not None) > 1:
        raise UsageError("only one of -q, --target-bpp, --target-size and --target-psnr at a time")
    if targets and (options["lossless"] or options["max_error"]):
        raise UsageError("a target is met by quality, and lossless and near-lossless files have none")
    if targets:
        from carcodec import encode_to_target

        del options["quality"]
        return lambda image: encode_to_target(image, **targets, **options)
    from carcodec import encode

    return lambda image: encode(image, **options)
