"""What crops of a batch weigh beside each other, by loss."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from carcodec.jpeg.tables import STANDARD
from carcodec.train.degrade import degrade
from carcodec.train.tasks.restorer import (
    Batch,
    RestorerTask,
    absolute_error,
    busynesses,
    collate,
    log_squared_error,
    squared_error,
    tempered_squared_error,
)
from tests.stubs.models import DEPTHS, WIDTHS
from tests.stubs.photos import write_photos

SMOOTH, USUAL, BUSY = 1e-5, 1.5e-3, 2e-2  # mean squared errors at quality 10, range 0..1


def batch_at(quality: int, n_crops: int = 3, busyness: float = 1.0) -> Batch:
    picture = np.random.default_rng(4).integers(0, 256, (16, 16, 3), np.uint8)
    return collate([degrade(picture, quality, STANDARD, "4:2:0")] * n_crops, [busyness] * n_crops)


def weights(loss: Callable[[Tensor, Batch], Tensor], quality: int, busyness: float = 1.0) -> list[float]:
    """How much of the loss each crop's squared error is worth: SMOOTH, USUAL, BUSY."""
    batch = batch_at(quality, busyness=busyness)
    errors = torch.tensor([SMOOTH, USUAL, BUSY], requires_grad=True)
    off = errors.sqrt().view(-1, 1, 1, 1).expand_as(batch.original)
    loss(batch.original + off, batch).sum().backward()
    assert errors.grad is not None
    return [float(weight) for weight in errors.grad]


def test_the_logarithm_weighs_crops_by_their_own_error_down_to_its_floor() -> None:
    smooth, usual, busy = weights(log_squared_error, 10)
    assert smooth / usual == pytest.approx((USUAL + 5e-5) / (SMOOTH + 5e-5), rel=1e-3)
    assert usual / busy == pytest.approx(BUSY / USUAL, rel=0.05)


def test_tempered_crops_weigh_alike_up_to_the_error_of_their_picture() -> None:
    smooth, usual, busy = weights(tempered_squared_error, 10)
    assert 1 < smooth / usual < 2.5
    assert busy == pytest.approx(weights(log_squared_error, 10)[2], rel=0.1)


def test_tempered_crops_of_a_smooth_picture_keep_more_of_their_weight() -> None:
    def kept(**settings: float) -> float:
        return weights(tempered_squared_error, **settings)[0] / weights(log_squared_error, **settings)[0]

    assert kept(quality=10) < kept(quality=40) < kept(quality=90) < 1
    assert kept(quality=10, busyness=4.0) < kept(quality=10) < kept(quality=10, busyness=0.1) < 1


def test_a_busy_picture_is_one_of_which_a_jpeg_keeps_less() -> None:
    rng = np.random.default_rng(7)
    noise, flat = rng.integers(0, 256, (64, 64, 3), np.uint8), np.full((64, 64, 3), 90, np.uint8)
    busy, smooth = busynesses([noise, flat])
    assert busy > 10 * smooth
    assert busy * smooth == pytest.approx(1)  # shares of a geometric mean


@pytest.mark.parametrize(("loss", "weighed"), [("tempered", True), ("log_mse", False)])
def test_pictures_are_weighed_for_the_loss_that_asks_for_it(tmp_path: Path, loss: str, weighed: bool) -> None:
    shape = {"widths": list(WIDTHS), "depths": list(DEPTHS)}
    task = RestorerTask(write_photos(tmp_path), {"crop": 32, "n_validation": 1, "loss": loss} | shape)
    told = task.source.batch(np.random.default_rng(1), 8).busyness
    assert bool((told != 1).any()) == weighed


def test_plain_errors_are_in_levels() -> None:
    batch = batch_at(50, 1)
    assert squared_error(batch.original + 2 / 255, batch).item() == pytest.approx(4, rel=1e-3)
    assert absolute_error(batch.original - 2 / 255, batch).item() == pytest.approx(2, rel=1e-3)
