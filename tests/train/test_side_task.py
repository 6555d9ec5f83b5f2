"""Side information's training: every network learns, whichever trunk it stands on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from carcodec.nn.dagn import GuidedDagn
from carcodec.nn.descriptor import GuidedRestorer
from carcodec.train.run import RECIPES, read_recipe
from carcodec.train.tasks import side
from carcodec.train.tasks.restorer import Batch
from carcodec.train.tasks.side import SideTask
from tests.stubs.photos import write_photos

CPU = torch.device("cpu")
SMALL = {
    "widths": [6, 8, 12],
    "depths": [1, 1, 1, 1, 1],
    "guide_width": 4,
    "context_width": 4,
    "crop": 32,
    "n_validation": 1,
}


def learns(part: nn.Module) -> bool:
    return any(p.grad is not None and bool(p.grad.any()) for p in part.parameters())


@pytest.mark.parametrize(("recipe", "network_class"), [("side", GuidedRestorer), ("side-dagn", GuidedDagn)])
def test_every_network_of_the_mode_learns(tmp_path: Path, recipe: str, network_class: type) -> None:
    torch.manual_seed(2)
    task = SideTask(write_photos(tmp_path), read_recipe(RECIPES / f"{recipe}.toml")["options"] | SMALL)
    assert type(task.network.restorer) is network_class
    # The tail begins at zero, and behind zeros nothing is learned in a first step.
    torch.nn.init.normal_(task.network.restorer.tail.conv.weight, std=0.01)
    loss, figures = task.loss(task.batch(np.random.default_rng(1), 2), CPU, 0.9)
    loss.backward()
    assert figures["lambda"] == 1
    parts = ("restorer.guided.mapping", "extractor", "context", *(["restorer.trunk.head"] if recipe == "side" else []))
    assert all(learns(task.network.get_submodule(part)) for part in parts)
    assert recipe == "side" or not learns(task.network.restorer.trunk)
    assert next(iter(task.validate(task.network, CPU))) == "gain"


@pytest.mark.parametrize(("recipe", "n_guided"), [("side", 2), ("side-dagn", 3)])
def test_guidance_that_learns_alone_learns_on_every_crop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recipe: str, n_guided: int
) -> None:
    def counted(networks: side.SideNetworks, batch: Batch, *arguments: Any) -> side.Choice:
        seen.append(len(batch.original))
        return choose(networks, batch, *arguments)

    seen: list[int] = []
    choose = side.choose
    monkeypatch.setattr(side, "choose", counted)
    task = SideTask(write_photos(tmp_path), read_recipe(RECIPES / f"{recipe}.toml")["options"] | SMALL)
    task.loss(task.batch(np.random.default_rng(1), 3), CPU, 0.9)
    assert seen == [n_guided]
