"""The training loop on a toy task: it learns, and a run that was stopped goes on to the same bits."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from carcodec.train.loop import Plan, Run, hidden_kernels
from carcodec.train.muon import orthogonalised

PLAN = Plan(steps=12, batch=4, warm_up=2, validate_every=4, save_every=0.0)


class ToyTask:
    """Learn to negate a picture with two convolutions."""

    def __init__(self) -> None:
        torch.manual_seed(3)
        self.network = nn.Sequential()
        for name, layer in (
            ("head", nn.Conv2d(1, 8, 3, padding=1)),
            ("hidden", nn.Conv2d(8, 8, 3, padding=1)),
            ("tail", nn.Conv2d(8, 1, 1)),
        ):
            self.network.add_module(name, layer)

    def batch(self, rng: np.random.Generator, n_crops: int) -> Tensor:
        return torch.from_numpy(rng.random((n_crops, 1, 8, 8), np.float32))

    def loss(self, batch: Tensor, device: torch.device, progress: float) -> tuple[Tensor, dict[str, float]]:
        error = (self.network(batch.to(device)) + batch.to(device)).square().mean()
        return error, {"error": error.item()}

    def validate(self, network: nn.Module, device: torch.device) -> dict[str, float]:
        with torch.no_grad():
            batch = self.batch(np.random.default_rng(0), 4)
            return {"gain": -(network(batch) + batch).square().mean().item()}


def run(folder, stop_at: int | None = None) -> dict[str, Tensor]:
    class Stop(Exception):
        pass

    task = ToyTask()
    a_run = Run(task, PLAN, folder, torch.device("cpu"))
    if stop_at is not None:
        save = a_run._save

        def save_and_stop() -> None:
            save()
            if a_run.step == stop_at:
                raise Stop

        a_run._save = save_and_stop
    with contextlib.suppress(Stop):
        a_run.go()
    return task.network.state_dict()


def test_a_run_that_was_stopped_goes_on_to_the_same_bits(tmp_path):
    whole = run(tmp_path / "whole")
    run(tmp_path / "parts", stop_at=5)
    parts = run(tmp_path / "parts")
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_it_learns_and_keeps_the_best_average(tmp_path):
    run(tmp_path)
    best = torch.load(tmp_path / "best.pt", weights_only=True)
    untrained = ToyTask()
    assert best["figures"]["gain"] > untrained.validate(untrained.network, torch.device("cpu"))["gain"]


def test_the_rate_rises_and_falls_to_zero():
    rates = [PLAN.rate_at(step) for step in range(PLAN.steps + 1)]
    assert rates[0] == PLAN.rate / 2
    assert max(rates) == PLAN.rate
    assert rates[-1] == 0


def test_muon_trains_inner_convolutions_only():
    network = ToyTask().network
    assert hidden_kernels(network) == {id(network.get_submodule("hidden").weight)}


@pytest.mark.parametrize("shape", [(8, 72), (72, 8), (16, 16)])
def test_orthogonalised_matrices_have_singular_values_near_one(shape):
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    values = torch.linalg.svdvals(orthogonalised(matrix))
    assert values.min() > 0.5
    assert values.max() < 1.4
