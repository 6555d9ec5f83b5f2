"""`carcodec datasets`: the known sets, which are there, and where to get those that are not."""

from __future__ import annotations

import textwrap
from pathlib import Path

import click

from carcodec.cli.bench import DATA_VARIABLE, PATH
from carcodec.cli.options import talking
from carcodec.cli.output import Console
from carcodec.errors import CarError, InputError


@click.command("datasets")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--data-dir", envvar=DATA_VARIABLE, type=PATH, help=f"Where the sets stand; or {DATA_VARIABLE}.")
@talking
@click.pass_obj
def command(console: Console, /, names: tuple[str, ...], data_dir: Path | None) -> int:
    """List the known data sets: which are there, and where to get the others.

    Pictures are compared with the known SHA-256 of their pixels, so a set that was re-encoded or mixed up
    is found out. With NAMEs, only those; the exit code says whether all of them are there and right.
    """
    from carcodec.datasets.cards import card_ids, read_card

    code = 0
    for name in names or card_ids():
        card = read_card(name)
        try:
            state = _state(name, data_dir)
        except CarError as error:
            state = str(error)
            code = InputError.exit_code if names else 0
        click.echo(f"{card.id}: {card.title}; {card.licence}")
        click.echo(textwrap.indent(textwrap.fill(state, 98, break_long_words=False, break_on_hyphens=False), "  "))
    if data_dir is None:
        console.say(f"Known sets are looked for below --data-dir or {DATA_VARIABLE}.")
    return code


def _state(name: str, data_dir: Path | None) -> str:
    from carcodec.datasets.cards import open_dataset, read_card

    entries = open_dataset(name, data_dir)
    how = "pixels verified" if read_card(name).is_verifiable else "names found, pixels taken on trust"
    return f"there: {len(entries)} pictures in {entries[0].path.parent}, {how}"
