"""Options that several commands share, so that they are spelt and explained alike."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

import click

from carcodec.cli.output import Console

Command = TypeVar("Command", bound=Callable[..., Any])
STRENGTH = click.FloatRange(0, 2)  # of a restoration, as `api.decode` and `api.restore` take it


def _tell(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    """Store --quiet or --verbose in the console that the group made."""
    if value and parameter.name:
        setattr(ctx.ensure_object(Console), parameter.name, True)


_QUIET = click.option("--quiet", is_flag=True, expose_value=False, callback=_tell, help="Errors only.")
_VERBOSE = click.option(
    "-v", "--verbose", is_flag=True, expose_value=False, callback=_tell, help="More words; tracebacks of defects."
)


def talking(command: Command) -> Command:
    """--quiet and --verbose; they act on the `Console` of the context and are not passed on."""
    return _QUIET(_VERBOSE(command))


def restoring(command: Command) -> Command:
    """--effort of a restoration, passed on as `effort`."""
    return click.option(
        "--effort",
        type=click.Choice(["default", "best"]),
        default="default",
        show_default=True,
        help="Of the restoration: best takes four times the time for about 0.1 dB.",
    )(command)


def on_device(command: Command) -> Command:
    """--device, passed on as `device`."""
    return click.option(
        "--device",
        type=click.Choice(["auto", "cpu", "cuda", "mps"]),
        default="auto",
        show_default=True,
        help="Where the networks run; those of mode layered always on the CPU.",
    )(command)


def computing(command: Command) -> Command:
    """--device and --threads, passed on as `device` and `threads`; the process makes itself ready for networks."""

    @functools.wraps(command)
    def ready(*args: Any, **options: Any) -> Any:
        from carcodec.runtime import keep_freed_memory

        keep_freed_memory()
        return command(*args, **options)

    threads = click.option(
        "-j",
        "--threads",
        type=click.IntRange(min=1),
        metavar="N",
        help="CPU threads.  [default: OMP_NUM_THREADS, else all cores]",
    )
    return cast(Command, on_device(threads(ready)))


def writing(command: Command) -> Command:
    """-o, --out-dir and --force, passed on as `output`, `out_dir` and `force`."""
    output = click.option("-o", "--output", metavar="OUT", help="Output file, or - for standard output.")
    out_dir = click.option("--out-dir", metavar="FOLDER", help="Folder for the outputs of several inputs.")
    force = click.option("-f", "--force", is_flag=True, help="Overwrite outputs that exist.")
    return output(out_dir(force(command)))
