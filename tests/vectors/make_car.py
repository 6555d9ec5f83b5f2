"""Write the vectors of whole files with the shipped models: `python -m tests.vectors.make_car`.

Each case is a folder: `coded.car`, `pixels.png` (what it decodes to, in float32 on a CPU) and `case.toml`. A case
that exists is left alone; a released one is never made again.
"""

from __future__ import annotations

import hashlib
import io
import json
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from PIL import Image

import carcodec
from carcodec.api import symbols
from carcodec.container.file import parse
from carcodec.pixels.io import save_picture
from carcodec.runtime import Engine, InstalledNetworks
from tests.conftest import SAMPLES

FOLDER = Path(__file__).parent / "car"
CODED, PIXELS, CARD = "coded.car", "pixels.png", "case.toml"

# Of decoded pixels, in levels. Before rounding to 8 bits tests/exact/test_pixels.py allows 1 and 0.1; rounding moves
# a sample that lies near one half by a whole level more, and about a tenth of them do.
PEAK, RMSE = 2, 0.4


@dataclass(frozen=True)
class Case:
    """What one vector is for.

    Attributes:
        about: the promise that it tests.
        source: picture or JPEG to encode.
        needs: a chunk that the file must have, or it would not test what it says.
        options: of `carcodec.encode`.
    """

    about: str
    source: Callable[[], Image.Image | bytes]
    needs: str = "DESCRIPTOR"
    options: dict[str, Any] = field(default_factory=dict)


def crop(sample: str, left: int, top: int, width: int, height: int) -> Image.Image:
    """A piece of a sample, in the sample's own colours."""
    with Image.open(SAMPLES / f"{sample}.png") as picture:
        return picture.crop((left, top, left + width, top + height))


def turned_jpeg() -> bytes:
    """A progressive JPEG whose EXIF data ask to be turned by a quarter."""
    exif = Image.Exif()
    exif[0x0112] = 6
    target = io.BytesIO()
    crop("rocket", 150, 60, 75, 52).save(target, "JPEG", quality=35, progressive=True, exif=exif)
    return target.getvalue()


def jpeg_without_end() -> bytes:
    """A JPEG that lacks its end marker, which Lepton does not give back."""
    target = io.BytesIO()
    crop("chelsea", 100, 80, 64, 48).save(target, "JPEG", quality=30)
    return target.getvalue()[:-2]


