from __future__ import annotations

import numpy as np
import pytest

from carcodec.intnn.frozen import dump_frozen
from carcodec.residual.coding import encode_samples
from carcodec.residual.model import SampleModel, companded
from tests.stubs.samples import soft_picture, toy_arrays, toy_model


def test_companding_is_the_logarithm_rounded_down_with_its_sign() -> None:
    differences = np.arange(-255, 256)
    exact = 1024 * np.log2(1 + np.abs(differences))
    below = exact - np.abs(companded(differences))
    assert (below > -1e-9).all()
    assert (below < 1).all()
    assert np.array_equal(np.sign(companded(differences)), np.sign(differences))


def test_a_loaded_model_codes_as_the_one_saved() -> None:
    picture = soft_picture(1, 9, 8, 3)
    loaded = SampleModel.load(dump_frozen(toy_arrays()))
    assert encode_samples(picture, None, loaded) == encode_samples(picture, None, toy_model())


@pytest.mark.parametrize("name", ["head", "failed", "1.known.weight", "0.hidden.weight", "2.tail.bias", "1.linear"])
@pytest.mark.parametrize("weight", [1 << 53, np.iinfo(np.int64).min, np.iinfo(np.int64).max])
def test_weights_whose_sums_could_leave_53_bits_are_refused(name: str, weight: int) -> None:
    arrays = toy_arrays()
    arrays[name] = np.full_like(arrays[name], weight)
    with pytest.raises(ValueError, match="2\\*\\*53"):
        SampleModel(arrays)


def test_layers_that_are_added_are_bounded_together() -> None:
    """Each alone stays below 2**53; what they add up to does not."""
    arrays = {name: np.zeros_like(array) for name, array in toy_arrays().items()}
    arrays["head"][0] = arrays["0.known.weight"][0] = (1 << 52) // (1 << 13) + 1
    with pytest.raises(ValueError, match="2\\*\\*53"):
        SampleModel(arrays)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("head", (80, 7)),
        ("failed", (9, 7)),
        ("failed", (8, 6)),
        ("2.known.weight", (3, 5)),
        ("0.hidden.weight", (7, 5)),
        ("1.deep.weight", (4, 5)),
        ("1.tail.weight", (5, 17)),
        ("2.linear", (78, 4)),
        ("0.known.bias", (7,)),
        ("0.tail.bias", (17,)),
        ("1.linear", (77, 3)),
    ],
)
def test_layers_that_do_not_fit_each_other_are_refused(name: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"fit|shape"):
        SampleModel.load(dump_frozen(toy_arrays() | {name: np.zeros(shape, np.int64)}))


def test_a_file_that_lacks_an_array_is_refused() -> None:
    arrays = toy_arrays()
    del arrays["1.linear"]
    with pytest.raises(ValueError, match="must hold"):
        SampleModel.load(dump_frozen(arrays))
