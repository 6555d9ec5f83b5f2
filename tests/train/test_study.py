"""The study's table: costs and gains of runs, the projection measured beside."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from carcodec.jpeg.tables import STANDARD
from carcodec.nn.restorer import Restorer
from carcodec.runtime import Engine
from carcodec.train import study
from carcodec.train.degrade import degrade
from carcodec.train.study import Projected, row, table
from carcodec.train.tasks.restorer import Batch, collate, gains

RECIPE = """
task = "{task}"
[options]
widths = [6, 8, 12]
depths = [1, 1, 1, 1, 1]
guide_width = 4
"""


class Blur(nn.Module):
    """Adds far too much: the projection must help."""

    def forward(self, base: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        return base + 0.2 * torch.sin(40 * base)


@pytest.fixture
def points() -> dict[str, Batch]:
    rng = np.random.default_rng(2)
    picture = np.clip(rng.normal(size=(64, 64, 3)).cumsum(0).cumsum(1) + 128, 40, 210).astype(np.uint8)
    return {"q30": collate([degrade(picture, 30, STANDARD, "4:2:0")])}


def test_projection_helps_a_restoration_that_strays(points: dict[str, Batch]) -> None:
    cpu = torch.device("cpu")
    assert gains(Projected(Blur()), points, cpu)["q30"] > gains(Blur(), points, cpu)["q30"] + 0.5


@pytest.mark.parametrize("task", ["restorer", "dagn"])
def test_a_row_tells_costs_steps_and_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, points: dict[str, Batch], task: str
) -> None:
    from carcodec.nn.dagn import Dagn

    monkeypatch.setattr(study, "RECIPES", tmp_path)
    monkeypatch.setattr(study, "PICTURE_PX", (32, 32))
    (tmp_path / "small.toml").write_text(RECIPE.format(task=task))
    shape = [6, 8, 12], [1, 1, 1, 1, 1]
    network = nn.ModuleDict({"restorer": Dagn(*shape, 4)}) if task == "dagn" else Restorer(*shape)
    folder = tmp_path / "small"
    folder.mkdir()
    torch.save({"network": network.state_dict(), "step": 7, "figures": {"gain": 0.5, "q30": 1.25}}, folder / "best.pt")
    cells = row(folder, Engine("cpu", 1), points)
    assert (cells["run"], cells["steps"], cells["gain"], cells["q30"]) == ("small", "7", "+0.500", "+1.250")
    assert abs(float(cells["gain, projected"])) < 0.01  # untrained networks leave the JPEG, which lies inside
    assert float(cells["ms"]) >= 0


def test_a_table_has_a_line_a_run_and_every_figure() -> None:
    lines = table([{"run": "a", "q10": "+1"}, {"run": "b", "q20": "+2"}]).splitlines()
    assert lines == ["| run | q10 | q20 |", "| --- | --- | --- |", "| a | +1 |  |", "| b |  | +2 |"]
