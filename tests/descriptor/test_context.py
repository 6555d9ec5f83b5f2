import math

import numpy as np
import pytest

from carcodec.descriptor.context import NEIGHBOURS, RATE_CLASSES, ContextModel, rate_class
from carcodec.entropy.tables import TOTAL
from carcodec.intnn.frozen import dump_frozen
from carcodec.jpeg.tables import TableShape, quantization_tables
from tests.stubs.context import toy_arrays, toy_model, uniform_model
from tests.stubs.grids import markov_grid


def test_neighbours_are_the_causal_half_of_a_5x5_mask() -> None:
    causal = (
        *((-2, -2), (-2, -1), (-2, 0), (-2, 1), (-2, 2)),
        *((-1, -2), (-1, -1), (-1, 0), (-1, 1), (-1, 2)),
        *((0, -2), (0, -1)),
    )
    assert causal == NEIGHBOURS


def frequencies_by_hand(arrays: dict[str, np.ndarray], symbols: np.ndarray, klass: int) -> list[list[list[int]]]:
    """The definition once more, in Python's integers, a site at a time."""
    gh, gw = symbols.shape
    rows = []
    for i in range(gh):
        row = []
        for j in range(gw):
            sums = arrays["rate"][klass].tolist()
            for k, (dy, dx) in enumerate(NEIGHBOURS):
                inside = i + dy >= 0 and 0 <= j + dx < gw
                code = int(symbols[i + dy, j + dx]) if inside else 16
                sums = [a + b for a, b in zip(sums, arrays["neighbours"][k, code].tolist(), strict=True)]
            hidden = [min(max((a + 8) >> 4, 0), 4095) for a in sums]
            for name in ("hidden1", "hidden2"):
                hidden = [min(max((a + 2048) >> 12, 0), 4095) for a in layer_by_hand(arrays, name, hidden)]
            row.append(table_by_hand([(a + 8192) >> 14 for a in layer_by_hand(arrays, "tail", hidden)]))
        rows.append(row)
    return rows


def layer_by_hand(arrays: dict[str, np.ndarray], name: str, hidden: list[int]) -> list[int]:
    columns = zip(arrays[f"{name}.weight"].T.tolist(), arrays[f"{name}.bias"].tolist(), strict=True)
    return [sum(w * h for w, h in zip(column, hidden, strict=True)) + bias for column, bias in columns]


def table_by_hand(scores: list[int]) -> list[int]:
    top = max(scores)
    parts = []
    for score in scores:
        whole, part = divmod(top - score, 64)
        power = 1 << (30 * 64 - part)
        for _ in range(6):
            power = math.isqrt(power)
        parts.append(power >> whole)
    table = [1 + part * (TOTAL - 16) // sum(parts) for part in parts]
    table[parts.index(max(parts))] += TOTAL - sum(table)
    return table


@pytest.mark.parametrize("shape", [(5, 7), (1, 1), (1, 9), (9, 1), (3, 2)])
def test_frequencies_equal_the_definition(shape: tuple[int, int]) -> None:
    symbols = markov_grid(np.random.default_rng(shape), *shape)
    for klass in (0, 5):
        found = toy_model().frequencies(symbols, klass)
        assert found.dtype == np.int64
        assert found.tolist() == frequencies_by_hand(toy_arrays(), symbols, klass)


def test_a_symbol_changes_nothing_before_it_and_something_behind() -> None:
    symbols = np.zeros((7, 9), np.uint8)
    before = toy_model().frequencies(symbols, 2)
    symbols[3, 4] = 9
    changed = (toy_model().frequencies(symbols, 2) != before).any(axis=2)
    assert {(i - 3, j - 4) for i, j in np.argwhere(changed).tolist()} == {(-dy, -dx) for dy, dx in NEIGHBOURS}


def test_grids_larger_than_a_block_are_evaluated_alike() -> None:
    symbols = markov_grid(np.random.default_rng(1), 60, 90)
    whole = toy_model().frequencies(symbols, 3)
    assert (whole.sum(axis=2) == TOTAL).all()
    assert (whole[:20] == toy_model().frequencies(symbols[:20], 3)).all()


def test_each_rate_class_has_its_own_frequencies() -> None:
    symbols = markov_grid(np.random.default_rng(2), 6, 6)
    kinds = {toy_model().frequencies(symbols, klass).tobytes() for klass in range(RATE_CLASSES)}
    assert len(kinds) == RATE_CLASSES


def test_an_empty_grid_has_no_frequencies() -> None:
    assert uniform_model().frequencies(np.zeros((0, 5), np.uint8), 0).shape == (0, 5, 16)


def test_rate_classes_spread_over_the_qualities() -> None:
    standard = [rate_class(quantization_tables(quality)[0]) for quality in range(1, 101)]
    assert standard == sorted(standard, reverse=True)
    assert set(standard[4:95]) == set(range(RATE_CLASSES))
    assert [standard[quality - 1] for quality in (10, 20, 30, 40, 50, 80, 90)] == [7, 6, 4, 4, 3, 2, 1]
    bent = {rate_class(quantization_tables(quality, TableShape(0.75, 0.5))[0]) for quality in range(5, 96)}
    assert bent == set(range(RATE_CLASSES))


def test_rate_class_takes_any_table_a_jpeg_can_hold() -> None:
    assert rate_class([1] * 64) == 0
    assert rate_class([65535] * 64) == 7
    assert rate_class(np.full(64, 255, np.uint8)) == 7


def test_loaded_model_equals_the_one_saved() -> None:
    symbols = markov_grid(np.random.default_rng(3), 8, 8)
    loaded = ContextModel.load(dump_frozen(toy_arrays()))
    assert (loaded.frequencies(symbols, 1) == toy_model().frequencies(symbols, 1)).all()


@pytest.mark.parametrize(
    ("name", "array", "why"),
    [
        ("hidden1.weight", np.zeros((8, 9), np.int64), "do not fit"),
        ("hidden2.weight", np.zeros((7, 8), np.int64), "do not fit"),
        ("rate", np.zeros((8, 7), np.int64), "do not fit"),
        ("rate", np.full((8, 8), np.iinfo(np.int64).min), "2\\*\\*53"),
        ("hidden1.weight", np.full((8, 8), 1 << 40), "2\\*\\*53"),
        ("tail.weight", np.zeros((8, 15), np.int64), "has shape"),
        ("neighbours", np.zeros((12, 16, 8), np.int64), "has shape"),
    ],
)
def test_models_that_could_overflow_or_do_not_fit_are_refused(name: str, array: np.ndarray, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        ContextModel.load(dump_frozen(toy_arrays() | {name: array}))
