"""`carcodec segment`: the segments that the decoder of a layered file sees, which cost no bits."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import click

from carcodec.cli.options import computing, talking
from carcodec.cli.output import PIPE, Console, check_output, read_input, write_output
from carcodec.errors import UsageError

if TYPE_CHECKING:
    from PIL import Image

    from carcodec import Segments

OPACITY = 0.5  # of the colours over the picture


@click.command("segment")
@click.argument("input", metavar="IN")
@click.option("-o", "--output", metavar="OUT.png", required=True, help="Output file, or - for standard output.")
@click.option("-f", "--force", is_flag=True, help="Overwrite the output if it exists.")
@click.option("--overlay", is_flag=True, help="The classes' colours over the base picture, not the map alone.")
@computing
@talking
@click.pass_obj
def command(console: Console, /, input: str, output: str, force: bool, overlay: bool, **options: Any) -> None:
    """Write the map of classes that guides the decoder of IN, a file of mode layered.

    The map is a palette PNG whose samples are numbers of classes. The classes that occur are listed on standard
    output with their share of the pixels, unless OUT is a pipe.
    """
    if not output.lower().endswith(".png") and output != PIPE:
        raise UsageError(f"segments are written as PNG, which {output!r} does not name")
    check_output(output, force)
    data = read_input(input)
    from carcodec import segment

    segments = segment(data, **options)
    picture = _overlay(data, segments, options) if overlay else _palette_picture(segments)
    write_output(output, _png(picture), force)
    if output != PIPE:
        click.echo("\n".join(_legend(segments)))


def _png(picture: Image.Image) -> bytes:
    target = io.BytesIO()
    picture.save(target, "PNG", optimize=True)
    return target.getvalue()


def _palette_picture(segments: Segments) -> Image.Image:
    from PIL import Image

    picture = Image.fromarray(segments.labels)
    picture.putpalette([level for colour in segments.colours for level in colour])
    return picture


def _overlay(data: bytes, segments: Segments, options: dict[str, Any]) -> Image.Image:
    from PIL import Image

    from carcodec import decode

    base = decode(data, layer="base", **options).convert("RGB")
    return Image.blend(base, _palette_picture(segments).convert("RGB"), OPACITY)


def _legend(segments: Segments) -> list[str]:
    """Number, name, colour and share of each class that occurs, the most frequent first."""
    import numpy as np

    counts = np.bincount(segments.labels.ravel(), minlength=len(segments.classes))
    width = max(map(len, segments.classes))
    return [
        f"{number:>3}  {segments.classes[number]:<{width}}  #{bytes(segments.colours[number]).hex()}"
        f"  {100 * counts[number] / counts.sum():5.1f} %"
        for number in np.argsort(-counts, kind="stable").tolist()
        if counts[number]
    ]