ON = {"side": "on"}
CASES = {
    "colour": Case("4:2:0, tables for least error, descriptor", lambda: crop("coffee", 90, 60, 112, 80), options=ON),
    "coarse": Case(
        "quality 5: the coarsest rate class", lambda: crop("chelsea", 90, 60, 128, 96), options={"quality": 5, **ON}
    ),
    "fine": Case(
        "quality 90: the finest tables", lambda: crop("astronaut", 80, 20, 80, 64), "JPEG", {"quality": 90, **ON}
    ),
    "gray": Case("one component, descriptor", lambda: crop("camera", 200, 100, 96, 64), options=ON),
    "full_chroma": Case("4:4:4", lambda: crop("astronaut", 90, 60, 64, 64), options={"sampling": "4:4:4", **ON}),
    "half_chroma": Case(
        "4:2:2, standard tables",
        lambda: crop("coffee", 10, 20, 64, 48),
        options={"sampling": "4:2:2", "tables": "standard", **ON},
    ),
    "odd_size": Case("sides that are no multiples of 8 or 16", lambda: crop("rocket", 120, 40, 53, 37), options=ON),
    "one_column": Case("a picture of 1 x 40", lambda: crop("camera", 250, 200, 1, 40), "JPEG", ON),
    "unguided": Case(
        "mode side without a descriptor", lambda: crop("coffee", 90, 60, 64, 64), "RESTORE", {"side": "off"}
    ),
    "blind": Case("mode blind", lambda: crop("chelsea", 90, 60, 64, 64), "RESTORE", {"mode": "blind"}),
    "flat": Case("nothing to restore", lambda: Image.new("RGB", (40, 24), (128, 128, 128)), "JPEG"),
    "carried": Case("a progressive JPEG with its own bits; EXIF turns it", turned_jpeg, "RESTORE", {"quality": None}),
    "stored": Case("a JPEG that Lepton cannot pack", jpeg_without_end, "RESTORE", {"quality": None}),
    # From here on with restorer-8.
    "dagn": Case("restorer-8, descriptor", lambda: crop("coffee", 90, 60, 112, 80), options=ON),
    "dagn_gray": Case("restorer-8, one component, descriptor", lambda: crop("camera", 200, 100, 96, 64), options=ON),
    "dagn_blind": Case(
        "restorer-8, mode blind, sides that are no multiples of 16",
        lambda: crop("rocket", 120, 40, 53, 37),
        "RESTORE",
        {"mode": "blind"},
    ),
    # From here on with restorer-10.
    "dagn_long": Case("restorer-10, descriptor", lambda: crop("chelsea", 90, 60, 112, 80), options=ON),
    "dagn_long_blind": Case(
        "restorer-10, mode blind, one component", lambda: crop("camera", 200, 100, 96, 64), "RESTORE", {"mode": "blind"}
    ),
    # From here on with restorer-12.
    "dagn_deep": Case("restorer-12, descriptor", lambda: crop("coffee", 200, 120, 112, 80), options=ON),
    "dagn_deep_blind": Case(
        "restorer-12, mode blind, one component", lambda: crop("camera", 60, 120, 96, 64), "RESTORE", {"mode": "blind"}
    ),
    # From here on with restorer-14.
    "restorer_14": Case("restorer-14, descriptor", lambda: crop("astronaut", 100, 40, 112, 80), options=ON),
    "restorer_14_blind": Case(
        "restorer-14, mode blind, one component", lambda: crop("camera", 100, 40, 96, 64), "RESTORE", {"mode": "blind"}
    ),
}


def write_new_cases(folder: Path = FOLDER, names: tuple[str, ...] = tuple(CASES)) -> list[str]:
    """Write the cases that the folder lacks; names of those written."""
    return write_new(folder, names, lambda name: made(CASES[name]))


def write_new(folder: Path, names: Iterable[str], files_of: Callable[[str], dict[str, bytes]]) -> list[str]:
    """Write the files of the names that the folder lacks, a folder each; names of those written."""
    new = [name for name in names if not (folder / name).exists()]
    for name in new:
        files = files_of(name)
        (folder / name).mkdir(parents=True)
        for file, data in files.items():
            (folder / name / file).write_bytes(data)
    return new


def made(case: Case) -> dict[str, bytes]:
    """The files of a case by name."""
    source = case.source()
    image = source if isinstance(source, bytes) else np.array(source)
    data = carcodec.encode(image, **{"quality": 20, "device": "cpu"} | case.options)
    chunks = [chunk.name for chunk in parse(data).chunks]
    if case.needs not in chunks:
        raise SystemExit(f"{case.about}: the file has no {case.needs}: take another crop or option")
    in_float32 = InstalledNetworks(Engine("cpu", precision="float32"))
    with patch("carcodec.runtime.networks", return_value=in_float32):
        pixels = io.BytesIO()
        save_picture(pixels, np.array(carcodec.decode(data)))
    grid = symbols(data)
    card = {
        "about": case.about,
        "made_by": f"carcodec {carcodec.__version__}",
        "chunks": chunks,
        "packing": carcodec.info(data).packing,
        "jpeg_sha256": hashlib.sha256(carcodec.extract(data)).hexdigest(),
        "symbols": [] if grid is None else ["".join(f"{symbol:x}" for symbol in row) for row in grid.tolist()],
        "peak": PEAK,
        "rmse": RMSE,
    }
    return {CODED: data, PIXELS: pixels.getvalue(), CARD: toml(card).encode()}


def toml(card: dict[str, Any]) -> str:
    # JSON's strings, numbers and lists of them are TOML's too.
    return "".join(f"{key} = {json.dumps(value)}\n" for key, value in card.items())


if __name__ == "__main__":
    written = write_new_cases()
    kept = len(CASES) - len(written)
    print(f"written: {', '.join(written) or 'none'}; {kept} were there and are left alone", file=sys.stderr)
