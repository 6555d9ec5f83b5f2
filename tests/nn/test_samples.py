"""What training believes a sample costs is what the coder writes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from carcodec.nn.samples import SampleNetwork, freeze, sample_bits
from carcodec.residual.coding import CODING_ORDER, encode_samples
from carcodec.residual.model import SHAPES, SampleModel
from tests.stubs.samples import soft_picture

HEIGHT, WIDTH = 48, 80


def example_of(levels: np.ndarray, base: np.ndarray | None, step: int):  # type: ignore[no-untyped-def]
    """A picture's samples as the task gives them."""
    from carcodec.nn.samples import sample_inputs
    from carcodec.train.tasks.samples import Example

    def planes(picture: np.ndarray) -> torch.Tensor:
        colour = np.repeat(picture[..., None], 3, axis=2) if picture.ndim == 2 else picture
        return torch.from_numpy(colour[..., list(CODING_ORDER)].astype(np.float32)).permute(2, 0, 1)[None]

    values = np.minimum(levels.astype(np.uint16) * step, 255)
    steps = torch.tensor([float(step)])
    inputs = sample_inputs(
        planes(values),
        torch.zeros(1, 3, *levels.shape[:2]) if base is None else planes(base),
        torch.tensor([float(base is not None)]),
        steps,
    )
    return Example(*inputs, steps.expand(len(inputs[0]), 1), (levels.shape[:2],))


@pytest.fixture(scope="module")
def network() -> SampleNetwork:
    """Least squares, and random weights that make every layer count."""
    torch.manual_seed(4)
    network = SampleNetwork(width=12, inner=10, predictors=4)
    example = example_of(soft_picture(1, HEIGHT, WIDTH, 3), soft_picture(2, HEIGHT, WIDTH, 3), 1)
    network.begin(example.inputs, example.planes)
    with torch.no_grad():
        network.failed.weight.normal_(0, 0.2)
        for layers in network.planes:
            layers.tail.weight.mul_(4)  # type: ignore[union-attr, operator]
    return network.eval()


@pytest.mark.parametrize("colour", [True, False], ids=["colour", "gray"])
@pytest.mark.parametrize(("with_base", "step"), [(True, 1), (False, 1), (True, 5), (False, 17)])
def test_bits_in_training_are_the_bytes_that_are_written(
    network: SampleNetwork, colour: bool, with_base: bool, step: int
) -> None:
    shape = (HEIGHT, WIDTH, 3) if colour else (HEIGHT, WIDTH)
    levels = ((soft_picture(3, *shape).astype(np.uint16) + step // 2) // step).astype(np.uint8)
    base = soft_picture(4, *shape) if with_base else None
    with torch.no_grad():
        bits = example_of(levels, base, step).bits(network, torch.device("cpu")).double().sum(dim=0)
    expected = float(bits.sum() if colour else bits[0]) / 8
    written = len(encode_samples(levels, base, SampleModel(whole(network)), step))
    assert expected > 300
    assert abs(written - expected) <= 0.001 * expected + 1


def whole(network: SampleNetwork) -> dict[str, np.ndarray]:
    return {name: array.astype(np.int64) for name, array in freeze(network).items()}


def test_probabilities_of_all_levels_sum_to_one() -> None:
    rng = np.random.default_rng(2)
    for step in (1, 5, 25):
        values = torch.arange(0, 256, step, dtype=torch.float32)[: (255 + step // 2) // step + 1]
        fields = np.concatenate([rng.normal(0, 2, (1, 1, 3, 1)), rng.uniform(-60, 300, (1, 1, 3, 1))], axis=3)
        fields = np.concatenate([fields, rng.uniform(-1, 5, (1, 1, 3, 1))], axis=3)
        outputs = torch.from_numpy(fields.astype(np.float32)).expand(len(values), 3, 3, 3)
        planes = values[:, None].expand(-1, 3)
        bits = sample_bits(outputs, planes, torch.zeros_like(planes), torch.full((len(values), 1), float(step)))
        assert torch.exp2(-bits).sum(dim=0) == pytest.approx([1.0] * 3, abs=1e-4)


def test_frozen_numbers_are_those_of_the_format(network: SampleNetwork) -> None:
    arrays = freeze(network)
    assert arrays.keys() == SHAPES.keys()
    assert {array.dtype for array in arrays.values()} == {np.dtype(np.int32)}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e6])
def test_weights_that_are_not_finite_or_too_large_are_not_frozen(value: float) -> None:
    network = SampleNetwork(width=4, inner=4, predictors=2)
    with torch.no_grad():
        network.head.weight[0, 0] = value
    with pytest.raises(ValueError, match="finite or too large"):
        freeze(network)
