"""Where bytes go and what people read: standard output is for data, standard error for words.

Files are written under a temporary name in the same folder and renamed when whole, so that an
interrupted command leaves either the old file or the new one, and nothing else.
"""

from __future__ import annotations

import os
import secrets
import stat
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from carcodec.errors import CarError, InputError, LimitError, OutputError, UsageError

if TYPE_CHECKING:
    from tqdm import tqdm

PIPE = "-"
UNFORESEEN = 1  # exit code
Item = TypeVar("Item")


@dataclass
class Console:
    """What a person at the terminal is told; nothing of it goes to standard output.

    Attributes:
        quiet: errors only.
        verbose: more words, and tracebacks of unforeseen errors.
    """

    quiet: bool = False
    verbose: bool = False
    _bar: tqdm[Any] | None = field(default=None, repr=False)

    def say(self, text: str) -> None:
        """A line for everybody who did not ask for quiet."""
        if not self.quiet:
            self._write(text)

    def detail(self, text: str) -> None:
        """A line for those who asked for more."""
        if self.verbose:
            self._write(text)

    def warn(self, text: str) -> None:
        """A line about something that went on, but not as it should."""
        self.say(f"carcodec: warning: {_one_line(text)}")

    def error(self, text: str) -> None:
        """The one line that says why there is no result."""
        self._write(f"carcodec: error: {_one_line(text)}")

    def failure(self, error: Exception, what: str = "") -> int:
        """One line about an error that ended the work, or the work on `what`; the exit code that it stands for."""
        where = f"{what}: " if what else ""
        if isinstance(error, MemoryError):
            error = LimitError("there is not enough memory for it")
        if isinstance(error, CarError):
            self.error(f"{where}{error}")
            return error.exit_code
        if self.verbose:
            traceback.print_exception(error)
        reason = f"unforeseen {type(error).__name__}: {error}"
        self.error(f"{where}{reason}; please report it, with the output of --verbose")
        return UNFORESEEN

    def progress(self, items: Sequence[Item]) -> Iterator[Item]:
        """The items, with a progress bar if there are several and a person is watching."""
        if len(items) < 2 or self.quiet or not (sys.stderr and sys.stderr.isatty()):
            yield from items
            return
        from tqdm import tqdm

        with tqdm(items, unit="file", dynamic_ncols=True) as bar:
            self._bar = bar
            try:
                yield from bar
            finally:
                self._bar = None

    def _write(self, text: str) -> None:
        if self._bar is not None:
            self._bar.write(text, file=sys.stderr)
        else:
            click.echo(text, err=True)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def read_input(name: str) -> bytes:
    """All bytes of a file, or of standard input for `-`.

    Raises:
        InputError: it cannot be read.
        UsageError: standard input is a terminal, where nobody types a picture.
    """
    try:
        if name != PIPE:
            return Path(name).read_bytes()
        if sys.stdin is None:
            raise InputError("standard input is closed")
        if sys.stdin.isatty():
            raise UsageError("standard input is a terminal: name a file, or pipe one in")
        return sys.stdin.buffer.read()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}") from error


def check_output(name: str, force: bool) -> None:
    """Pass if `name` may be written; asked before the work begins, and again before the file appears.

    Raises:
        OutputError: the file exists and `force` is not set, or the folder does not exist.
        UsageError: bytes would go to a terminal.
    """
    if name == PIPE:
        if sys.stdout is None:
            raise OutputError("standard output is closed")
        if sys.stdout.isatty():
            raise UsageError("will not write binary data to a terminal: name an output with -o, or pipe it on")
        return
    path = Path(name)
    if os.path.isdir(name) or name.endswith((os.sep, os.altsep or os.sep)):
        raise OutputError(f"cannot write {name}: it is a folder")
    if not os.path.isdir(path.parent):
        raise OutputError(f"cannot write {name}: there is no folder {path.parent}")
    if not force and os.path.exists(name) and not _is_stream(path):
        raise OutputError(f"{name} exists; --force overwrites it")


def write_output(name: str, data: bytes, force: bool) -> None:
    """Write a whole file, or standard output for `-`; on any failure nothing is left behind.

    Raises:
        OutputError: it cannot be written.
        UsageError: as `check_output`.
    """
    check_output(name, force)
    try:
        if name == PIPE:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
        elif _is_stream(Path(name)):
            Path(name).write_bytes(data)
        else:
            # A link stays a link: the file that it points to is replaced.
            with replacing(Path(os.path.realpath(name))) as partial:
                partial.write_bytes(data)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"cannot write {name}: {error.strerror}") from error


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """An empty file beside `path`, renamed to it if the block ends well and removed if not.

    It has the permissions of the file that it replaces, or those of a new one.
    """
    # Not made from the name, which may be as long as a name can be; nor from the process, whose number may be that of
    # another in a container or on a machine that shares the folder.
    partial = path.with_name(f".carcodec-{secrets.token_hex(8)}.partial")
    partial.touch(exist_ok=False)
    try:
        mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else None
        if mode is not None:
            _set_mode(partial, mode | stat.S_IWUSR)
        yield partial
        if mode is not None:
            _set_mode(partial, mode)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def _set_mode(path: Path, mode: int) -> None:
    """Permissions of a file, where the file system has any: memory cards and shares may refuse them."""
    with suppress(OSError):
        path.chmod(mode)


def close_stdout() -> None:
    """Point standard output at nothing, so that the interpreter's last flush has no pipe to break."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.close(nothing)


def _is_stream(path: Path) -> bool:
    """Whether it is a pipe or a device, such as /dev/null: written to, never replaced."""
    try:
        return not stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return False
