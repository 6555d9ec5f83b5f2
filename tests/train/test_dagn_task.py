"""DAGN's training: each encoder is held to its name, and to nothing that a part left out would need."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from carcodec.nn.restorer import Restorer
from carcodec.runtime import build
from carcodec.train.export import export
from carcodec.train.run import RECIPES, Start, read_recipe, train
from carcodec.train.tasks.dagn import (
    DagnTask,
    Discriminator,
    block_log_errors,
    directions,
    gradient_reversed,
    likeness,
)
from carcodec.train.tasks.restorer import FLOOR, Batch
from tests.stubs import models
from tests.stubs.photos import write_photos

CPU = torch.device("cpu")
SMALL = {"widths": [8, 12, 16], "depths": [1, 1, 1, 1, 1], "guide_width": 6, "crop": 32, "n_validation": 1}


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_photos(tmp_path_factory.mktemp("photos"))


def task_of(photos: Path, **options: Any) -> DagnTask:
    torch.manual_seed(2)
    return DagnTask(photos, read_recipe(RECIPES / "dagn.toml")["options"] | SMALL | options)


@pytest.fixture(scope="module")
def task(photos: Path) -> DagnTask:
    return task_of(photos)


@pytest.fixture(scope="module")
def batch(task: DagnTask) -> Batch:
    return task.batch(np.random.default_rng(1), 4)


def norms(task: DagnTask, part: str) -> float:
    gradients = [p.grad for p in task.network.get_submodule(part).parameters() if p.grad is not None]
    return float(sum(g.abs().sum() for g in gradients))


def test_every_part_learns(task: DagnTask, batch: Batch) -> None:
    optimiser = torch.optim.Adam(task.network.parameters(), 1e-3)
    for _ in range(2):  # layers that begin at zero stand between encoders and restoration
        optimiser.zero_grad()
        loss, figures = task.loss(batch, CPU, 0.5)
        loss.backward()
        optimiser.step()
    parts = ["probe", "discriminator", *(f"restorer.{part}" for part in ("tail", "trunk.fusion", "trunk.guide_fine"))]
    assert all(norms(task, part) > 0 for part in [*parts, "restorer.trunk.sensitive", "restorer.trunk.insensitive"])
    assert figures.keys() == {"log_mse", "log_error_off", "strength_off", "told_apart", "likeness"}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"sensitive": False, "insensitive": False, "fusion": False}, set()),
        ({"insensitive": False, "fusion": False}, {"log_error_off", "strength_off"}),
        ({"sensitive": False, "regularise": "none"}, set()),
        ({"sensitive": False, "regularise": "matching"}, {"likeness"}),
        ({"sensitive": False, "fusion": False}, {"likeness", "told_apart"}),
    ],
)
def test_a_part_left_out_asks_for_nothing(photos: Path, batch: Batch, options: dict[str, Any], told: set[str]) -> None:
    loss, figures = task_of(photos, **options).loss(batch, CPU, 0.5)
    assert loss.isfinite()
    assert figures.keys() == {"log_mse"} | told


def test_the_plain_trunk_is_trained_as_the_restorer_is(photos: Path, batch: Batch) -> None:
    loss, figures = task_of(photos, sensitive=False, insensitive=False, fusion=False).loss(batch, CPU, 0.5)
    assert loss.item() == pytest.approx(figures["log_mse"])


def test_an_unknown_regulariser_is_refused(photos: Path) -> None:
    with pytest.raises(ValueError, match="adversarial, matching, none"):
        task_of(photos, regularise="wgan")


def test_validation_tells_gains_first_and_the_double_jpeg_beside_them(task: DagnTask) -> None:
    figures = task.validate(task.network, CPU)
    assert next(iter(figures)) == "gain"
    assert {"q10", "q80", "q15b", "q10q50", "likeness", "log_error_off", "strength_off"} < figures.keys()
    assert figures["gain"] == pytest.approx(np.mean([figures[name] for name in figures if name in POINTS]), abs=1e-6)


POINTS = ("q10", "q20", "q40", "q80", "q15b", "q45b")


def test_the_reversed_gradient_passes_features_on_and_turns_back() -> None:
    features = torch.randn(2, 3, 4, 4, requires_grad=True)
    passed = gradient_reversed(features, 0.25)
    assert torch.equal(passed, features)
    passed.sum().backward()
    assert torch.equal(features.grad, torch.full_like(features, -0.25))


def test_a_discriminator_against_features_makes_them_alike() -> None:
    torch.manual_seed(1)
    offset = torch.nn.Parameter(torch.tensor([2.0, -2.0, 1.0, -1.0]))
    discriminator = Discriminator(4)
    optimiser = torch.optim.Adam([{"params": offset, "lr": 2e-2}, {"params": discriminator.parameters(), "lr": 5e-3}])
    before = abs(offset).sum().item()
    for _ in range(150):
        original = torch.randn(8, 4, 4, 4)
        compressed = torch.randn(8, 4, 4, 4) + offset.view(1, 4, 1, 1)
        logits = discriminator(gradient_reversed(torch.cat([compressed, original]), 1.0))
        truth = torch.zeros_like(logits)
        truth[:8] = 1
        optimiser.zero_grad()
        torch.nn.functional.binary_cross_entropy_with_logits(logits, truth).backward()
        optimiser.step()
    assert abs(offset).sum().item() < 0.5 * before


def test_likeness_is_of_directions_alone() -> None:
    one = torch.randn(2, 5, 3, 3)
    assert likeness(one, 7 * one).item() == pytest.approx(1)
    assert likeness(one, -one).item() == pytest.approx(-1)
    assert directions(one).norm(dim=1).numpy() == pytest.approx(1)


def test_errors_are_told_by_block(batch: Batch) -> None:
    def squared(place: tuple[slice, slice]) -> Tensor:
        return (batch.base[1][:, *place] - batch.original[1][:, *place]).square().mean()

    found = block_log_errors(batch)
    assert found.shape == (4, 4, 4)
    expected = torch.log(squared((slice(8, 16), slice(24, 32))) + FLOOR)
    assert found[1, 1, 3].item() == pytest.approx(expected.item(), rel=1e-4)


RECIPE = """
task = "dagn"
start_into = "restorer"
[plan]
steps = 2
batch = 2
warm_up = 1
[options]
widths = [8, 12, 16]
depths = [1, 1, 1, 1, 1]
guide_width = 6
crop = 32
n_validation = 1
regularise = "adversarial"
w_sensitive = 0.05
w_insensitive = 0.02
[options.mixture]
p_double = 0.5
"""


def test_a_run_begins_from_a_plain_trunk_and_what_it_ships_holds_the_restorer_alone(
    photos: Path, tmp_path: Path
) -> None:
    (tmp_path / "small.toml").write_text(RECIPE)
    plain = Restorer((8, 12, 16), (1, 1, 1, 1, 1))
    torch.save({"network": plain.state_dict()}, tmp_path / "plain.pt")
    train(tmp_path / "small.toml", photos, tmp_path / "run", CPU, [Start(tmp_path / "plain.pt")])
    arguments = {"widths": [8, 12, 16], "depths": [1, 1, 1, 1, 1], "guide_width": 6}
    fields = models.fields(5, "dagn-1", "restorer", "dagn", arguments)
    card = export(tmp_path / "run" / "best.pt", fields, tmp_path, prefix="restorer.")
    shipped = build(card, tmp_path)
    assert card.validation.keys() > {"gain", "q10q50"}
    # Two steps of a rate of 1e-3: the trunk that it began from still shows.
    assert torch.allclose(shipped.trunk.head.weight, plain.trunk.head.weight, atol=5e-3)
    assert not torch.equal(shipped.trunk.head.weight, plain.trunk.head.weight)
