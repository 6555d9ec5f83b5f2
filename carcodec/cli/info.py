"""`carcodec info`: what a `.car` file holds, and what each part costs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from carcodec.cli.options import talking
from carcodec.cli.output import Console, read_input
from carcodec.errors import CarError


@click.command("info")
@click.argument("inputs", nargs=-1, required=True, metavar="FILE...")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for programs.")
@click.option("--symbols", is_flag=True, help="Also decode the descriptors: their histogram and entropy.")
@talking
@click.pass_obj
def command(console: Console, inputs: tuple[str, ...], as_json: bool, symbols: bool) -> int:
    """Show what each FILE holds: mode, size, models, quality, and the bytes of every part.

    No network is needed, and none is loaded.
    """
    from carcodec import info

    codes = []
    for name in inputs:
        try:
            facts = info(read_input(name), symbols=symbols).as_dict()
        except CarError as error:
            console.error(f"{name}: {error}")
            codes.append(error.exit_code)
            continue
        if as_json:
            click.echo(json.dumps({"file": name} | facts))
        else:
            click.echo("\n".join((name, *_lines(facts, "  "))))
    return codes[0] if codes else 0


def _lines(facts: Mapping[str, Any], indent: str) -> Iterator[str]:
    """Names and values, one a line, the values of one level beneath each other."""
    width = max((len(name) for name in facts), default=0)
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
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(_words(item) for item in value)
    return str(value)
