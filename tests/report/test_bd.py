"""BD-rate against curves whose answer is known, and PCHIP against scipy."""

import math

import numpy as np
import pytest
from scipy.interpolate import PchipInterpolator

from carcodec.report.bd import _integral, bd_quality, bd_rate, interpolate, pchip_slopes

JPEG = [(0.314, 25.69), (0.542, 28.06), (0.727, 29.37), (0.880, 30.28), (1.023, 31.03), (1.408, 32.77), (2.610, 36.86)]
AVIF = [(0.199, 26.75), (0.301, 28.27), (0.455, 29.99), (0.704, 32.16), (1.029, 34.23), (1.434, 36.30)]


@pytest.mark.parametrize("factor", [0.5, 0.9, 1.25])
def test_curve_at_a_fixed_factor_of_the_rate_has_that_bd_rate(factor):
    curve = [(rate * factor, quality) for rate, quality in JPEG]
    assert bd_rate(JPEG, curve) == pytest.approx(100 * (factor - 1))


def test_curve_a_decibel_higher_has_a_bd_psnr_of_one():
    assert bd_quality(JPEG, [(rate, quality + 1) for rate, quality in JPEG]) == pytest.approx(1)


def test_bd_rate_agrees_with_scipy_on_measured_curves():
    curves = [PchipInterpolator([q for _, q in c], [math.log(r) for r, _ in c]) for c in (JPEG, AVIF)]
    low, high = 26.75, 36.30
    gap = (curves[1].integrate(low, high) - curves[0].integrate(low, high)) / (high - low)
    assert bd_rate(JPEG, AVIF) == pytest.approx(100 * math.expm1(gap), rel=1e-9)
    assert bd_rate(JPEG, AVIF) == pytest.approx(-44.4, abs=1)  # what the same curves gave elsewhere


@pytest.mark.parametrize("seed", range(20))
def test_slopes_and_integral_agree_with_scipy_on_curves_that_rise_and_fall(seed):
    rng = np.random.default_rng(seed)
    n_points = rng.integers(2, 9)
    x, y = np.cumsum(rng.uniform(0.1, 3, n_points)), rng.normal(size=n_points)
    peer = PchipInterpolator(x, y)
    np.testing.assert_allclose(pchip_slopes(x, y), peer.derivative()(x), atol=1e-12)
    low, high = np.sort(rng.uniform(x[0], x[-1], 2))
    assert _integral(x, y, low, high) == pytest.approx(float(peer.integrate(low, high)), abs=1e-12)


def test_order_of_points_and_repeated_points_do_not_matter():
    assert bd_rate(JPEG, [*reversed(AVIF), AVIF[2]]) == bd_rate(JPEG, AVIF)


def test_no_answer_from_too_few_points_or_without_common_quality():
    assert math.isnan(bd_rate(JPEG, AVIF[:3]))
    assert math.isnan(bd_rate(JPEG, [(rate, quality + 50) for rate, quality in AVIF]))


def test_lossless_points_are_left_out():
    assert bd_rate(JPEG, [*AVIF, (9.0, math.inf)]) == bd_rate(JPEG, AVIF)


def test_interpolation_goes_through_the_points_and_stops_at_the_ends():
    assert interpolate(JPEG, 0.727) == pytest.approx(29.37)
    assert 28.06 < interpolate(JPEG, 0.6) < 29.37
    assert math.isnan(interpolate(JPEG, 0.1))
