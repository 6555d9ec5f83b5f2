"""Committed files decode as they always did, with the shipped models; see README.md beside this file."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import carcodec
from carcodec.api import symbols
from carcodec.container.file import parse
from tests.vectors import make_car

COMMITTED = sorted(make_car.FOLDER.glob(f"*/{make_car.CARD}"))


@dataclass(frozen=True)
class Vector:
    """A committed case."""

    data: bytes
    pixels: np.ndarray
    card: dict

    @classmethod
    def read(cls, folder: Path) -> Vector:
        with Image.open(folder / make_car.PIXELS) as picture:
            pixels = np.array(picture)
        card = tomllib.loads((folder / make_car.CARD).read_text())
        return cls((folder / make_car.CODED).read_bytes(), pixels, card)


@pytest.fixture(params=COMMITTED, ids=lambda path: path.parent.name)
def vector(request: pytest.FixtureRequest) -> Vector:
    return Vector.read(request.param.parent)


def test_every_case_of_the_maker_is_committed() -> None:
    assert {path.parent.name for path in COMMITTED} == set(make_car.CASES), "run: python -m tests.vectors.make_car"


def test_jpeg_comes_out_byte_for_byte(vector: Vector) -> None:
    assert hashlib.sha256(carcodec.extract(vector.data)).hexdigest() == vector.card["jpeg_sha256"]


def test_symbols_are_exactly_those_that_were_coded(vector: Vector) -> None:
    grid = symbols(vector.data)
    found = [] if grid is None else ["".join(f"{symbol:x}" for symbol in row) for row in grid.tolist()]
    assert found == vector.card["symbols"]


def test_pixels_are_within_the_stated_peak_and_rmse(vector: Vector) -> None:
    decoded = np.array(carcodec.decode(vector.data))
    assert decoded.shape == vector.pixels.shape
    apart = decoded.astype(np.float64) - vector.pixels
    assert np.abs(apart).max() <= vector.card["peak"]
    assert np.sqrt(np.mean(apart**2)) <= vector.card["rmse"]


def test_file_holds_what_its_card_says(vector: Vector) -> None:
    assert [chunk.name for chunk in parse(vector.data).chunks] == vector.card["chunks"]
    assert carcodec.info(vector.data).packing == vector.card["packing"]
    assert carcodec.verify(vector.data)


def test_the_cases_between_them_hold_many_symbols() -> None:
    drawn = {symbol for path in COMMITTED for row in Vector.read(path.parent).card["symbols"] for symbol in row}
    assert len(drawn) > 4


def test_maker_leaves_what_exists_alone(tmp_path: Path) -> None:
    assert make_car.write_new_cases(tmp_path, ("flat",)) == ["flat"]
    card = tmp_path / "flat" / make_car.CARD
    card.write_text("mine")
    assert make_car.write_new_cases(tmp_path, ("flat",)) == []
    assert card.read_text() == "mine"
