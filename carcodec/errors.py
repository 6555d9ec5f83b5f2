"""Every error that carcodec raises on purpose, and the exit code of each.

    CarError
    |-- UsageError       2  the caller asked for something impossible (also a ValueError)
    |-- InputError       3  the input picture cannot be read or is of a kind not supported
    |-- FormatError      4  not a .car file, or one that breaks a rule of docs/format.md
    |   `-- DamagedError 4  it was a .car file: a checksum or a length says that bytes changed
    |-- UnsupportedError 5  valid, but made by or for something newer than this package
    |-- ModelMissing     6  the file names a model that is not installed
    |-- LimitError       7  larger than the caller's `Limits`
    |-- VerifyError      8  what was encoded does not decode to what it should
    `-- OutputError      9  the result cannot be written

The message is one sentence for a person. Programs look at the class or at `exit_code`; the
codes are append-only. Exit code 1 is left to errors that nobody foresaw.
"""

from __future__ import annotations

from typing import ClassVar


class CarError(Exception):
    """Base of all errors here; catch this one to catch them all."""

    exit_code: ClassVar[int] = 1


class UsageError(CarError, ValueError):
    """Options or arguments that do not go together: the caller's to change."""

    exit_code = 2


class InputError(CarError):
    """A picture that cannot be read, or of a kind that is not supported: convert it first."""

    exit_code = 3


class FormatError(CarError):
    """Not a `.car` file, or one whose writer broke a rule of the format."""

    exit_code = 4


class DamagedError(FormatError):
    """A `.car` file whose bytes changed after it was written: fetch it again, or salvage."""

    exit_code = 4


class UnsupportedError(CarError):
    """A version, mode, chunk or packing method that this package does not know: update it."""

    exit_code = 5


class ModelMissing(CarError):
    """The file names a model that is not installed, or an installed one with other weights."""

    exit_code = 6


class LimitError(CarError):
    """Larger than `Limits` allow: raise the limit if the source is trusted."""

    exit_code = 7


class VerifyError(CarError):
    """Encoding or decoding gave something other than it must: a defect, please report it."""

    exit_code = 8


class OutputError(CarError):
    """The result cannot be written, or would overwrite a file that was not to be touched."""

    exit_code = 9
