"""The rivals have the sizes that were published: weights, and multiply-accumulates a pixel."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from carcodec.nn.cost import multiply_accumulates, weights
from carcodec.nn.published import EdsrBaseline, Fbcnn
from carcodec.nn.restorer import Restorer


def on_meta(network_class: type[nn.Module]) -> nn.Module:
    with torch.device("meta"):
        return network_class()


def test_fbcnn_has_the_published_size() -> None:
    network = on_meta(Fbcnn)
    assert weights(network) == pytest.approx(71.92e6, rel=1e-3)  # the authors' table: 71.922 M
    assert multiply_accumulates(network) == pytest.approx(1420.8e9 / 2 / 512**2, rel=2e-3)


def test_edsr_baseline_has_the_published_size() -> None:
    network = on_meta(EdsrBaseline)
    kernels = 3 * 64 * 9 * 2 + 33 * 64 * 64 * 9
    assert weights(network) == kernels + 34 * 64 + 3
    assert multiply_accumulates(network) == kernels


@pytest.mark.parametrize("network", [EdsrBaseline(8, 2), Fbcnn((4, 6, 8, 10), 1)])
def test_a_published_shape_runs_as_ours_do(network: nn.Module) -> None:
    with torch.no_grad():
        assert network(torch.rand(1, 3, 16, 24), torch.rand(1, 131)).shape == (1, 3, 16, 24)


def test_counting_computes_nothing_and_leaves_the_network_as_it_was() -> None:
    network = Restorer((6, 8, 12), (1, 1, 1, 1, 1))
    before = {name: weight.clone() for name, weight in network.state_dict().items()}
    first = multiply_accumulates(network)
    assert multiply_accumulates(network) == first
    assert all(torch.equal(before[name], weight) for name, weight in network.state_dict().items())
    fine = 2 * (6 * 6 * 9) * 2 + 12 * 6 * 9 * 2  # two blocks, head and tail, at half resolution
    assert fine / 4 < first < 3 * fine / 4
