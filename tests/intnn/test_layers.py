import numpy as np
import pytest

from carcodec.intnn.layers import SUM_LIMIT, Linear, rectify, shift_round


def test_shift_rounds_to_the_nearest_with_halves_upwards() -> None:
    assert shift_round(np.array([-7, -6, -5, -2, -1, 0, 1, 2, 5, 6, 7]), 2).tolist() == [
        -2,
        -1,
        -1,
        0,
        0,
        0,
        0,
        1,
        1,
        2,
        2,
    ]


def test_rectify_clamps_after_rounding() -> None:
    assert rectify(np.array([-100, 7, 8, 4095 * 16 + 7, 4095 * 16 + 8, 10**9]), 4, 4095).tolist() == [
        0,
        0,
        1,
        4095,
        4095,
        4095,
    ]


def test_linear_equals_python_integers() -> None:
    rng = np.random.default_rng(1)
    weight, bias = rng.integers(-(2**15), 2**15, (24, 16)), rng.integers(-(2**31), 2**31, 16)
    values = rng.integers(0, 4096, (30, 24))
    found = Linear(weight, bias, 4095)(values)
    for row, out in zip(values.tolist(), found.tolist(), strict=True):
        columns = zip(weight.T.tolist(), bias.tolist(), strict=True)
        assert out == [sum(a * b for a, b in zip(row, column, strict=True)) + shift for column, shift in columns]


def test_the_bound_is_the_largest_sum_that_can_occur() -> None:
    layer = Linear(np.array([[3, -1], [-2, 5]]), np.array([-4, 1]), 10)
    assert layer.largest_sum() == 61
    worst = layer(np.array([[-10, 10], [10, -10]]))
    assert abs(worst).max() == 61


@pytest.mark.parametrize("weight", [SUM_LIMIT // 20 + 1, np.iinfo(np.int64).min, np.iinfo(np.int64).max])
def test_weights_that_could_leave_53_bits_are_refused(weight: int) -> None:
    with pytest.raises(ValueError, match="beyond"):
        Linear(np.full((2, 2), weight), np.zeros(2, np.int64), 10)


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        Linear(np.zeros((2, 3), np.int64), np.zeros(2, np.int64), 10)
