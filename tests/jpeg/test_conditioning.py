import numpy as np

from carcodec.jpeg.conditioning import CONDITION_SIZE, condition


def test_colour_vector_holds_the_logarithms_of_tables_and_sampling() -> None:
    luma, chroma = np.full(64, 16), np.full(64, 64)
    vector = condition(luma, chroma, (2, 1))
    assert vector.dtype == np.float32
    assert vector.shape == (CONDITION_SIZE,)
    np.testing.assert_array_equal(vector[:64], 4 / 8)
    np.testing.assert_array_equal(vector[64:128], 6 / 8)
    assert vector[128:].tolist() == [1.0, 0.0, 0.0]


def test_gray_vector_says_so_and_leaves_chroma_at_zero() -> None:
    vector = condition([1] * 63 + [255], None, (1, 1))
    assert vector[130] == 1
    assert not vector[64:130].any()
    assert vector[63] == np.float32(np.log2(np.float32(255)) / 8)


def test_order_of_the_steps_is_kept() -> None:
    vector = condition(np.arange(1, 65), np.arange(64, 0, -1), (2, 2))
    assert (np.diff(vector[:64]) > 0).all()
    assert (np.diff(vector[64:128]) < 0).all()
