"""Muon for convolutions: momentum whose matrix is orthogonalised before each step.

Source: K. Jordan et al., "Muon: an optimizer for hidden layers in neural networks" (2024). torch's own
takes 2-D parameters only; here a kernel is flattened to (out, in*k*k).
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

# Quintic whose iteration drives singular values towards 1 (coefficients of the source).
QUINTIC = (3.4445, -4.7750, 2.0315)


def orthogonalised(matrix: Tensor, steps: int = 5) -> Tensor:
    """The nearest semi-orthogonal matrix, roughly: singular values end in about 0.7..1.2."""
    a, b, c = QUINTIC
    x = matrix.bfloat16()
    flip = x.shape[0] > x.shape[1]
    if flip:
        x = x.T
    x = x / (x.norm() + 1e-7)
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    orthogonal: Tensor = x.T if flip else x
    return orthogonal.to(matrix.dtype)


class Muon(torch.optim.Optimizer):
    """Nesterov momentum, orthogonalised; the step has the RMS of an Adam step at the same rate."""

    def __init__(self, params: Iterable[Tensor], lr: float = 1e-3, momentum: float = 0.95) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                if not state:
                    state["momentum"] = torch.zeros_like(weight)
                velocity = state["momentum"].mul_(group["momentum"]).add_(weight.grad)
                direction = weight.grad.add(velocity, alpha=group["momentum"])
                matrix = orthogonalised(direction.reshape(len(weight), -1))
                rate = group["lr"] * 0.2 * max(matrix.shape) ** 0.5
                weight.add_(matrix.view_as(weight), alpha=-rate)
