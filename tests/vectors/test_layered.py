"""Committed files of mode `layered` decode as they always did, layer by layer; see README.md beside this file."""

from __future__ import annotations

import tomllib
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file

import carcodec
from carcodec.container.file import parse
from carcodec.container.payloads import BasePayload, CompactPayload, ModelRef
from carcodec.models.cards import SHIPPED, card
from tests.reader import prediction_reader, samples_reader
from tests.vectors import make_layered

COMMITTED = sorted(make_layered.FOLDER.glob(f"*/{make_layered.CARD}"))
PREDICTED = [path for path in COMMITTED if "BASE" in tomllib.loads(path.read_text())["chunks"]]


@dataclass(frozen=True)
class Vector:
    """A committed case."""

    name: str
    data: bytes
    layers: dict[str, np.ndarray]
    card: dict

    @classmethod
    def read(cls, folder: Path) -> Vector:
        layers = {}
        for file, layer in make_layered.LAYERS.items():
            with Image.open(folder / file) as picture:
                layers[layer] = np.array(picture)
        card = tomllib.loads((folder / make_layered.CARD).read_text())
        return cls(folder.name, (folder / make_layered.CODED).read_bytes(), layers, card)


@pytest.fixture(scope="module", params=COMMITTED, ids=lambda path: path.parent.name)
def vector(request: pytest.FixtureRequest) -> Vector:
    return Vector.read(request.param.parent)


@pytest.fixture(scope="module", params=PREDICTED, ids=lambda path: path.parent.name)
def predicted(request: pytest.FixtureRequest) -> Vector:
    """A case with a base that networks predict."""
    return Vector.read(request.param.parent)


def test_every_case_of_the_maker_is_committed() -> None:
    committed = {path.parent.name for path in COMMITTED}
    assert committed == set(make_layered.CASES), "run: python -m tests.vectors.make_layered"


@pytest.mark.parametrize("layer", ["compact", "base"])
def test_layers_below_are_exactly_those_that_were_coded(vector: Vector, layer: str) -> None:
    assert np.array_equal(make_layered.decoded(vector.data, layer), vector.layers[layer])


def test_pixels_are_within_the_stated_peak_and_rmse(vector: Vector) -> None:
    decoded = make_layered.decoded(vector.data, "full")
    assert decoded.shape == vector.layers["full"].shape
    apart = decoded.astype(np.float64) - vector.layers["full"]
    assert np.abs(apart).max() <= vector.card["peak"]
    assert np.sqrt(np.mean(apart**2)) <= vector.card["rmse"]


def test_pixels_are_as_near_to_the_source_as_was_promised(vector: Vector) -> None:
    case = make_layered.CASES[vector.name]
    promised = {} if isinstance(case.options, make_layered.Layers) else case.options
    bound = 0 if promised.get("lossless") else promised.get("max_error", 255)
    apart = vector.layers["full"].astype(int) - np.array(case.source())
    assert np.abs(apart).max() <= bound


def test_segments_are_exactly_those_of_the_encoder(predicted: Vector) -> None:
    assert make_layered.segments_crc32(predicted.data) == predicted.card["segments_crc32"]


def test_file_holds_what_its_card_says(vector: Vector) -> None:
    assert [chunk.name for chunk in parse(vector.data).chunks] == vector.card["chunks"]
    assert carcodec.verify(vector.data)


def weights(reference: ModelRef | None) -> dict[str, np.ndarray]:
    assert reference is not None
    return load_file(SHIPPED / card(reference.number).file)


def test_a_reader_from_the_page_alone_predicts_the_same_base(predicted: Vector) -> None:
    container = parse(predicted.data)
    coded, base = container.find(CompactPayload), container.find(BasePayload)
    assert coded is not None
    assert base is not None
    fine, segmenter = weights(base.fine), weights(base.segmenter)
    seen = predicted.layers["compact"], coded.scale, container.header.height, container.header.width
    assert np.array_equal(prediction_reader.base(fine, segmenter, *seen), predicted.layers["base"])
    labels = prediction_reader.classes(segmenter, *seen)
    assert zlib.crc32(labels.tobytes()) == predicted.card["segments_crc32"]


def test_a_reader_from_the_page_alone_reads_the_same_samples() -> None:
    vector = Vector.read(make_layered.FOLDER / "base_alone")
    payload = parse(vector.data).find(CompactPayload)
    assert payload is not None
    arrays = {name: array.tolist() for name, array in weights(payload.model).items()}
    compact = vector.layers["compact"]
    green, red, blue = samples_reader.decode(payload.data, *compact.shape[:2], None, 3, 1, arrays)
    assert np.array_equal(np.stack([red, green, blue], axis=2), compact)


def test_the_cases_between_them_hold_every_layer() -> None:
    held = {chunk for path in COMMITTED for chunk in Vector.read(path.parent).card["chunks"]}
    assert held >= {"COMPACT", "BASE", "TRANSFORM", "SAMPLES", "PICTURE"}


def test_maker_leaves_what_exists_alone(tmp_path: Path) -> None:
    assert make_layered.write_new_cases(tmp_path, ("graphic",)) == ["graphic"]
    card = tmp_path / "graphic" / make_layered.CARD
    card.write_text("mine")
    assert make_layered.write_new_cases(tmp_path, ("graphic",)) == []
    assert card.read_text() == "mine"
