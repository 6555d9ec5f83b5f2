"""The training loop: seeded batches, Muon and AdamW, EMA, checkpoints that resume to the same bits.

Batch `i` depends on the seed and `i` alone, so a run that was killed goes on as if it had not been.
A run keeps its rate, then lets it decay. What stood before the decay stays in `plateau.pt`: as `last.pt` of a new
folder, under a plan of more steps, it goes on as if the first run had been planned longer.
Under `torchrun` every process takes its own batches and gradients are averaged over all of them (all_reduce).
"""

from __future__ import annotations

import copy
import json
import os
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed
from torch import Tensor, nn
from tqdm import tqdm

from carcodec.nn.exact import ExactConv2d
from carcodec.train.muon import Muon
from carcodec.train.tasks.base import Task

OPTIMISERS = ("muon", "adamw")


@dataclass(frozen=True)
class Plan:
    """The numbers of a run.

    Attributes:
        steps: optimiser steps in all.
        seconds: time in all, 0 for any: the run ends by this or by its steps, whichever comes first. Equal time for
            unlike networks; such a run does not repeat itself to the same bits.
        batch: crops a step, of all processes together.
        rate: peak learning rate (Muon and AdamW alike).
        warm_up: steps of linear rise.
        decay: share of the run, at the end, over which the rate falls linearly to zero.
        optimiser: of hidden convolutions, a key of `OPTIMISERS`; AdamW trains everything else.
        ema: decay of the averaged weights.
        seed: of batches and initial weights.
        validate_every: steps from one validation to the next.
        save_every: seconds from one checkpoint to the next.
    """

    steps: int
    batch: int
    seconds: float = 0.0
    rate: float = 1e-3
    warm_up: int = 100
    decay: float = 0.5
    optimiser: str = "muon"
    ema: float = 0.998
    seed: int = 1
    validate_every: int = 500
    save_every: float = 120.0

    def __post_init__(self) -> None:
        if self.optimiser not in OPTIMISERS:
            raise ValueError(f"optimiser must be one of {', '.join(OPTIMISERS)}, not {self.optimiser!r}")

    def progress(self, step: int, seconds: float) -> float:
        """Share of the run that is done, 0..1, after so many steps in so many seconds."""
        by_time = seconds / self.seconds if self.seconds else 0.0
        return min(1.0, max(step / self.steps, by_time))

    def rate_at(self, step: int, progress: float) -> float:
        """Learning rate of a step."""
        rise = min(1.0, (step + 1) / self.warm_up)
        return self.rate * rise * (min(1.0, (1 - progress) / self.decay) if self.decay else 1.0)

    def decays_at(self, progress: float) -> bool:
        """Whether the rate falls by then."""
        return progress > 1 - self.decay


def hidden_kernels(network: nn.Module) -> set[int]:
    """ids of the weights that Muon trains: convolutions but for heads and tails, which read and write other things."""
    return {
        id(layer.weight)
        for name, layer in network.named_modules()
        if isinstance(layer, (nn.Conv2d, ExactConv2d)) and not {"head", "tail"} & set(name.split("."))
    }


def optimisers(network: nn.Module, plan: Plan) -> list[torch.optim.Optimizer]:
    """Those of a plan, each with the weights that it trains."""
    trained = [p for p in network.parameters() if p.requires_grad]
    by_muon = hidden_kernels(network) if plan.optimiser == "muon" else set()
    others = [p for p in trained if id(p) not in by_muon]
    found: list[torch.optim.Optimizer] = [
        torch.optim.AdamW(others, plan.rate, betas=(0.9, 0.99), weight_decay=0.0),
    ]
    if by_muon:
        found.insert(0, Muon([p for p in trained if id(p) in by_muon], plan.rate))
    return found


