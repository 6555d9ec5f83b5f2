"""A file written by one machine is read by another: JPEG and symbols to the bit, pixels within a stated difference.

The writer runs as it comes, with all cores; the reader with one thread and old instructions, which it proves.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import SAMPLES
from tests.exact.test_pixels import HELD_BACK, difference, in_child
from tests.vectors.make_car import PEAK, RMSE

CROPS = {"coffee": (90, 60, 218, 156), "camera": (200, 100, 296, 164), "rocket": (120, 40, 173, 77)}

CHILD = """
import sys
from pathlib import Path
import numpy as np
import carcodec
from carcodec.api import symbols
from carcodec.runtime import Engine, load_torch

folder, role = Path(sys.argv[1]), sys.argv[2]
for picture in sorted(folder.glob("*.png")):
    coded = picture.with_suffix(".car")
    if role == "writer":
        coded.write_bytes(carcodec.encode(picture, quality=15, side="on"))
    data = coded.read_bytes()
    np.savez(
        folder / f"{picture.stem}.{role}.npz",
        jpeg=np.frombuffer(carcodec.extract(data), np.uint8),
        symbols=symbols(data),
        pixels=np.asarray(carcodec.decode(data)),
    )
print("threads", Engine("cpu").threads)
print("aten", load_torch().backends.cpu.get_cpu_capability())
"""


@dataclass(frozen=True)
class Pair:
    """What writer and reader said, and what they got from each file."""

    writer: str
    reader: str
    folder: Path

    def both(self, name: str, part: str) -> tuple[np.ndarray, np.ndarray]:
        writer, reader = (np.load(self.folder / f"{name}.{role}.npz")[part] for role in ("writer", "reader"))
        return writer, reader


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    folder = tmp_path_factory.mktemp("files")
    for name, box in CROPS.items():
        with Image.open(SAMPLES / f"{name}.png") as picture:
            picture.crop(box).save(folder / f"{name}.png")
    # On a CPU: an accelerator that only the writer used would make this another test.
    hidden = {"CUDA_VISIBLE_DEVICES": ""}
    return Pair(
        in_child(CHILD, hidden, folder, "writer"), in_child(CHILD, hidden | HELD_BACK, folder, "reader"), folder
    )


def test_the_settings_took_effect(pair: Pair) -> None:
    default = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    assert f"threads {default}\n" in pair.writer
    assert f"nthr:{default}\n" in pair.writer
    assert "isa:Intel SSE4.1\n" not in pair.writer
    assert "threads 1\n" in pair.reader
    assert "nthr:1\n" in pair.reader
    assert "aten DEFAULT\n" in pair.reader
    assert "isa:Intel SSE4.1\n" in pair.reader
    assert "jit:sse41" in pair.reader


@pytest.mark.parametrize("name", CROPS)
def test_the_jpeg_is_the_same(pair: Pair, name: str) -> None:
    writer, reader = pair.both(name, "jpeg")
    assert np.array_equal(writer, reader)


@pytest.mark.parametrize("name", CROPS)
def test_the_symbols_are_the_same(pair: Pair, name: str) -> None:
    writer, reader = pair.both(name, "symbols")
    assert np.array_equal(writer, reader)


def test_the_symbols_are_not_all_alike(pair: Pair) -> None:
    assert len(np.unique(np.concatenate([pair.both(name, "symbols")[0].ravel() for name in CROPS]))) > 3


@pytest.mark.parametrize("name", CROPS)
def test_decoded_pixels_are_within_the_stated_peak_and_rmse(pair: Pair, name: str) -> None:
    writer, reader = (pixels.astype(np.float32) for pixels in pair.both(name, "pixels"))
    peak, rmse = difference(writer, reader)
    assert peak <= PEAK
    assert rmse <= RMSE
