"""What a codec costs a process that does nothing else: start-up, imports and weights included.

Run as `python -m carcodec.bench.whole DIRECTION FOLDER`, this module is that process.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from carcodec.bench.peak import own_peak_mib
from carcodec.bench.table import Request
from carcodec.errors import CarError
from carcodec.pixels import Image

MODULE = "carcodec.bench.whole"  # __name__ is __main__ in the child, and unpickling needs the real one
IMAGE, CODED, WORK, PEAK = "image.npy", "coded", "work.pickle", "peak"


@dataclass(frozen=True)
class Cost:
    """Of one process to encode and one to decode.

    Attributes:
        encode_s, decode_s: from its start to its end.
        peak_mib: most memory that either held; nan where the system does not tell.
    """

    encode_s: float
    decode_s: float
    peak_mib: float


@dataclass(frozen=True)
class Work:
    """What the process is to do: everything that it needs to build the codec again."""

    request: Request
    device: str
    threads: int | None
    setting: float


def whole_cost(work: Work, image: Image, folder: Path) -> Cost:
    """Encode and decode in fresh processes.

    Args:
        folder: for files on the way; they are left there.

    Raises:
        CarError: a process failed.
    """
    np.save(folder / IMAGE, image)
    (folder / WORK).write_bytes(pickle.dumps(work))
    encode_s, encode_mib = _run("encode", folder)
    decode_s, decode_mib = _run("decode", folder)
    return Cost(encode_s, decode_s, max(encode_mib, decode_mib))


def _run(direction: str, folder: Path) -> tuple[float, float]:
    """Seconds and MiB of a process."""
    start = time.perf_counter()
    process = subprocess.run([sys.executable, "-m", MODULE, direction, str(folder)])
    seconds = time.perf_counter() - start
    if process.returncode != 0:
        raise CarError(f"a process to {direction} ended with exit code {process.returncode}")
    return seconds, float((folder / PEAK).read_text())


def main(direction: str, folder: Path) -> None:
    """Encode the folder's picture, or decode its file."""
    asked = pickle.loads((folder / WORK).read_bytes())  # written by `whole_cost`, the parent
    codec = asked.request.build().on(asked.device, asked.threads)
    if direction == "encode":
        (folder / CODED).write_bytes(codec.encode(np.load(folder / IMAGE), asked.setting))
    else:
        codec.decode((folder / CODED).read_bytes())
    (folder / PEAK).write_text(str(own_peak_mib()))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
