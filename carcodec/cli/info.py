"""`carcodec info`: what a `.car` file holds, and what each part costs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from carcodec.cli.files import matching
from carcodec.cli.options import talking
from carcodec.cli.output import Console, read_input
from carcodec.errors import UnsupportedError, UsageError

if TYPE_CHECKING:
    from carcodec.jpeg.syntax import JpegHeader
    from carcodec.jpeg.tables import Table

OF_JPEGS = {"packing", "packed_jpeg_bytes", "descriptor_bytes", "strength", "restorer", "context_model"}
OF_JPEGS |= {"jpeg", "symbols"}
SAMPLING = {(1, 1): "4:4:4", (2, 1): "4:2:2", (2, 2): "4:2:0"}


@click.command("info")
@click.argument("inputs", nargs=-1, required=True, metavar="FILE...")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for programs.")
@click.option("--symbols", is_flag=True, help="Also decode the descriptor: its histogram and entropy.")
@talking
@click.pass_obj
def command(console: Console, inputs: tuple[str, ...], as_json: bool, symbols: bool) -> int:
    """Show what each FILE holds: mode, size, models, quality, and the bytes of every part or layer.

    No network is needed, and none is loaded.
    """
    codes = []
    for name in matching(inputs):
        try:
            facts = _facts(read_input(name), symbols)
        except Exception as error:
            codes.append(console.failure(error, name))
            continue
        if as_json:
            click.echo(json.dumps({"file": name} | facts))
        else:
            click.echo("\n".join((click.format_filename(name), *_lines(_told(facts), "  "))))
    return codes[0] if codes else 0


def _facts(data: bytes, symbols: bool) -> dict[str, Any]:
    from carcodec import info

    facts = info(data).as_dict() | {"jpeg": _jpeg_facts(data)}
    return facts | {"symbols": _symbol_facts(data)} if symbols else facts


def _jpeg_facts(data: bytes) -> dict[str, Any] | None:
    """Of the JPEG inside; None where there is none, or its packer is not installed."""
    from carcodec import extract
    from carcodec.jpeg.syntax import read_header

    try:
        jpeg = extract(data)
    except (UnsupportedError, UsageError):
        return None
    header = read_header(jpeg)
    return {
        "bytes": len(jpeg),
        "coding": "progressive" if header.progressive else "baseline",
        "sampling": SAMPLING.get(header.sampling, str(header.sampling)) if header.components > 1 else None,
        "standard_quality": _standard_quality(header),
        "luma_steps": _step_facts(header.luma_table),
        "chroma_steps": None if header.chroma_table is None else _step_facts(header.chroma_table),
    }


def _standard_quality(header: JpegHeader) -> int | None:
    """The quality 1..100 whose standard tables the JPEG has, None if it has others."""
    import numpy as np

    from carcodec.jpeg.tables import quantization_tables

    for quality in range(1, 101):
        luma, chroma = quantization_tables(quality)
        if np.array_equal(luma, header.luma_table) and (
            header.chroma_table is None or np.array_equal(chroma, header.chroma_table)
        ):
            return quality
    return None


def _step_facts(table: Table) -> dict[str, float]:
    return {"least": int(table.min()), "mean": round(float(table.mean()), 2), "largest": int(table.max())}


def _symbol_facts(data: bytes) -> dict[str, Any] | None:
    from carcodec.api import symbols
    from carcodec.descriptor.grid import entropy, histogram

    grid = symbols(data)
    if grid is None:
        return None
    return {
        "sites": grid.size,
        "histogram": histogram(grid).tolist(),
        "entropy_bits_per_site": round(entropy(grid), 4),
    }


def _told(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What people are told: of layers or of a JPEG, whichever the file holds."""
    if not facts["layers"]:
        return {name: value for name, value in facts.items() if name != "layers"}
    layers = {
        name: {fact: value for fact, value in layer.items() if value not in (None, ())}
        for name, layer in facts["layers"].items()
    }
    return {name: value for name, value in facts.items() if name not in OF_JPEGS} | {"layers": layers}


def _lines(facts: Mapping[str, Any], indent: str) -> Iterator[str]:
    """Names and values, one a line, the values of one level beneath each other."""
    width = max(len(name) for name in facts)
    for name, value in facts.items():
        label = name.replace("_", " ")
        if isinstance(value, Mapping):
            yield f"{indent}{label}"
            yield from _lines(value, indent + "  ")
        else:
            yield f"{indent}{label:<{width}}  {_words(value)}"


def _words(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return " ".join(map(_words, value))
    return str(value)
