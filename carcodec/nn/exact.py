"""Convolutional layers on whole numbers: the same result on every machine, trained as they will run.

Activations are whole numbers carried by float32, weights multiples of 2**-bits, and every partial sum, in units of
2**-bits, stays below 2**24: such sums have no rounding, so neither their order, nor the thread count, nor the device
can change them. Scaling is by powers of two, rounding is floor(x + 1/2), both exact too.

One class serves training and inference. In training weights and activations are rounded in the forward pass, with
straight-through gradients (Bengio et al., arXiv 1308.3432), so freezing a network changes nothing at all.
Source of the scheme: integer-arithmetic-only inference (Jacob et al., arXiv 1712.05877), with powers of two as scales.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

SUM_LIMIT: Final = 1 << 24  # below it every whole number is a float32
LARGEST_WEIGHT: Final = 127  # frozen weights are int8
LARGEST_ACTIVATION: Final = 255
BIAS_UNIT: Final = 64.0  # levels that a trained bias of 1 stands for: optimisers move weights and biases alike


class ExactConv2d(nn.Module):
    """Convolution of whole numbers, stride 1, zero padding.

    Args:
        n_in, n_out: channels.
        size: 1 or 3, the kernel's side.
        bits: fraction bits of a weight: they reach +-127 / 2**bits.
        largest_input: inputs are whole numbers within -largest_input..largest_input.

    Shapes: float32[N,n_in,H,W] -> float32[N,n_out,H,W], multiples of 2**-bits, not rounded to whole numbers.
    """

    def __init__(
        self, n_in: int, n_out: int, size: int = 3, bits: int = 7, largest_input: int = LARGEST_ACTIVATION
    ) -> None:
        super().__init__()
        self.size, self.bits, self.largest_input = size, bits, largest_input
        self.weight = nn.Parameter(torch.randn(n_out, n_in, size, size) * math.sqrt(2 / (n_in * size**2)))
        self.bias = nn.Parameter(torch.zeros(n_out))

    def forward(self, x: Tensor) -> Tensor:
        scale = 2.0**self.bits
        kernel = _straight_through(self.whole_weight(), self.weight * scale)
        bias = _straight_through(self.whole_bias(), self.bias * (BIAS_UNIT * scale))
        convolve = F.conv2d if self.training else _sum_of_products
        y: Tensor = convolve(x, kernel, bias, padding=self.size // 2)
        return y / scale

    def whole_weight(self) -> Tensor:
        """float32 whole numbers within +-127."""
        return (self.weight.detach() * 2.0**self.bits).round().clamp(-LARGEST_WEIGHT, LARGEST_WEIGHT)

    def whole_bias(self) -> Tensor:
        """float32 whole numbers, in units of 2**-bits levels."""
        return (self.bias.detach() * (BIAS_UNIT * 2.0**self.bits)).round()

    def largest_sum(self) -> float:
        """Bound on every partial sum, in units of 2**-bits, whatever the inputs and the order."""
        products = self.whole_weight().double().abs().sum(dim=(1, 2, 3)) * self.largest_input
        return float((products + self.whole_bias().double().abs()).max())


def rectified(sums: Tensor) -> Tensor:
    """To the nearest whole numbers, clamped to 0..255; gradients pass where nothing is clamped."""
    return rounded(sums, 0, LARGEST_ACTIVATION)


def rounded(sums: Tensor, lowest: int, largest: int) -> Tensor:
    """floor(sums + 1/2), clamped; halves upwards."""
    inside = F.hardtanh(sums.float(), lowest, largest)  # a clamp whose gradient is one pass over memory
    return _straight_through(torch.floor(inside.detach() + 0.5), inside)


class ExactBlock(nn.Module):
    """Residual block on levels 0..255: clamp(x + conv2(rectified(conv1(x)))).

    Shapes: float32[N,C,H,W] -> float32[N,C,H,W], whole numbers 0..255 both.
    """

    def __init__(self, width: int, bits: int = 8) -> None:
        super().__init__()
        self.conv1 = ExactConv2d(width, width, bits=bits)
        self.conv2 = ExactConv2d(width, width, bits=bits)
        with torch.no_grad():
            self.conv2.weight.mul_(0.3)

    def forward(self, x: Tensor) -> Tensor:
        return rectified(x + self.conv2(rectified(self.conv1(x))))


def frozen(network: nn.Module) -> dict[str, npt.NDArray[Any]]:
    """The whole numbers of a network's exact layers: `<layer>.weight` int8, `<layer>.bias` int32.

    Raises:
        ValueError: a sum could reach 2**24, so the network would not be exact.
    """
    arrays: dict[str, npt.NDArray[Any]] = {}
    for name, layer in exact_layers(network).items():
        if layer.largest_sum() >= SUM_LIMIT:
            raise ValueError(f"sums of {name} could reach {layer.largest_sum():.0f}, beyond 2**24")
        arrays[f"{name}.weight"] = layer.whole_weight().cpu().numpy().astype(np.int8)
        arrays[f"{name}.bias"] = layer.whole_bias().cpu().numpy().astype(np.int32)
    return arrays


def load_frozen(network: nn.Module, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Put whole numbers into a network that has exact layers only, and make it ready to run.

    Raises:
        ValueError: names or shapes do not fit, or a sum could reach 2**24.
    """
    weights = {}
    for name, layer in exact_layers(network).items():
        unit = {"weight": 2.0**-layer.bits, "bias": 2.0**-layer.bits / BIAS_UNIT}
        for part, scale in unit.items():
            if f"{name}.{part}" not in arrays:
                raise ValueError(f"the frozen network lacks {name}.{part}")
            weights[f"{name}.{part}"] = torch.from_numpy(arrays[f"{name}.{part}"].astype(np.float32)) * scale
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise ValueError("the frozen numbers do not fit the network") from error
    frozen(network)
    network.eval().requires_grad_(False)


def exact_layers(network: nn.Module) -> dict[str, ExactConv2d]:
    """The exact layers by name."""
    return {name: layer for name, layer in network.named_modules() if isinstance(layer, ExactConv2d)}


def _straight_through(value: Tensor, source: Tensor) -> Tensor:
    """`value`, with the gradient of `source`."""
    return source + (value - source).detach() if source.requires_grad else value


def _sum_of_products(x: Tensor, kernel: Tensor, bias: Tensor, padding: int) -> Tensor:
    # Plain matrix products, one for each place in the kernel: a convolution routine may be Winograd's, with fractions.
    n, _, height, width = x.shape
    n_out, n_in, size, _ = kernel.shape
    padded = F.pad(x, (padding,) * 4)
    y = bias[None, :, None].expand(n, n_out, height * width)
    for dy in range(size):
        for dx in range(size):
            place = padded[:, :, dy : dy + height, dx : dx + width].reshape(n, n_in, height * width)
            y = torch.baddbmm(y, kernel[None, :, :, dy, dx].expand(n, n_out, n_in), place)
    return y.reshape(n, n_out, height, width)
