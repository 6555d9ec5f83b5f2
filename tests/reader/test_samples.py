"""The coding of samples as the document tells it, against the package's."""

from __future__ import annotations

import re

import numpy as np
import pytest

from carcodec.residual.coding import encode_samples
from carcodec.residual.model import AROUND, NEIGHBOURS, RECENT, SampleModel
from tests.conftest import ROOT
from tests.reader import samples_reader
from tests.stubs.samples import soft_picture, toy_arrays

ORDER = [1, 0, 2]  # green, red, blue


def planes(picture: np.ndarray | None) -> list[list[list[int]]] | None:
    if picture is None:
        return None
    return [picture.tolist()] if picture.ndim == 2 else [picture[..., channel].tolist() for channel in ORDER]


def agree(levels: np.ndarray, base: np.ndarray | None, step: int, arrays: dict[str, np.ndarray]) -> bool:
    data = encode_samples(levels, base, SampleModel(arrays), step)
    weights = {name: array.tolist() for name, array in arrays.items()}
    found = samples_reader.decode(data, *levels.shape[:2], planes(base), 3 if levels.ndim == 3 else 1, step, weights)
    return found == planes(levels)


@pytest.mark.parametrize("shape", [(1, 1), (1, 1, 3), (1, 9, 3), (9, 1), (5, 7, 3), (6, 5)], ids=str)
@pytest.mark.parametrize("with_base", [True, False], ids=["base", "none"])
def test_both_read_the_same_levels(shape: tuple[int, ...], with_base: bool) -> None:
    picture = soft_picture(1, *shape)
    base = soft_picture(2, *shape) if with_base else None
    assert agree(picture, base, 1, toy_arrays())


@pytest.mark.parametrize("step", [3, 13, 127])
def test_both_read_the_same_levels_of_a_step(step: int) -> None:
    picture = soft_picture(1, 4, 5, 3).astype(np.uint16)
    picture[0, 0], picture[1, 1] = 0, 255
    assert agree(((picture + step // 2) // step).astype(np.uint8), soft_picture(2, 4, 5, 3), step, toy_arrays())


@pytest.mark.parametrize("factor", [0, 64, 1 << 20])
def test_both_read_the_same_levels_by_weights_that_reach_every_limit(factor: int) -> None:
    arrays = {name: array * factor for name, array in toy_arrays().items()}
    noise = np.random.default_rng(3).integers(0, 256, (5, 6, 3)).astype(np.uint8)
    assert agree(noise, 255 - noise, 1, arrays)


def places(title: str) -> list[tuple[int, int]]:
    """The pairs of numbers in a paragraph of the page."""
    page = (ROOT / "docs" / "format.md").read_text("utf-8")
    paragraph = page[page.index("## 14.") :].split(f"**{title}.**")[1].split("\n\n")[0]
    return [(int(down), int(right)) for down, right in re.findall(r"\((-?\d), (-?\d)\)", paragraph)]


def test_the_places_that_the_page_names_are_those_of_the_model() -> None:
    assert places("Neighbours") == list(NEIGHBOURS)
    assert places("Differences") == list(AROUND)
    assert places("Errors") == list(RECENT)
