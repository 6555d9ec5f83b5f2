"""Training JPEGs: single ones, and double ones whose tables tell half the story."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from carcodec.jpeg.tables import STANDARD, quantization_tables
from carcodec.train.degrade import Mixture, degrade, degrade_at_random, degrade_twice, random_settings
from carcodec.train.photos import Picture

COARSE, FINE = (10, STANDARD, "4:2:0"), (90, STANDARD, "4:2:0")
GRAY_COARSE, GRAY_FINE = (10, STANDARD, "gray"), (90, STANDARD, "gray")


@pytest.fixture(scope="module")
def picture() -> Picture:
    rng = np.random.default_rng(4)
    smooth = rng.normal(size=(68, 66, 3)).cumsum(0).cumsum(1)
    return ((smooth - smooth.min()) / np.ptp(smooth) * 255).astype(np.uint8)


def error(one: Picture, other: Picture) -> float:
    return float(np.square(one.astype(float) - other).mean())


def block_steps(base: Picture) -> np.ndarray:
    """Mean luma step between neighbouring columns, by the column's place in a block of 8."""
    steps = np.abs(np.diff(base.astype(float).mean(axis=2), axis=1)).mean(axis=0)
    return np.array([steps[place::8].mean() for place in range(8)])


def test_two_jpegs_lose_what_the_coarser_one_loses(picture: Picture) -> None:
    single = degrade(picture, *COARSE)
    for first, last in ((COARSE, FINE), (FINE, COARSE)):
        double = degrade_twice(picture, (0, 0), first, last)
        assert np.array_equal(double.original, picture)
        assert error(double.base, picture) == pytest.approx(error(single.base, picture), rel=0.2)
        assert double.strength == pytest.approx(single.strength)


def test_the_tables_told_are_those_of_the_last_jpeg(picture: Picture) -> None:
    double = degrade_twice(picture, (3, 5), COARSE, FINE)
    assert np.array_equal(double.condition, degrade(picture, *FINE).condition)
    assert double.strength > degrade(picture, *FINE).strength
    assert double.strength == pytest.approx(np.log2(quantization_tables(10)[0].mean()) / 8)


def test_the_first_grid_stands_shifted_in_the_picture(picture: Picture) -> None:
    double = degrade_twice(picture, (0, 3), COARSE, FINE)
    assert double.base.shape == picture.shape
    # The first JPEG's blocks begin 3 columns before the picture: their edges lie behind columns 4, 12, ...
    assert block_steps(double.base).argmax() == 4
    assert block_steps(degrade(picture, *COARSE).base).argmax() == 7


@pytest.mark.parametrize(("first", "last"), [(GRAY_COARSE, FINE), (COARSE, GRAY_FINE), (GRAY_COARSE, GRAY_FINE)])
def test_colour_that_either_jpeg_dropped_is_not_asked_for(picture: Picture, first, last) -> None:
    original = degrade_twice(picture, (1, 2), first, last).original
    assert np.array_equal(original, degrade(picture, *GRAY_FINE).original)


def test_the_mixture_draws_its_share_of_double_jpegs(picture: Picture) -> None:
    crop = picture[:16, :16]
    mixture = Mixture(p_double=0.25, p_standard=1.0, p_gray=0.0)

    def is_double(seed: int) -> bool:
        drawn = degrade_at_random(crop, mixture, np.random.default_rng(seed))
        settings = np.random.default_rng(seed)
        settings.random()
        single = degrade(crop, *random_settings(mixture, settings))
        return not np.array_equal(drawn.base, single.base)

    assert 30 < sum(is_double(seed) for seed in range(200)) < 70
    mixture = replace(mixture, p_double=0.0)
    assert not any(is_double(seed) for seed in range(20))
