"""Whatever became of a real file: a picture or a documented error, in bounded time and memory, from every function."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import carcodec
from carcodec.container.file import parse
from carcodec.container.payloads import DescriptorPayload
from carcodec.errors import DamagedError, FormatError
from tests.conftest import SAMPLES
from tests.property.test_container import edited, outcome, resealed

SEED = 11
MOST_SECONDS = 10.0  # for one file of 48 x 48 pixels; it takes 20 ms, and hangs are what this is to catch
MOST_MB = 1000.0  # of a whole process with torch in it, which takes 300

# By the docstrings of carcodec.api; the empty name is that of no error.
OF_BYTES = {"", "FormatError", "DamagedError", "UnsupportedError", "LimitError"}
DOCUMENTED = {
    "info": OF_BYTES,
    "extract": OF_BYTES,
    "decode": OF_BYTES | {"ModelMissing"},
    "verify": OF_BYTES | {"ModelMissing"},
    "salvage": OF_BYTES | {"ModelMissing"},
}
READERS = (carcodec.info, carcodec.extract, carcodec.decode, carcodec.verify)


@pytest.fixture(scope="module")
def valid() -> bytes:
    """A file of mode `side` with all its chunks: 48 x 48 pixels of a photograph."""
    image = np.array(Image.open(SAMPLES / "coffee.png").convert("RGB").crop((100, 100, 148, 148)))
    data = carcodec.encode(image, quality=20, side="on")
    assert carcodec.info(data).packing == "lepton"
    assert carcodec.info(data).context_model, f"no {DescriptorPayload.__name__} to damage"
    return data


def test_every_prefix_is_refused_by_every_function(valid: bytes) -> None:
    for n_bytes in range(len(valid)):
        for read in READERS:
            with pytest.raises(FormatError if n_bytes < 4 else DamagedError):
                read(valid[:n_bytes])


def test_every_prefix_with_a_checksum_that_holds_raises_documented_errors(valid: bytes) -> None:
    for n_bytes in range(4, len(valid)):
        data = resealed(valid[:n_bytes] + bytes(4))
        for read in READERS:
            assert outcome(read, data) in DOCUMENTED[read.__name__]


def test_every_prefix_that_holds_the_jpeg_is_salvaged(valid: bytes) -> None:
    jpeg = carcodec.extract(valid)
    extracted = [outcome(lambda data: carcodec.extract(data, salvage=True), valid[:n]) for n in range(len(valid))]
    first = extracted.index("")
    assert first < len(valid) - 20
    assert not any(extracted[first:])
    assert set(extracted[:first]) <= OF_BYTES - {""}
    for n_bytes in (first, first + 8, len(valid) - 1):
        assert carcodec.extract(valid[:n_bytes], salvage=True) == jpeg
        assert carcodec.decode(valid[:n_bytes], salvage=True).size == (48, 48)


def test_two_thousand_mutations_are_refused_before_anything_is_decoded(valid: bytes) -> None:
    rng = random.Random(SEED)
    start = time.monotonic()
    for _ in range(2000):
        data = edited(valid, rng)
        if data != valid:
            assert {outcome(read, data) for read in READERS} <= {"FormatError", "DamagedError"}
    assert time.monotonic() - start < MOST_SECONDS


def check_hostile(
    valid: bytes,
    folder: Path,
    environment: dict[str, str],
    seed: int,
    count: int,
    documented: dict[str, set[str]] = DOCUMENTED,
    reaching: str = "decode",
) -> None:
    """Read files whose checksums hold, whatever else does not, in a child with bounded memory.

    Whatever of its layers they come to, the function `reaching` sometimes gives a picture, sometimes none.
    """
    pytest.importorskip("resource")
    path = folder / "valid.car"
    path.write_bytes(valid)
    command = [sys.executable, "-m", "tests.property.hostile", str(path), str(seed), str(count)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=280)
    *_, last = done.stdout.splitlines() or [""]
    assert done.returncode == 0, f"near file {last} of seed {seed}: {done.stderr[-2000:]}"
    report = json.loads(last)
    for name, outcomes in report["outcomes"].items():
        assert outcomes.keys() <= documented[name], (name, outcomes)
    assert {"", "FormatError", "DamagedError"} <= report["outcomes"][reaching].keys(), "no layer beneath was reached"
    assert report["slowest_s"] < MOST_SECONDS
    assert report["peak_mb"] < MOST_MB


def test_files_made_to_do_harm_raise_documented_errors(
    valid: bytes, tmp_path: Path, child_environment: dict[str, str]
) -> None:
    check_hostile(valid, tmp_path, child_environment, SEED, 150)


def of_layers(kind: str) -> bytes:
    """A file of mode `layered` that has this chunk: 24 x 16 pixels of a photograph, or noise."""
    image = np.array(Image.open(SAMPLES / "coffee.png").convert("RGB").crop((100, 100, 124, 116)))
    if kind == "PICTURE":
        image = np.random.default_rng(SEED).integers(0, 2, image.shape).astype(np.uint8)
    data = carcodec.encode(image, mode="layered", **({"quality": 40} if kind == "TRANSFORM" else {"lossless": True}))
    assert kind in [chunk.name for chunk in parse(data).chunks]
    return data


@pytest.mark.parametrize("kind", ["TRANSFORM", "SAMPLES", "PICTURE"])
def test_layers_made_to_do_harm_raise_documented_errors(
    kind: str, tmp_path: Path, child_environment: dict[str, str]
) -> None:
    documented = DOCUMENTED | {"extract": OF_BYTES - {""} | {"UsageError"}}  # there is no JPEG in them
    check_hostile(of_layers(kind), tmp_path, child_environment, SEED, 28, documented, reaching="salvage")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_thousands_of_files_made_to_do_harm_raise_documented_errors(
    valid: bytes, tmp_path: Path, child_environment: dict[str, str], seed: int
) -> None:
    check_hostile(valid, tmp_path, child_environment, seed, 2000)
