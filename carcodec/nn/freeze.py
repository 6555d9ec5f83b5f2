"""From a trained context network to the integers that code, and what the rounding costs.

arrays = freeze(network)
digest = save_frozen(arrays, path)
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from carcodec.descriptor.coding import cost_bits
from carcodec.descriptor.context import (
    ACTIVATION_BITS,
    KERNEL_BITS,
    MARGIN,
    NEIGHBOURS,
    SHAPES,
    ContextModel,
)
from carcodec.descriptor.grid import Symbols
from carcodec.intnn.frozen import dump_frozen
from carcodec.nn.context import LARGEST_KERNEL, ContextNetwork, site_bits

Array = npt.NDArray[Any]


def freeze(network: ContextNetwork) -> dict[str, Array]:
    """The integers of a network, by the names of `descriptor.context.SHAPES`.

    Returns:
        Tables and weights int16 with 12 fraction bits, biases int32 with 20. Weights beyond +-8 are clamped,
        as in training.

    Raises:
        ValueError: a weight is not finite, or a bias is beyond 32 bits (training went wrong).
    """
    head = network.head.weight.detach()
    arrays = {
        "neighbours": _kernel(torch.stack([head[:, :, dy + MARGIN, dx + MARGIN].T for dy, dx in NEIGHBOURS])),
        "rate": _kernel(network.rate.weight),
    }
    for name in ("hidden1", "hidden2", "tail"):
        layer = network.get_submodule(name)
        assert isinstance(layer, nn.Conv2d)
        assert layer.bias is not None
        arrays[f"{name}.weight"] = _kernel(layer.weight[:, :, 0, 0].T)
        arrays[f"{name}.bias"] = _integers(layer.bias, ACTIVATION_BITS + KERNEL_BITS, np.iinfo(np.int32).max, np.int32)
    assert arrays.keys() == SHAPES.keys()
    return arrays


def save_frozen(arrays: dict[str, Array], path: Path) -> str:
    """Write the model that `ContextModel.load` reads; returns its SHA-256 in hexadecimal.

    Raises:
        ValueError: the arrays are no context model; nothing is written.
    """
    data = dump_frozen(arrays)
    ContextModel.load(data)
    path.write_bytes(data)
    return hashlib.sha256(data).hexdigest()


@torch.no_grad()
def freezing_cost(network: ContextNetwork, grids: Sequence[tuple[Symbols, int]]) -> tuple[float, float]:
    """Bits of the grids (symbols uint8[gh,gw], rate class): by the float network without any rounding, and frozen."""
    model = ContextModel.load(dump_frozen(freeze(network)))
    device = network.head.weight.device
    in_float = frozen = 0.0
    for symbols, rate_class in grids:
        codes = torch.from_numpy(symbols.astype(np.int64))[None].to(device)
        logits = network(codes, torch.tensor([rate_class], device=device), rounding=False)
        in_float += site_bits(logits, codes).sum().item()
        frozen += float(cost_bits(symbols, model, rate_class).sum())
    return in_float, frozen


def _kernel(weight: Tensor) -> Array:
    scaled = weight.detach().clamp(-LARGEST_KERNEL / 2**KERNEL_BITS, LARGEST_KERNEL / 2**KERNEL_BITS)
    return _integers(scaled, KERNEL_BITS, LARGEST_KERNEL, np.int16)


def _integers(values: Tensor, fraction_bits: int, largest: int, dtype: type) -> Array:
    scaled = np.rint(values.detach().cpu().double().numpy() * 2**fraction_bits)
    if not (np.isfinite(scaled).all() and (abs(scaled) <= largest).all()):
        raise ValueError("weights are not finite or too large to freeze")
    return np.ascontiguousarray(scaled.astype(dtype))
