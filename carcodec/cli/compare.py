"""`carcodec compare`: how far two pictures are from each other, in numbers and as a picture."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import click

from carcodec.cli.options import talking
from carcodec.cli.output import Console, check_output, read_input, write_output
from carcodec.errors import CarError, UsageError
from carcodec.ids import SIGNATURE

if TYPE_CHECKING:
    from carcodec.pixels import Image
    from carcodec.pixels.io import Picture


@click.command("compare")
@click.argument("reference", metavar="REFERENCE")
@click.argument("picture", metavar="PICTURE")
@click.option("--heatmap", metavar="OUT.png", help="Write a picture of the difference: black none, yellow most.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for programs.")
@click.option("-f", "--force", is_flag=True, help="Overwrite the heat map if it exists.")
@talking
@click.pass_obj
def command(console: Console, /, reference: str, picture: str, heatmap: str | None, as_json: bool, force: bool) -> None:
    """Measure PICTURE against REFERENCE; both may be pictures or .car files.

    RGB PSNR is over all samples; luma is Y of JFIF; SSIM and MS-SSIM are means over RGB, and need sides
    of 11 and 176 pixels; SSIMULACRA2 needs the package of that name.
    """
    from carcodec.pixels.io import format_of
    from carcodec.pixels.metrics import score

    if heatmap:
        format_of(heatmap)
        check_output(heatmap, force)
    first, second = _load(console, reference), _load(console, picture)
    if first.shape != second.shape:
        sizes = " and ".join(f"{p.shape[1]}x{p.shape[0]} {'gray' if p.ndim == 2 else 'RGB'}" for p in (first, second))
        raise UsageError(f"pictures of different kinds cannot be compared: {sizes}")
    scores = vars(score(first, second))
    if as_json:
        finite = {name: value if math.isfinite(value) else str(value) for name, value in scores.items()}
        click.echo(json.dumps({name: value for name, value in finite.items() if value != "nan"}))
    else:
        click.echo("\n".join(_lines(scores)))
    if heatmap:
        _write_heatmap(console, first, second, heatmap, force)


def _load(console: Console, name: str) -> Image:
    try:
        picture = _picture(read_input(name))
    except CarError as error:
        raise type(error)(f"{name}: {error}") from error
    for note in picture.notes:
        console.warn(f"{name}: {note}")
    return picture.array


def _picture(data: bytes) -> Picture:
    from carcodec.pixels.io import load_picture

    if not data.startswith(SIGNATURE):
        return load_picture(data)
    from carcodec import decode

    return load_picture(decode(data))


def _lines(scores: dict[str, float]) -> list[str]:
    from carcodec.report.curves import METRICS
    from carcodec.report.tables import DECIMALS

    known = [name for name in METRICS if not math.isnan(scores[name])]
    width = max(len(label) for label in ("greatest error", *(METRICS[name] for name in known)))
    lines = [f"{METRICS[name]:<{width}}  {scores[name]:.{DECIMALS[name]}f}" for name in known]
    return [*lines, f"{'greatest error':<{width}}  {scores['max_error']}"]


def _write_heatmap(console: Console, first: Image, second: Image, name: str, force: bool) -> None:
    from PIL import Image as PillowImage

    from carcodec.cli.pictures import picture_bytes
    from carcodec.pixels.io import format_of
    from carcodec.report.heatmap import heatmap

    picture, full_scale = heatmap(first, second)
    write_output(name, picture_bytes(PillowImage.fromarray(picture), format_of(name)), force)
    console.say(f"{name}: the brightest colour is a difference of {full_scale} levels or more")
