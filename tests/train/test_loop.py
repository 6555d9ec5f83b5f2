"""The training loop on a toy task: it learns, and a run that was stopped goes on to the same bits."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from carcodec.train import loop
from carcodec.train.loop import Plan, Run, hidden_kernels, optimisers
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


def run(folder: Path, stop_at: int | None = None, plan: Plan = PLAN) -> None:
    class Stop(Exception):
        pass

    a_run = Run(ToyTask(), plan, folder, torch.device("cpu"))
    if stop_at is not None:
        save = a_run._save

        def save_and_stop(name: str) -> None:
            save(name)
            if a_run.step == stop_at:
                raise Stop

        a_run._save = save_and_stop
    with contextlib.suppress(Stop):
        a_run.go()


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def same_ends(one: Path, other: Path) -> bool:
    """Whether two runs left the same weights, as trained and averaged, the last and the best."""
    last, best = (
        [torch.load(run / name, weights_only=True) for run in (one, other)] for name in ("last.pt", "best.pt")
    )
    return (
        all(same(last[0][name], last[1][name]) for name in ("network", "average"))
        and last[0]["best"] == last[1]["best"]
        and best[0]["step"] == best[1]["step"]
        and same(best[0]["network"], best[1]["network"])
    )


def test_a_run_that_was_stopped_goes_on_to_the_same_bits(tmp_path):
    run(tmp_path / "whole")
    run(tmp_path / "parts", stop_at=5)
    run(tmp_path / "parts")
    assert same_ends(tmp_path / "whole", tmp_path / "parts")


def test_it_learns_and_keeps_the_best_average(tmp_path):
    run(tmp_path)
    best = torch.load(tmp_path / "best.pt", weights_only=True)
    untrained = ToyTask()
    assert best["figures"]["gain"] > untrained.validate(untrained.network, torch.device("cpu"))["gain"]


def test_the_rate_rises_stays_and_falls_to_zero():
    rates = [PLAN.rate_at(step, PLAN.progress(step, 0)) for step in range(PLAN.steps + 1)]
    assert rates[0] == PLAN.rate / 2
    assert rates[1:7] == [PLAN.rate] * 6
    assert rates[6:] == sorted(rates[6:], reverse=True)
    assert rates[-1] == 0


def test_a_finished_run_is_prolonged_from_its_plateau(tmp_path):
    longer = replace(PLAN, steps=18)
    run(tmp_path / "whole", plan=longer)
    run(tmp_path / "short")
    (tmp_path / "longer").mkdir()
    (tmp_path / "short" / "plateau.pt").rename(tmp_path / "longer" / "last.pt")
    run(tmp_path / "longer", plan=longer)
    assert same_ends(tmp_path / "whole", tmp_path / "longer")


def test_a_run_that_is_ended_early_leaves_its_plateau_too(tmp_path):
    run(tmp_path, stop_at=9, plan=replace(PLAN, steps=100))
    assert not (tmp_path / "plateau.pt").exists()
    run(tmp_path)  # 12 steps, of which the last six decay
    assert torch.load(tmp_path / "plateau.pt", weights_only=True)["step"] == 9


def test_a_prolonged_run_has_a_best_of_its_own_even_if_it_was_better_before(tmp_path):
    run(tmp_path, stop_at=5)
    last = torch.load(tmp_path / "last.pt", weights_only=True)
    torch.save(last | {"best": 1e9}, tmp_path / "last.pt")
    (tmp_path / "best.pt").unlink()
    run(tmp_path)
    assert torch.load(tmp_path / "best.pt", weights_only=True)["step"] > 5
    assert not list(tmp_path.glob("*.partial"))


def test_processes_share_a_batch_evenly(tmp_path, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "3")
    with pytest.raises(ValueError, match="shared evenly"):
        Run(ToyTask(), PLAN, tmp_path, torch.device("cpu"))


def test_a_limit_of_time_ends_a_run_and_its_rate_falls_with_it(tmp_path, monkeypatch):
    # One second a look at the clock: a step begins and ends with one, a third asks whether to save.
    clock = iter(range(1000))
    monkeypatch.setattr(loop, "time", SimpleNamespace(monotonic=lambda: next(clock), time=lambda: 0))
    plan = replace(PLAN, seconds=5.0, steps=1000, validate_every=1000)
    run(tmp_path, plan=plan)
    last = torch.load(tmp_path / "last.pt", weights_only=True)
    assert (last["step"], last["seconds"]) == (5, 5.0)
    assert plan.rate_at(4, plan.progress(4, 4.0)) == pytest.approx(plan.rate * 0.4)
    assert (tmp_path / "best.pt").exists()


def test_several_processes_are_not_limited_by_time(tmp_path, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ValueError, match="limited by time"):
        Run(ToyTask(), replace(PLAN, seconds=5.0), tmp_path, torch.device("cpu"))


def test_the_optimiser_of_the_hidden_layers_is_chosen(tmp_path):
    network = ToyTask().network
    assert [type(each).__name__ for each in optimisers(network, PLAN)] == ["Muon", "AdamW"]
    (alone,) = optimisers(network, replace(PLAN, optimiser="adamw"))
    assert len(alone.param_groups[0]["params"]) == len(list(network.parameters()))
    with pytest.raises(ValueError, match="sgd"):
        replace(PLAN, optimiser="sgd")


def test_muon_trains_inner_convolutions_only():
    network = ToyTask().network
    assert hidden_kernels(network) == {id(network.get_submodule("hidden").weight)}


@pytest.mark.parametrize("shape", [(8, 72), (72, 8), (16, 16)])
def test_orthogonalised_matrices_have_singular_values_near_one(shape):
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    values = torch.linalg.svdvals(orthogonalised(matrix))
    assert values.min() > 0.5
    assert values.max() < 1.4
