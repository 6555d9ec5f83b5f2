"""A codec that is a pair of command lines."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from PIL import Image as PillowImage

from carcodec.bench.codec import Codec
from carcodec.errors import CarError, UsageError
from carcodec.pixels import Image

TIME_LIMIT_S = 600
KINDS = ("png", "ppm")  # of pictures that a program is given or gives


@dataclass(frozen=True)
class Command(Codec):
    """Programs that read and write files; run without a shell.

    Attributes:
        encoder: command line; `{png}` or `{ppm}` is the picture's file, `{out}` the coded file,
            `{q}` the setting.
        decoder: command line; `{out}` is the coded file, `{png}` or `{ppm}` the decoded picture's.
    """

    default_settings: ClassVar[tuple[float, ...]] = (10, 25, 50, 75, 90)

    encoder: str
    decoder: str

    def __post_init__(self) -> None:
        """Raises UsageError for a line that does not name its files, or that cannot be split into words."""
        for line in (self.encoder, self.decoder):
            _check(line)

    def encode(self, image: Image, setting: float) -> bytes:
        """See `Codec.encode`."""
        with tempfile.TemporaryDirectory() as folder:
            coded, picture = Path(folder, "coded"), Path(folder, f"picture.{_kind(self.encoder)}")
            PillowImage.fromarray(image).save(picture)
            _run(self.encoder, picture, coded, setting)
            return coded.read_bytes()

    def decode(self, data: bytes) -> Image:
        """See `Codec.decode`."""
        with tempfile.TemporaryDirectory() as folder:
            coded, picture = Path(folder, "coded"), Path(folder, f"picture.{_kind(self.decoder)}")
            coded.write_bytes(data)
            _run(self.decoder, picture, coded, 0)
            with PillowImage.open(picture) as decoded:
                return np.array(decoded if decoded.mode == "L" else decoded.convert("RGB"))

    def missing(self) -> str | None:
        """See `Codec.missing`."""
        programs = [shlex.split(line)[0] for line in (self.encoder, self.decoder)]
        absent = [program for program in programs if shutil.which(program) is None]
        return f"no program {absent[0]}" if absent else None

    def versions(self) -> str:
        """See `Codec.versions`; the command lines stand for the version, which nobody can ask for in general."""
        return f"{self.encoder}; {self.decoder}"


def _check(line: str) -> None:
    try:
        words = [part.format(png="", ppm="", out="", q="") for part in shlex.split(line)]
    except (ValueError, LookupError, AttributeError) as error:
        raise UsageError(f"a codec's command line cannot be understood ({error}): {line!r}") from error
    if not words or "{out}" not in line or not any(f"{{{kind}}}" in line for kind in KINDS):
        raise UsageError(
            f"a codec's command line names its coded file {{out}}, its picture {{png}} or {{ppm}}: {line!r}"
        )


def _kind(line: str) -> str:
    return next(kind for kind in KINDS if f"{{{kind}}}" in line)


def _run(line: str, picture: Path, coded: Path, setting: float) -> None:
    names = {"png": picture, "ppm": picture, "out": coded, "q": f"{setting:g}"}
    arguments = [part.format(**names) for part in shlex.split(line)]
    try:
        subprocess.run(arguments, check=True, capture_output=True, timeout=TIME_LIMIT_S)
    except subprocess.CalledProcessError as error:
        tail = error.stderr.decode(errors="replace").strip()[-200:]
        raise CarError(f"{arguments[0]} failed with exit code {error.returncode}: {tail}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CarError(f"{arguments[0]} did not run: {error}") from error
