"""Segmentation in whole numbers: the promises that matching needs, and the integer softmax and interpolation."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
import torch

from carcodec.nn.exact import exact_layers, frozen, load_frozen
from carcodec.nn.segmentation import (
    NATS_PER_SCORE,
    Segmenter,
    SegNet,
    SMapNet,
    cells,
    labels,
    probabilities,
)

CLASSES = ("sky", "road", "other")
ARGUMENTS = {"classes": list(CLASSES), "colours": [[1, 2, 3], [4, 5, 6], [7, 8, 9]]}


def whole_arrays() -> dict[str, np.ndarray]:
    """Frozen numbers of a three-class segmenter that depend on numpy's generator alone."""
    rng = np.random.default_rng(5)
    arrays = {}
    for name, layer in exact_layers(Segmenter(**ARGUMENTS)).items():
        arrays[f"{name}.weight"] = rng.integers(-20, 21, tuple(layer.weight.shape)).astype(np.int8)
        arrays[f"{name}.bias"] = rng.integers(-2000, 4000, len(layer.bias)).astype(np.int32)
    return arrays


def picture(height: int = 64, width: int = 96) -> torch.Tensor:
    values = np.random.default_rng(6).integers(0, 256, (1, 3, height, width))
    return torch.from_numpy(values.astype(np.float32))


def random_scores(*shape: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(7).integers(-1023, 1024, shape).astype(np.float32))


def loaded(arrays: dict[str, np.ndarray]) -> Segmenter:
    network = Segmenter(**ARGUMENTS)
    load_frozen(network, arrays)
    return network


@pytest.fixture(scope="module")
def segmenter() -> Segmenter:
    return loaded(whole_arrays())


def test_scores_are_the_same_on_every_machine(segmenter: Segmenter) -> None:
    scores = segmenter(picture())
    assert scores.shape == (1, 3, 16, 24)
    assert scores.std() > 10
    assert zlib.crc32(scores.numpy().astype("<i2").tobytes()) == 3148173363  # float64 convolutions give the same


def test_scores_do_not_depend_on_what_else_is_in_the_batch(segmenter: Segmenter) -> None:
    both = torch.cat([255 - picture(), picture()])
    assert torch.equal(segmenter(both)[1:], segmenter(picture()))


def test_freezing_changes_nothing() -> None:
    torch.manual_seed(1)
    network = Segmenter(**ARGUMENTS).eval()
    torch.nn.init.normal_(network.smapnet.tail.weight, std=0.1)
    with torch.no_grad():
        before = network(picture())
    assert torch.equal(loaded(frozen(network))(picture()), before)


def test_an_untrained_smapnet_gives_the_scores_back() -> None:
    scores = random_scores(1, 3, 16, 24)
    with torch.no_grad():
        assert torch.equal(SMapNet(3).eval()(scores, picture()), scores)


def test_a_change_far_away_is_seen() -> None:
    """The levels below let a score see the scene, not its surroundings alone."""
    torch.manual_seed(1)
    network = SegNet(3).eval()
    scene = picture(256, 256)
    other = scene.clone()
    other[..., 176:, :] = 255 - other[..., 176:, :]
    with torch.no_grad():
        difference = (network(scene) - network(other))[0].abs().amax(dim=(0, 2))
    assert difference[25] > 0


def test_every_class_has_a_colour() -> None:
    with pytest.raises(ValueError, match="2 colours"):
        Segmenter(CLASSES, [[1, 2, 3], [4, 5, 6]])


def test_frozen_numbers_of_another_network_are_refused() -> None:
    arrays = whole_arrays()
    del arrays["smapnet.tail.bias"]
    with pytest.raises(ValueError, match=r"smapnet\.tail\.bias"):
        loaded(arrays)


def test_probabilities_are_the_softmax_rounded() -> None:
    scores = random_scores(2, 16, 5, 7)
    found = probabilities(scores)
    assert (found - 255 * torch.softmax(scores.double() * NATS_PER_SCORE, dim=1)).abs().max() < 0.51


def test_probabilities_depend_on_differences_alone() -> None:
    scores = torch.floor(random_scores(2, 16, 5, 7) / 2)
    assert torch.equal(probabilities(scores), probabilities(scores + 400))


def test_probabilities_at_the_ends_of_the_range() -> None:
    scores = torch.tensor([1023.0, -1023.0, -1023.0]).view(1, 3, 1, 1)
    assert probabilities(scores).flatten().tolist() == [255, 0, 0]
    assert probabilities(torch.zeros(1, 5, 1, 1)).flatten().tolist() == [51] * 5


def reference_labels(scores: np.ndarray) -> np.ndarray:
    """Bilinear by four in whole numbers: weights 1, 3, 5, 7 of 8 along each axis, edges repeated."""

    def along(values: np.ndarray, axis: int) -> np.ndarray:
        places = np.arange(4 * values.shape[axis]) * 2 - 3  # in eighths of a cell
        low, share = places // 8, places % 8
        last = values.shape[axis] - 1
        shape = [-1 if i == axis else 1 for i in range(values.ndim)]
        first, second = (np.take(values, np.clip(at, 0, last), axis) for at in (low, low + 1))
        return first * (8 - share).reshape(shape) + second * share.reshape(shape)

    return along(along(scores.astype(np.int64), 1), 2).argmax(axis=0)


def test_labels_are_those_of_whole_number_interpolation() -> None:
    scores = random_scores(1, 6, 9, 11)
    assert (labels(scores)[0].numpy() == reference_labels(scores[0].numpy())).all()


def test_of_equal_scores_the_first_class_is_taken() -> None:
    scores = torch.tensor([-5.0, 3.0, 3.0]).view(1, 3, 1, 1).expand(1, 3, 4, 4)
    found = labels(scores)
    assert found.dtype == torch.uint8
    assert found.shape == (1, 16, 16)
    assert (found == 1).all()


def test_cells_hold_the_pixels_of_each_square() -> None:
    values = picture(8, 8)
    found = cells(values)
    assert found.shape == (1, 48, 2, 2)
    assert sorted(found[0, :16, 1, 0].tolist()) == sorted((values[0, 0, 4:, :4] - 128).flatten().tolist())
