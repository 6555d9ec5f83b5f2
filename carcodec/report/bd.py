"""Bjontegaard's measures between two rate-distortion curves.

Curves are points (rate, quality). The logarithm of the rate is interpolated over quality by a
monotone piecewise cubic (PCHIP) and averaged over the range that both curves have in common.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Point = tuple[float, float]  # rate (bits per pixel, above 0), quality (dB or any other score)

MIN_POINTS = 4  # below, an interpolation says more about itself than about the codecs


def bd_rate(anchor: Sequence[Point], curve: Sequence[Point]) -> float:
    """Mean difference of rate at equal quality in percent; negative where `curve` needs fewer bits.

    Returns:
        nan where a curve has fewer than 4 points or the two have no quality in common.
    """
    return 100 * math.expm1(_mean_gap(_by_quality(anchor), _by_quality(curve)))


def bd_quality(anchor: Sequence[Point], curve: Sequence[Point]) -> float:
    """Mean difference of quality at equal rate (BD-PSNR for PSNR); positive where `curve` is better.

    Returns:
        nan as for `bd_rate`.
    """
    return _mean_gap(_by_rate(anchor), _by_rate(curve))


def interpolate(points: Sequence[Point], at: float) -> float:
    """Quality of a curve at a rate, by PCHIP over the logarithm of rate; nan outside the curve."""
    x, y = _by_rate(points)
    if len(x) < 2 or not x[0] <= math.log(at) <= x[-1]:
        return math.nan
    return float(_evaluate(x, y, pchip_slopes(x, y), np.array([math.log(at)]))[0])


def _by_quality(points: Sequence[Point]) -> tuple[Floats, Floats]:
    pairs = sorted((quality, math.log(rate)) for rate, quality in points if math.isfinite(quality))
    return _strictly_rising(pairs)


def _by_rate(points: Sequence[Point]) -> tuple[Floats, Floats]:
    pairs = sorted((math.log(rate), quality) for rate, quality in points if math.isfinite(quality))
    return _strictly_rising(pairs)


def _strictly_rising(pairs: Sequence[Point]) -> tuple[Floats, Floats]:
    """Two settings of a codec may give the very same file: one of them is enough."""
    kept = [pair for pair, before in zip(pairs, [None, *pairs], strict=False) if before is None or pair[0] > before[0]]
    array = np.array(kept, dtype=np.float64).reshape(-1, 2)
    return array[:, 0], array[:, 1]


def _mean_gap(anchor: tuple[Floats, Floats], curve: tuple[Floats, Floats]) -> float:
    """Mean of curve minus anchor over their common range of x."""
    if min(len(anchor[0]), len(curve[0])) < MIN_POINTS:
        return math.nan
    low = float(max(anchor[0][0], curve[0][0]))
    high = float(min(anchor[0][-1], curve[0][-1]))
    if low >= high:
        return math.nan
    return (_integral(*curve, low, high) - _integral(*anchor, low, high)) / (high - low)


def _integral(x: Floats, y: Floats, low: float, high: float) -> float:
    """Integral of the PCHIP interpolant; exact, since Simpson's rule integrates cubics exactly."""
    inner = x[(x > low) & (x < high)]
    ends = np.concatenate([[low], inner, [high]])
    middles = (ends[:-1] + ends[1:]) / 2
    slopes = pchip_slopes(x, y)
    at_ends, at_middles = _evaluate(x, y, slopes, ends), _evaluate(x, y, slopes, middles)
    return float(np.sum(np.diff(ends) * (at_ends[:-1] + 4 * at_middles + at_ends[1:]) / 6))


def _evaluate(x: Floats, y: Floats, slopes: Floats, at: Floats) -> Floats:
    """Cubic Hermite interpolant at points within [x[0], x[-1]]."""
    index = np.clip(np.searchsorted(x, at, side="right") - 1, 0, len(x) - 2)
    width = x[index + 1] - x[index]
    t = (at - x[index]) / width
    rise = y[index + 1] - y[index]
    left, right = slopes[index] * width, slopes[index + 1] * width
    return np.asarray(y[index] + t * (left + t * ((3 * rise - 2 * left - right) + t * (left + right - 2 * rise))))


def pchip_slopes(x: Floats, y: Floats) -> Floats:
    """Slopes at the knots that keep the interpolant monotone between them.

    Source: Fritsch and Butland 1984 (weighted harmonic mean), ends by the three-point rule of
    Moler, "Numerical computing with Matlab", 3.4; the same as scipy's PchipInterpolator.
    """
    widths, steps = np.diff(x), np.diff(y) / np.diff(x)
    if len(x) == 2:
        return np.array([steps[0], steps[0]])
    slopes = np.zeros_like(x)
    before, after = steps[:-1], steps[1:]
    same_way = before * after > 0
    weight_before, weight_after = 2 * widths[1:] + widths[:-1], widths[1:] + 2 * widths[:-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        harmonic = (weight_before + weight_after) / (weight_before / before + weight_after / after)
    slopes[1:-1] = np.where(same_way, harmonic, 0.0)
    slopes[0] = _end_slope(widths[0], widths[1], steps[0], steps[1])
    slopes[-1] = _end_slope(widths[-1], widths[-2], steps[-1], steps[-2])
    return slopes


def _end_slope(width: float, next_width: float, step: float, next_step: float) -> float:
    slope = ((2 * width + next_width) * step - width * next_step) / (width + next_width)
    if np.sign(slope) != np.sign(step):
        return 0.0
    if np.sign(step) != np.sign(next_step) and abs(slope) > 3 * abs(step):
        return 3 * step
    return float(slope)
