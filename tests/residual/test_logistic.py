from __future__ import annotations

import numpy as np
import pytest

from carcodec.entropy.tables import TOTAL
from carcodec.residual.logistic import (
    CUMULATIVE,
    CUMULATIVE_BITS,
    LARGEST_SCALE,
    LARGEST_Z,
    SHARE,
    SMALLEST_SCALE,
    Mixtures,
)

STEPS = [1, 3, 5, 13, 127]


def mixtures(step: int, n: int = 400) -> tuple[Mixtures, tuple[np.ndarray, ...]]:
    """Random ones, with scores, means and scales in real units."""
    rng = np.random.default_rng(step)
    scores = rng.integers(-600, 600, (n, 3))
    means = rng.integers(-(1 << 13), (1 << 14) + (1 << 13), (n, 3))
    scales = rng.integers(SMALLEST_SCALE // 2, LARGEST_SCALE + 100, (n, 3))
    return Mixtures.of(scores, means, scales, step), (scores / 64, means / 64, np.minimum(scales, LARGEST_SCALE) / 64)


def reference(parts: tuple[np.ndarray, ...], step: int) -> np.ndarray:
    """float64[n, levels]: probabilities of a step's levels by the definition."""
    scores, means, scales = parts
    shares = np.exp2(scores - scores.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    n_levels = (255 + step // 2) // step + 1
    edges = (np.arange(1, n_levels) - 0.5) * step
    z = np.clip((edges[None, None] - means[..., None]) / np.exp2(scales)[..., None], -100, 100)
    cumulative = (shares[..., None] / (1 + np.exp2(-z))).sum(axis=1)
    return np.diff(cumulative, axis=1, prepend=0, append=1)


def frequencies_of_all_levels(found: Mixtures, n_levels: int) -> np.ndarray:
    """float64[n, levels]: product of both symbols' probabilities."""
    coarse = found.coarse() / TOTAL
    parts = [found.fine(np.full(len(coarse), a)) / TOTAL * coarse[:, a, None] for a in range(SHARE)]
    return np.concatenate(parts, axis=1)[:, :n_levels]


def test_the_table_is_the_logistic_function_to_base_2() -> None:
    z = np.arange(-LARGEST_Z, LARGEST_Z + 1) / 1024
    assert np.abs(CUMULATIVE / 2**CUMULATIVE_BITS - 1 / (1 + np.exp2(-z))).max() < 2.0**-29
    assert (np.diff(CUMULATIVE) >= 0).all()
    assert (CUMULATIVE + CUMULATIVE[::-1] == 1 << CUMULATIVE_BITS).all()


@pytest.mark.parametrize("step", STEPS)
def test_probabilities_are_those_of_the_mixture(step: int) -> None:
    found, parts = mixtures(step)
    expected = reference(parts, step)
    probabilities = frequencies_of_all_levels(found, expected.shape[1])
    assert probabilities.sum(axis=1).max() <= 1 + 1e-12
    assert np.abs(probabilities - expected).max() < 3e-4  # z has steps of 1/1024
    # What the coder pays more than the mixture itself would, if levels came as it says.
    excess = (expected * np.log2(np.maximum(expected, 1e-300) / probabilities)).sum(axis=1)
    assert excess.max() < 1e-3


@pytest.mark.parametrize("step", STEPS)
def test_frequencies_are_at_least_1_and_sum_to_the_total(step: int) -> None:
    found, _ = mixtures(step)
    tables = [found.coarse(), *(found.fine(np.full(len(found.means), a)) for a in range(SHARE))]
    for table in tables:
        assert table.shape == (len(found.means), SHARE)
        assert table.min() >= 1
        assert (table.sum(axis=1) == TOTAL).all()


@pytest.mark.parametrize("step", [3, 13, 127])
def test_levels_that_a_step_does_not_have_cost_most(step: int) -> None:
    found, _ = mixtures(step)
    last = (255 + step // 2) // step
    coarse = found.coarse()
    assert (coarse[:, last // SHARE + 1 :] == 1).all()
    fine = found.fine(np.full(len(coarse), last // SHARE))
    assert (fine[:, last % SHARE + 1 :] == 1).all()


@pytest.mark.parametrize("mean", [-(1 << 18), 0, (1 << 14) + (1 << 18)])
@pytest.mark.parametrize("scale", [-(1 << 36), SMALLEST_SCALE, LARGEST_SCALE, 1 << 36])
@pytest.mark.parametrize("step", [1, 127])
def test_numbers_at_their_limits_give_frequencies_that_hold(mean: int, scale: int, step: int) -> None:
    scores = np.array([[1 << 20, -(1 << 20), 0]])
    found = Mixtures.of(scores, np.full((1, 3), mean), np.full((1, 3), scale), step)
    for table in (found.coarse(), *(found.fine(np.array([a])) for a in range(SHARE))):
        assert table.min() >= 1
        assert table.sum() == TOTAL
