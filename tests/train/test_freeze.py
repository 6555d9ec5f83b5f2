"""Freezing by command: the network is found by itself and among others, and the cost is told."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from carcodec.descriptor.context import ContextModel
from carcodec.nn.context import ContextNetwork
from carcodec.train import freeze
from tests.stubs.grids import markov_grid


@pytest.mark.parametrize("prefix", ["", "context."])
def test_a_run_is_frozen_and_the_cost_is_told(tmp_path, monkeypatch, capsys, prefix):
    torch.manual_seed(1)
    weights = {prefix + name: weight for name, weight in ContextNetwork(8).state_dict().items()}
    torch.save({"network": weights | ({"restorer.bias": torch.zeros(1)} if prefix else {})}, tmp_path / "best.pt")
    grid = markov_grid(np.random.default_rng(2), 6, 9)
    np.savez(tmp_path / "maps.npz", symbols=grid.ravel(), shapes=[grid.shape], classes=np.array([3], np.uint8))
    paths = [str(tmp_path / name) for name in ("best.pt", "frozen", "maps.npz")]
    monkeypatch.setattr("sys.argv", ["freeze", *paths])
    freeze.main()
    told = capsys.readouterr().out
    assert "54 sites" in told
    assert abs(float(told.split("costs ")[1].split(" %")[0])) < 1
    ContextModel.load(tmp_path / "frozen")
