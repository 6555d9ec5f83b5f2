import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch

from carcodec.descriptor.coding import cost_bits, decode_symbols, encode_symbols
from carcodec.descriptor.context import ContextModel
from carcodec.nn.context import ContextNetwork, site_bits
from carcodec.nn.freeze import freeze, freezing_cost, save_frozen
from tests.stubs.grids import markov_grid

GRIDS = [(markov_grid(np.random.default_rng(seed), 16, 24, seed), seed) for seed in range(8)]


@pytest.fixture(scope="module")
def trained() -> ContextNetwork:
    """Half a minute's learning in a second or two: far from the best, but no longer at random."""
    torch.manual_seed(1)
    network = ContextNetwork(16)
    optimiser = torch.optim.Adam(network.parameters(), 1e-2)
    codes = torch.stack([torch.from_numpy(symbols.astype(np.int64)) for symbols, _ in GRIDS])
    classes = torch.tensor([klass for _, klass in GRIDS])
    for _ in range(60):
        optimiser.zero_grad()
        site_bits(network(codes, classes), codes).mean().backward()
        optimiser.step()
    return network


def test_freezing_costs_under_one_percent_of_the_bits(trained: ContextNetwork) -> None:
    fresh = [(markov_grid(np.random.default_rng(50 + seed), 16, 24, seed), seed) for seed in range(8)]
    in_float, frozen = freezing_cost(trained, fresh)
    n_sites = sum(symbols.size for symbols, _ in fresh)
    assert 0.5 < in_float / n_sites < 2.5  # it has learned: chance is 4 bits
    assert frozen < 1.01 * in_float


def test_the_rounding_in_training_is_the_rounding_of_freezing(trained: ContextNetwork) -> None:
    symbols, klass = GRIDS[3]
    codes = torch.from_numpy(symbols.astype(np.int64))[None]
    with torch.no_grad():
        simulated = site_bits(trained(codes, torch.tensor([klass])), codes)[0].numpy()
    frozen = cost_bits(symbols, ContextModel({k: v.astype(np.int64) for k, v in freeze(trained).items()}), klass)
    # What is left is a score's unit (1/64 bit) and sums that float32 rounded to the other side.
    assert abs(frozen - simulated).max() < 0.06
    assert abs(frozen - simulated).mean() < 0.01


def test_saved_model_codes_and_its_digest_is_the_files(trained: ContextNetwork, tmp_path: Path) -> None:
    path = tmp_path / "context.safetensors"
    digest = save_frozen(freeze(trained), path)
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()
    model = ContextModel.load(path)
    symbols, klass = GRIDS[5]
    payload = encode_symbols(symbols, model, klass)
    assert (decode_symbols(payload, *symbols.shape, model, klass) == symbols).all()


def test_weights_beyond_the_range_are_clamped_as_in_training() -> None:
    network = ContextNetwork(4)
    with torch.no_grad():
        network.hidden1.weight.fill_(1000.0)
    assert (freeze(network)["hidden1.weight"] == 32767).all()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e9])
def test_a_network_that_went_wrong_is_not_frozen(value: float) -> None:
    network = ContextNetwork(4)
    with torch.no_grad():
        network.tail.bias[3] = value
    with pytest.raises(ValueError, match="freeze"):
        freeze(network)


def test_arrays_that_are_no_model_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must hold"):
        save_frozen({"rate": np.zeros((8, 4), np.int16)}, tmp_path / "no.safetensors")
    assert not (tmp_path / "no.safetensors").exists()
