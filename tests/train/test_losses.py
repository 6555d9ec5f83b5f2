"""What crops of a batch weigh beside each other, by loss."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from carcodec.jpeg.tables import STANDARD
from carcodec.train.degrade import degrade
from carcodec.train.tasks.restorer import (
    Batch,
    absolute_error,
    collate,
    log_squared_error,
    squared_error,
    tempered_squared_error,
)

SMOOTH, USUAL, BUSY = 1e-5, 1.5e-3, 2e-2  # mean squared errors at quality 10, range 0..1


def batch_at(quality: int, n_crops: int = 3) -> Batch:
    picture = np.random.default_rng(4).integers(0, 256, (16, 16, 3), np.uint8)
    return collate([degrade(picture, quality, STANDARD, "4:2:0")] * n_crops)


def weights(loss: Callable[[Tensor, Batch], Tensor], quality: int) -> list[float]:
    """How much of the loss each crop's squared error is worth: SMOOTH, USUAL, BUSY."""
    batch = batch_at(quality)
    errors = torch.tensor([SMOOTH, USUAL, BUSY], requires_grad=True)
    off = errors.sqrt().view(-1, 1, 1, 1).expand_as(batch.original)
    loss(batch.original + off, batch).sum().backward()
    assert errors.grad is not None
    return [float(weight) for weight in errors.grad]


def test_the_logarithm_weighs_crops_by_their_own_error_down_to_its_floor() -> None:
    smooth, usual, busy = weights(log_squared_error, 10)
    assert smooth / usual == pytest.approx((USUAL + 5e-5) / (SMOOTH + 5e-5), rel=1e-3)
    assert usual / busy == pytest.approx(BUSY / USUAL, rel=0.05)


def test_tempered_a_smooth_crop_weighs_little_more_than_a_usual_one_and_a_busy_one_as_before() -> None:
    smooth, usual, busy = weights(tempered_squared_error, 10)
    assert 1 < smooth / usual < 6
    assert busy == pytest.approx(weights(log_squared_error, 10)[2], rel=0.05)


def test_tempered_a_crop_of_high_quality_keeps_more_of_its_weight() -> None:
    def kept(quality: int) -> float:
        return weights(tempered_squared_error, quality)[0] / weights(log_squared_error, quality)[0]

    assert kept(10) < kept(40) < kept(90) < 1


def test_plain_errors_are_in_levels() -> None:
    batch = batch_at(50, 1)
    assert squared_error(batch.original + 2 / 255, batch).item() == pytest.approx(4, rel=1e-3)
    assert absolute_error(batch.original - 2 / 255, batch).item() == pytest.approx(2, rel=1e-3)
