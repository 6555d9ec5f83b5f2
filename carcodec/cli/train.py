"""`carcodec train`: a network, by a committed recipe."""

from __future__ import annotations

from pathlib import Path

import click

from carcodec.cli.options import on_device, talking
from carcodec.errors import InputError, UsageError

RECIPES = Path(__file__).parent.parent / "train" / "recipes"


def _list(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    """Print the recipes with the comment that each begins with, and end."""
    if not value:
        return
    recipes = sorted(RECIPES.glob("*.toml"))
    width = max(len(recipe.stem) for recipe in recipes)
    for recipe in recipes:
        first = recipe.read_text("utf-8").partition("\n")[0]
        click.echo(f"{recipe.stem:<{width}}  {first.lstrip('# ')}")
    ctx.exit()


@click.command("train")
@click.argument("recipe", metavar="RECIPE")
@click.option(
    "--list",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_list,
    help="List the recipes that are built in.",
)
@click.option("--data-dir", type=click.Path(path_type=Path), required=True, help="Folder of photographs to learn from.")
@click.option(
    "--run-dir", type=click.Path(path_type=Path), required=True, help="Folder of the run: it goes on where it stands."
)
@click.option(
    "--start",
    "starts",
    multiple=True,
    metavar="[PART=]WEIGHTS",
    help="Checkpoint or shipped weights to begin from; PART is one of the recipe's networks. May be given again.",
)
@on_device
@talking
def command(recipe: str, data_dir: Path, run_dir: Path, starts: tuple[str, ...], device: str) -> None:
    """Train by RECIPE: the name of a built-in one, or a TOML file.

    A run that was stopped goes on from its last checkpoint. Several GPUs: torchrun -m carcodec train ...
    """
    path = Path(recipe) if recipe.endswith(".toml") else RECIPES / f"{recipe}.toml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in RECIPES.glob("*.toml")))
        raise UsageError(f"there is no recipe {recipe}; built in are {known}")
    if not data_dir.is_dir():
        raise InputError(f"there is no folder {data_dir} of photographs")
    from carcodec.runtime import Engine
    from carcodec.train.run import Start, train

    try:
        begin_from = [Start.parse(text) for text in starts]
    except FileNotFoundError as error:
        raise InputError(str(error)) from error
    try:
        train(path, data_dir, run_dir, Engine(device).device, begin_from)
    except ValueError as error:
        raise UsageError(f"{recipe}: {error}") from error
