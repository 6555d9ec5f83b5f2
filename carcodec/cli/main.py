"""The command `carcodec`: a table of commands, loaded when called, and one place where errors end.

Adding a command is a module in `carcodec.cli` with an attribute `command`, and a line in `COMMANDS`.
"""

from __future__ import annotations

import importlib
import signal
import sys
from types import FrameType

import click

from carcodec import __version__
from carcodec.cli.output import Console, close_stdout
from carcodec.errors import OutputError

COMMANDS = {
    "encode": ("carcodec.cli.encode", "Make a .car file from a picture, or from a JPEG as it is."),
    "decode": ("carcodec.cli.decode", "Decode the picture of a .car file."),
    "extract": ("carcodec.cli.extract", "Give back the JPEG in a .car file, bit for bit."),
    "info": ("carcodec.cli.info", "Show what a .car file holds, and what each part costs."),
    "verify": ("carcodec.cli.verify", "Check that .car files are whole and decode."),
    "segment": ("carcodec.cli.segment", "Show the segments that guide the decoder of a layered file."),
    "restore": ("carcodec.cli.restore", "Remove the artifacts of any JPEG; folders and globs too."),
    "demo": ("carcodec.cli.demo", "Encode and decode a sample, and compare it with plain JPEG."),
    "compare": ("carcodec.cli.compare", "Measure the difference between two pictures."),
    "bench": ("carcodec.cli.bench", "Measure codecs on a data set."),
    "stages": ("carcodec.cli.stages", "Measure where encoding and decoding spend their time."),
    "shapes": ("carcodec.cli.shapes", "Measure what restoring costs, beside networks of published shapes."),
    "report": ("carcodec.cli.report", "Turn measured rows into tables, curves and a page."),
    "datasets": ("carcodec.cli.datasets", "List the known data sets, and where they are looked for."),
    "train": ("carcodec.cli.train", "Train a network by a recipe."),
}

EPILOG = """
\b
Exit codes:
  0  done                           5  made for a newer version
  1  unforeseen error               6  the model it names is missing
  2  wrong options or arguments     7  over a limit
  3  input cannot be read           8  verification failed
  4  not a .car file, or damaged    9  output exists, or cannot be written
                                  130  interrupted (Ctrl-C)

With several inputs, the first failure gives the code, and the rest is done all the same.
"""

INTERRUPTED = 130


class LazyGroup(click.Group):
    """A group that imports a command only when that command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(COMMANDS[cmd_name][0]).command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> object:
        # Before click sees it: a broken pipe would end the program without a word.
        try:
            result: object = super().invoke(ctx)
            if sys.stdout is not None:
                sys.stdout.flush()
        except OSError as error:
            if error.errno is None or error.filename is not None:
                raise
            close_stdout()
            raise OutputError(f"cannot write the output: {error.strerror}") from error
        return result


@click.group(
    cls=LazyGroup,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, "-V", "--version", message="carcodec %(version)s")
def group() -> None:
    """Image codec: a JPEG, packed losslessly, beside learned side information that restores it; or layers, without a
    JPEG, lossy to lossless.
    """


def run(arguments: list[str]) -> int:
    """Run the command line; errors end as one line on standard error.

    Returns:
        The exit code: the table in `EPILOG`.
    """
    console = Console()
    try:
        result = group.main(arguments, prog_name="carcodec", standalone_mode=False, obj=console)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        hint = f" (see '{context.command_path} --help')" if context else ""
        console.error(error.format_message().rstrip(".") + hint)
        return error.exit_code
    except click.Abort:
        return INTERRUPTED
    except Exception as error:
        return console.failure(error)
    return result if isinstance(result, int) else 0


def main() -> None:
    """Entry point of the installed command."""
    signal.signal(signal.SIGTERM, _terminate)
    sys.exit(run(sys.argv[1:]))


def _terminate(number: int, frame: FrameType | None) -> None:
    # An exception, so that temporary files are removed on the way out.
    raise SystemExit(128 + number)
