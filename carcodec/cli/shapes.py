"""`carcodec shapes`: what the restorer costs, beside networks of published shapes."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from carcodec.cli.options import computing, talking
from carcodec.cli.output import Console, read_input

if TYPE_CHECKING:
    from carcodec.bench.shapes import Shape

MS = 1e3  # in a second
MILLION = 1e6


@click.command("shapes")
@click.argument("image", required=False, metavar="[IMAGE]")
@click.option("--repeats", type=click.IntRange(min=1), default=5, show_default=True, help="The median run is shown.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for programs.")
@computing
@talking
@click.pass_obj
def command(
    console: Console, /, image: str | None, repeats: int, as_json: bool, device: str, threads: int | None
) -> None:
    """Measure what restoring IMAGE costs, beside untrained networks of published shapes.

    Without IMAGE, a sample of 768x512 pixels. Warm, in one process, by turns.
    """
    from carcodec.bench.machine import is_busy, machine_name
    from carcodec.bench.shapes import measure_shapes
    from carcodec.bench.stages import sample_picture
    from carcodec.pixels.io import load_picture
    from carcodec.runtime import Engine

    if is_busy():
        console.warn("the machine is busy with something else: these times are too long")
    pixels = load_picture(read_input(image), background="white").array if image else sample_picture()
    engine = Engine(device, threads)
    shapes = measure_shapes(pixels, engine, repeats)
    facts = {
        "width_px": pixels.shape[1],
        "height_px": pixels.shape[0],
        "machine": machine_name(),
        "device": engine.device.type,
        "threads": engine.threads,
        "precision": engine.precision,
        "repeats": repeats,
    }
    if as_json:
        click.echo(json.dumps({"facts": facts, "networks": [asdict(shape) for shape in shapes]}))
    else:
        click.echo(_words(facts, shapes))


def _words(facts: dict[str, Any], shapes: list[Shape]) -> str:
    from carcodec.report.tables import Table

    head = (
        f"{facts['width_px']}x{facts['height_px']} pixels; {facts['machine']}; {facts['device']}, "
        f"{facts['threads']} threads, {facts['precision']}; median run of {facts['repeats']}, warm."
    )

    def cells(shape: Shape) -> tuple[str, ...]:
        counts = (f"{count / MILLION:.2f} M" for count in (shape.weights, shape.macs))
        return (shape.title, *counts, f"{MS * shape.seconds:.0f}", f"{shape.seconds / shapes[0].seconds:.1f}")

    columns = ("network", "weights", "multiply-accumulates a pixel", "ms", "times ours")
    return f"{head}\n\n{Table(columns, tuple(map(cells, shapes))).markdown()}"