class Run:
    """A run folder: `last.pt` (resumable), `plateau.pt` (the same, before the decay), `log.jsonl`, and `best.pt` (EMA
    weights) by validation.

    Raises:
        ValueError: a limit of time for several processes, which would not end at the same step, or a batch that they
            cannot share.
    """

    def __init__(self, task: Task, plan: Plan, folder: Path, device: torch.device) -> None:
        self.task, self.plan, self.folder, self.device = task, plan, folder, device
        self.rank = int(os.environ.get("RANK", 0))
        self.world = int(os.environ.get("WORLD_SIZE", 1))
        if plan.seconds and self.world > 1:
            raise ValueError("a run of several processes can't be limited by time")
        if plan.batch % self.world:
            raise ValueError(f"a batch of {plan.batch} cannot be shared evenly by {self.world} processes")
        task.network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimisers = optimisers(task.network, plan)
        self.average = copy.deepcopy(task.network).eval().requires_grad_(False)
        self.step = 0
        self.seconds = 0.0  # of training, validations and checkpoints not counted
        self.best = float("-inf")
        folder.mkdir(parents=True, exist_ok=True)

    def go(self) -> None:
        """Train from where the folder stands to the end of the plan."""
        self._resume()
        if self.progress < 1 and self.plan.decays_at(self.progress) and not (self.folder / "plateau.pt").exists():
            # Resumed under a shorter plan, whose rate falls by now: what stands here is the last of the plateau.
            self._save("plateau.pt")
        with (
            ThreadPoolExecutor(1) as pool,
            tqdm(total=self.plan.steps, initial=self.step, disable=None if self.rank == 0 else True) as bar,
        ):
            ahead = [self._submit(pool, self.step + i) for i in range(3)]
            saved = time.monotonic()
            while self.progress < 1:
                start = time.monotonic()
                before = self.progress
                figures = self._train(ahead.pop(0).result())
                ahead.append(self._submit(pool, self.step + 3))
                self.step += 1
                self.seconds += time.monotonic() - start
                bar.update()
                done = self.progress >= 1
                if self.plan.decays_at(self.progress) and not self.plan.decays_at(before):
                    self._save("plateau.pt")
                if self.step % 50 == 0:
                    self._log(figures | {"rate": self.plan.rate_at(self.step, self.progress)})
                if self.step % self.plan.validate_every == 0 or done:
                    self._validate()
                if time.monotonic() - saved > self.plan.save_every or done:
                    self._save("last.pt")
                    saved = time.monotonic()

    @property
    def progress(self) -> float:
        """Share of the plan that is done."""
        return self.plan.progress(self.step, self.seconds)

    def _submit(self, pool: ThreadPoolExecutor, step: int) -> Future[Any]:
        rng = np.random.default_rng((self.plan.seed, step, self.rank))
        return pool.submit(self.task.batch, rng, self.plan.batch // self.world)

    def _train(self, batch: Any) -> dict[str, float]:
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = self.plan.rate_at(self.step, self.progress)
        with torch.autocast(self.device.type, torch.bfloat16):
            loss, figures = self.task.loss(batch, self.device, self.progress)
        loss.backward()  # type: ignore[no-untyped-call]
        self._average_gradients()
        for optimiser in self.optimisers:
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        self._update_average()
        return figures

    def _average_gradients(self) -> None:
        if self.world == 1:
            return
        for p in self.task.network.parameters():
            if p.grad is not None:
                torch.distributed.all_reduce(p.grad)
                p.grad.div_(self.world)

    @torch.no_grad()
    def _update_average(self) -> None:
        # Young averages forget faster, so that the first steps do not linger.
        decay = min(self.plan.ema, (1 + self.step) / (10 + self.step))
        pairs = list(zip(self.average.parameters(), self.task.network.parameters(), strict=True))
        averages: list[Tensor] = [a for a, _ in pairs]
        torch._foreach_lerp_(averages, [p.detach() for _, p in pairs], 1 - decay)

    def _validate(self) -> None:
        if self.rank != 0:
            return
        with torch.autocast(self.device.type, torch.bfloat16):
            figures = self.task.validate(self.average, self.device)
        self._log({f"val_{name}": value for name, value in figures.items()})
        score = next(iter(figures.values()))
        # A prolonged run brings the score of its plateau, but not its weights.
        if score > self.best or not (self.folder / "best.pt").exists():
            self.best = score
            self._write("best.pt", {"network": self.average.state_dict(), "step": self.step, "figures": figures})

    def _log(self, figures: dict[str, float]) -> None:
        if self.rank != 0:
            return
        with (self.folder / "log.jsonl").open("a") as log:
            log.write(
                json.dumps(
                    {"step": self.step, "time": round(time.time())} | {k: round(v, 6) for k, v in figures.items()}
                )
                + "\n"
            )

    def _save(self, name: str) -> None:
        if self.rank != 0:
            return
        state = {
            "step": self.step,
            "seconds": self.seconds,
            "best": self.best,
            "network": self.task.network.state_dict(),
            "average": self.average.state_dict(),
            "optimisers": [o.state_dict() for o in self.optimisers],
        }
        self._write(name, state)

    def _write(self, name: str, state: dict[str, Any]) -> None:
        """Whole or not at all."""
        partial = self.folder / f"{name}.partial"
        torch.save(state, partial)
        partial.replace(self.folder / name)

    def _resume(self) -> None:
        path = self.folder / "last.pt"
        if not path.exists():
            return
        state = torch.load(path, map_location=self.device, weights_only=True)
        self.step, self.seconds, self.best = state["step"], state.get("seconds", 0.0), state["best"]
        self.task.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        for optimiser, saved in zip(self.optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(saved)
