"""`carcodec stages`: how long encoding and decoding take, stage by stage."""

from __future__ import annotations

import json
import math
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from carcodec.cli.options import computing, talking
from carcodec.cli.output import Console, read_input

if TYPE_CHECKING:
    from carcodec.bench.stages import Cost
    from carcodec.ports import Image

MS = 1e3  # in a second
PROCESS_REPEATS = 3  # of whole processes, most of whose time is the loading of torch


@dataclass(frozen=True)
class Measured:
    """What the command tells: facts by name, seconds by stage, costs of whole processes."""

    facts: dict[str, Any]
    encode_s: dict[str, float]
    decode_s: dict[str, float]
    processes: dict[str, Cost]


@click.command("stages")
@click.argument("image", required=False, metavar="[IMAGE]")
@click.option("-q", "--quality", type=click.IntRange(1, 100), default=20, show_default=True, help="JPEG quality.")
@click.option("--repeats", type=click.IntRange(min=1), default=5, show_default=True, help="The median run is shown.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for programs.")
@computing
@talking
@click.pass_obj
def command(
    console: Console,
    /,
    image: str | None,
    quality: int,
    repeats: int,
    as_json: bool,
    device: str,
    threads: int | None,
) -> None:
    """Measure where the time goes when IMAGE is encoded and decoded; without IMAGE, a sample of 768x512 pixels.

    Two tables: the stages within a warm process (side information forced on, which is the most work), and
    whole processes with their peak memory.
    """
    from carcodec.bench.machine import is_busy
    from carcodec.bench.stages import sample_picture
    from carcodec.pixels.io import load_picture

    if is_busy():
        console.warn("the machine is busy with something else: these times are too long")
    pixels = load_picture(read_input(image)).array if image else sample_picture()
    measured = _measure(pixels, {"quality": quality, "repeats": repeats, "device": device, "threads": threads})
    if as_json:
        click.echo(_json(measured))
    else:
        click.echo(_words(measured))


def _measure(pixels: Image, asked: dict[str, Any]) -> Measured:
    from carcodec import decode, encode, info
    from carcodec.bench.machine import machine_name
    from carcodec.bench.stages import median_split
    from carcodec.descriptor.grid import grid_size
    from carcodec.runtime import Engine

    place = {"device": asked["device"], "threads": asked["threads"]}
    processes = _processes(pixels, asked)

    def encoded() -> bytes:
        return encode(pixels, quality=asked["quality"], side="on", **place)

    data = encoded()
    decode(data, **place)
    engine = Engine(asked["device"], asked["threads"])
    contents = info(data)
    facts = {
        "width_px": contents.width,
        "height_px": contents.height,
        "sites": list(grid_size(contents.height, contents.width)),
        "quality": asked["quality"],
        "total_bytes": contents.total_bytes,
        "descriptor_bytes": contents.descriptor_bytes,
        "machine": machine_name(),
        "device": engine.device.type,
        "threads": engine.threads,
        "precision": engine.precision,
        "repeats": asked["repeats"],
    }
    encode_s = median_split(encoded, asked["repeats"])
    return Measured(facts, encode_s, median_split(lambda: decode(data, **place), asked["repeats"]), processes)


def _processes(pixels: Image, asked: dict[str, Any]) -> dict[str, Cost]:
    from carcodec.bench.stages import median_cost
    from carcodec.pixels.io import save_picture

    place = ["--device", asked["device"], *(["-j", str(asked["threads"])] if asked["threads"] else [])]
    with tempfile.TemporaryDirectory() as folder:
        original, coded, decoded = (str(Path(folder, name)) for name in ("in.png", "coded.car", "out.png"))
        save_picture(original, pixels)
        commands = {
            "encode": ["encode", original, "-o", coded, "-q", str(asked["quality"]), "--side", "on", "--force", *place],
            "decode": ["decode", coded, "-o", decoded, "--force", *place],
            "extract": ["extract", coded, "-o", str(Path(folder, "base.jpg")), "--force"],
        }
        return {name: median_cost(arguments, PROCESS_REPEATS) for name, arguments in commands.items()}


def _json(measured: Measured) -> str:
    object = asdict(measured)
    for cost in object["processes"].values():
        if math.isnan(cost["peak_mib"]):
            cost["peak_mib"] = None  # JSON has no nan
    return json.dumps(object)


def _words(measured: Measured) -> str:
    from carcodec.bench.stages import REST, STAGES
    from carcodec.report.tables import NOTHING, Table, number

    facts = measured.facts
    rows, columns = facts["sites"]
    head = (
        f"{facts['width_px']}x{facts['height_px']} pixels, {columns}x{rows} sites, quality {facts['quality']}: "
        f"{facts['total_bytes']:,} bytes, {facts['descriptor_bytes']} of them symbols.\n"
        f"{facts['machine']}; {facts['device']}, {facts['threads']} threads, {facts['precision']}; "
        f"median run of {facts['repeats']}, warm."
    )

    def cells(name: str, encode_s: float | None, decode_s: float | None) -> tuple[str, ...]:
        return (name, *(NOTHING if s is None else f"{MS * s:.1f}" for s in (encode_s, decode_s)))

    encode_s, decode_s = measured.encode_s, measured.decode_s
    stages = [cells(name, encode_s.get(name), decode_s.get(name)) for name in (*STAGES, REST)]
    whole = cells("whole", sum(encode_s.values()), sum(decode_s.values()))
    processes = [(name, number(cost.seconds, 2), number(cost.peak_mib, 0)) for name, cost in measured.processes.items()]
    tables = (
        Table(("stage", "encode, ms", "decode, ms"), (*stages, whole)),
        Table(("whole process", "seconds", "peak MiB"), tuple(processes)),
    )
    return "\n\n".join((head, *(table.markdown() for table in tables)))
