"""Prediction as the document tells it, against the package's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from carcodec.runtime import Engine, InstalledNetworks, layered
from tests.reader import prediction_reader
from tests.stubs.installed_layers import install_layered
from tests.stubs.samples import soft_picture


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install_layered(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def port(folder: Path) -> layered.LayeredPort:
    return InstalledNetworks(Engine("cpu", 1), folder).layered()


def compact_picture(scale: int, height: int, width: int, *channels: int) -> np.ndarray:
    return soft_picture(scale, -(-height // scale), -(-width // scale), *channels)


CASES = [(8, 40, 75, 3), (8, 1, 1, 3), (16, 37, 33), (32, 70, 31, 3), (32, 5, 64)]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_both_predict_the_same_base_and_segments(
    port: layered.LayeredPort, folder: Path, case: tuple[int, ...]
) -> None:
    scale, height, width, *channels = case
    compact = compact_picture(scale, height, width, *channels)
    fine, segmenter = (load_file(folder / f"{role}-1.safetensors") for role in ("fine", "segmenter"))
    found = port.base(compact, scale, height, width)
    assert found.dtype == np.uint8
    assert np.array_equal(found, prediction_reader.base(fine, segmenter, compact, scale, height, width))
    labels = port.segments(compact, scale, height, width)
    assert labels.dtype == np.uint8
    assert np.array_equal(labels, prediction_reader.classes(segmenter, compact, scale, height, width))


@pytest.mark.parametrize("scale", [8, 32])
def test_both_cut_the_same_windows(
    port: layered.LayeredPort, folder: Path, scale: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layered, "WINDOW_PX", 64)
    monkeypatch.setattr(layered, "MARGIN_PX", 32)
    compact = compact_picture(scale, 90, 130, 3)
    fine, segmenter = (load_file(folder / f"{role}-1.safetensors") for role in ("fine", "segmenter"))
    found = port.base(compact, scale, 90, 130)
    assert np.array_equal(found, prediction_reader.base(fine, segmenter, compact, scale, 90, 130, 64, 32))
    labels = port.segments(compact, scale, 90, 130)
    assert np.array_equal(labels, prediction_reader.classes(segmenter, compact, scale, 90, 130, 64, 32))


def test_windows_are_those_of_the_page() -> None:
    assert (layered.WINDOW_PX, layered.MARGIN_PX, layered.ALIGNMENT_PX) == (1024, 128, 32)


def test_the_compared_bases_say_something(port: layered.LayeredPort) -> None:
    compact = compact_picture(8, 64, 64, 3)
    assert port.base(compact, 8, 64, 64).std() > 10
    assert len(np.unique(port.segments(compact, 8, 64, 64))) > 1
