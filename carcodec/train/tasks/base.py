"""What the loop asks of a task."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn


class Task(Protocol):
    """A network, where its batches come from, what they cost, how it is judged.

    `batch` runs in a background thread and depends on nothing but its generator; `loss` gives a
    scalar and figures to log; `validate` gives figures whose first one is better when larger.
    """

    network: nn.Module

    def batch(self, rng: np.random.Generator, n_crops: int) -> Any: ...

    def loss(self, batch: Any, device: torch.device, progress: float) -> tuple[Tensor, dict[str, float]]: ...

    def validate(self, network: nn.Module, device: torch.device) -> dict[str, float]: ...
