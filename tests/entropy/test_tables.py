from decimal import Decimal, getcontext

import numpy as np
import pytest

from carcodec.entropy.tables import POWERS, TOTAL, frequencies, weights


def test_power_table_is_rounded_down_from_the_true_powers() -> None:
    getcontext().prec = 60
    for k, power in enumerate(POWERS.tolist()):
        assert power == int(Decimal(2) ** (Decimal(30) - Decimal(k) / 64))


@pytest.mark.parametrize("n", [2, 16, 256])
@pytest.mark.parametrize("spread", [1, 300, 5000, 2**60])
def test_each_row_sums_to_the_total_and_leaves_out_no_symbol(n: int, spread: int) -> None:
    scores = np.random.default_rng(n).integers(-spread, spread, (500, n))
    table = frequencies(scores)
    assert table.dtype == np.int64
    assert (table.sum(axis=1) == TOTAL).all()
    assert table.min() >= 1


def test_likelier_scores_never_get_smaller_frequencies() -> None:
    scores = np.random.default_rng(3).integers(-900, 900, (500, 16))
    table = frequencies(scores)
    order = scores.argsort(axis=1, kind="stable")
    assert (np.diff(np.take_along_axis(table, order[:, :-1], axis=1)) >= 0).all()
    first_largest = scores.argmax(axis=1)
    assert (table[np.arange(500), first_largest] == table.max(axis=1)).all()


def test_frequencies_are_a_softmax_to_base_two() -> None:
    scores = np.random.default_rng(4).integers(-500, 500, (200, 16))
    true = 2.0 ** (scores / 64)
    true /= true.sum(axis=1, keepdims=True)
    assert abs(frequencies(scores) / TOTAL - true).max() < 2e-6


def test_what_rounding_leaves_goes_to_the_first_of_equal_largest() -> None:
    assert frequencies(np.zeros((1, 3), np.int64)).tolist() == [[5592406, 5592405, 5592405]]


def test_scores_alike_up_to_a_constant_give_equal_weights() -> None:
    scores = np.random.default_rng(5).integers(-500, 500, (50, 16))
    assert (weights(scores) == weights(scores + 12345)).all()
