from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from carcodec.nn.exact import (
    SUM_LIMIT,
    ExactBlock,
    ExactConv2d,
    frozen,
    load_frozen,
    rectified,
    rounded,
)


def whole_picture(*shape: int, least: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(3).integers(least, 256, shape).astype(np.float32))


def seeded(network_class: type[nn.Module], *arguments: int, **options: int) -> nn.Module:
    torch.manual_seed(6)
    network = network_class(*arguments, **options)
    for name, parameter in network.named_parameters():
        if name.endswith("bias"):
            nn.init.normal_(parameter, std=0.3)
    return network


@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("bits", [7, 8])
def test_sums_are_those_of_integers(size: int, bits: int) -> None:
    layer = seeded(ExactConv2d, 5, 4, size=size, bits=bits)
    x = whole_picture(2, 5, 6, 7, least=-255)
    with torch.no_grad():
        found = (layer.eval()(x) * 2**bits).numpy()
    weight = layer.whole_weight().numpy().astype(np.int64)
    padded = np.pad(x.numpy().astype(np.int64), ((0, 0), (0, 0), (size // 2,) * 2, (size // 2,) * 2))
    expected = np.zeros(found.shape, np.int64) + layer.whole_bias().numpy().astype(np.int64)[None, :, None, None]
    for dy, dx in np.ndindex(size, size):
        expected += np.einsum("oc,nchw->nohw", weight[:, :, dy, dx], padded[:, :, dy : dy + 6, dx : dx + 7])
    assert (found == expected).all()


@pytest.mark.parametrize("shape", [(1, 8, 1, 1), (2, 8, 9, 13), (1, 8, 32, 32)], ids=str)
def test_training_computes_what_will_run(shape: tuple[int, ...]) -> None:
    block = seeded(ExactBlock, 8)
    x = whole_picture(*shape)
    with torch.no_grad():
        trained, run = block.train()(x), block.eval()(x)
    assert torch.equal(trained, run)
    assert torch.equal(run, run.round())
    assert run.std() > 10 or run.numel() < 10


def test_halves_are_rounded_upwards_and_ends_held() -> None:
    values = torch.tensor([-1.5, -0.5, 0.5, 1.5, 2.49, 254.5, 255.5, 1e6, -1e6])
    assert rectified(values).tolist() == [0, 0, 1, 2, 2, 255, 255, 255, 0]
    assert rounded(values, -2, 2).tolist() == [-1, 0, 1, 2, 2, 2, 2, 2, -2]


def test_gradients_pass_where_nothing_is_clamped() -> None:
    values = torch.tensor([-3.0, 7.3, 254.9, 300.0], requires_grad=True)
    rectified(values).sum().backward()
    assert values.grad is not None
    assert values.grad.tolist() == [0, 1, 1, 0]
    layer = seeded(ExactConv2d, 3, 2)
    layer(whole_picture(1, 3, 5, 5)).sum().backward()
    assert all(parameter.grad.abs().min() > 0 for parameter in layer.parameters())


def test_the_bound_is_the_largest_sum_that_can_occur() -> None:
    layer = seeded(ExactConv2d, 3, 2, size=1)
    weight, bias = layer.whole_weight(), layer.whole_bias()
    worst = max(int((weight[o].abs() * layer.largest_input).sum() + bias[o].abs()) for o in range(2))
    assert layer.largest_sum() == worst
    sign = torch.sign(weight) * torch.where(bias < 0, -1.0, 1.0)[:, None, None, None]
    with torch.no_grad():
        reached = max(float(layer.eval()(255 * sign[o : o + 1])[0, o].abs()) for o in range(2))
    assert reached * 2**layer.bits == worst


@pytest.mark.parametrize("part", ["weight", "bias"])
def test_a_network_whose_sums_could_lose_a_bit_is_not_frozen(part: str) -> None:
    layer = ExactConv2d(600, 1)
    nn.init.zeros_(layer.weight)
    assert layer.largest_sum() == 0
    getattr(layer, part).data.fill_(1 if part == "weight" else SUM_LIMIT / 2**7 / 64)
    with pytest.raises(ValueError, match="beyond 2"):
        frozen(nn.Sequential(layer))


def test_what_was_frozen_computes_the_same() -> None:
    block = seeded(ExactBlock, 6)
    x = whole_picture(1, 6, 9, 9)
    with torch.no_grad():
        before = block.eval()(x)
    other = ExactBlock(6)
    load_frozen(other, frozen(block))
    assert not other.training
    assert torch.equal(other(x), before)
    assert all((frozen(other)[name] == array).all() for name, array in frozen(block).items())


def test_frozen_numbers_that_do_not_fit_are_refused() -> None:
    arrays = frozen(ExactBlock(6))
    with pytest.raises(ValueError, match="do not fit"):
        load_frozen(ExactBlock(5), arrays)
    without = {name: array for name, array in arrays.items() if name != "conv2.bias"}
    with pytest.raises(ValueError, match=r"lacks conv2\.bias"):
        load_frozen(ExactBlock(6), without)
    with pytest.raises(ValueError, match="beyond 2"):
        load_frozen(ExactBlock(6), arrays | {"conv1.bias": np.full(6, 1 << 24, np.int32)})
