"""The float twin of `carcodec.residual.model`, for training: what coding a picture's samples costs, in bits.

FineNet predicts a sample from the layers below; this network adds what was decoded just before it, and says how sure
it is: a mixture of logistic distributions for each sample (Salimans et al., PixelCNN++, arXiv 1701.05517), from a
perceptron over causal neighbours (as in Rhee et al., ICIP 2020, channel by channel). Each mean is a blend of linear
predictors whose shares the perceptron chooses, as context-based predictors of lossless codecs do.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from carcodec.entropy.tables import SCORE_BITS
from carcodec.residual.coding import OUTSIDE, REACH
from carcodec.residual.logistic import LARGEST_SCALE, SMALLEST_SCALE
from carcodec.residual.model import (
    AROUND,
    COMPONENTS,
    ERROR_UNITS,
    FIELDS,
    INPUT_BITS,
    LARGEST_ERROR,
    N_COMMON,
    N_RELATIVE,
    NEIGHBOURS,
    PLANES,
    RECENT,
    SHAPES,
    WEIGHT_BITS,
)

Shape = tuple[int, int]

SCALES = SMALLEST_SCALE / 2**SCORE_BITS, LARGEST_SCALE / 2**SCORE_BITS  # log2, in levels
LEVELS_PER_UNIT = 32.0  # of the reference, as an input
FAR = 1e4  # levels: where the first and the last level end
LEAST = 1e-9  # of a probability, where float32 has nothing left
USUAL = 48  # levels: what least squares looks at, so that edges do not rule it
LEAST_SQUARES_SHARE = 0.3


class PlaneLayers(nn.Module):
    """What one plane has of its own; names as in the frozen model."""

    def __init__(self, width: int, inner: int, predictors: int) -> None:
        super().__init__()
        self.known = nn.Linear(PLANES, width)
        self.hidden = nn.Linear(width, inner)
        self.deep = nn.Linear(inner, inner)
        self.tail = nn.Linear(inner, COMPONENTS * (FIELDS + predictors))
        self.linear = nn.Linear(N_RELATIVE + PLANES, predictors, bias=False)
        with torch.no_grad():
            self.tail.weight.mul_(0.1)
            fields = self.tail.bias.view(COMPONENTS, -1)
            fields.zero_()
            fields[:, 2] = torch.linspace(-1, 2, COMPONENTS)
            fields[:, FIELDS:] = 1 / predictors

    def predicted(self, relative: Tensor, known: Tensor) -> Tensor:
        """What each predictor expects, levels beyond the reference: float32[m,predictors]."""
        with torch.autocast(relative.device.type, enabled=False):
            found: Tensor = self.linear(torch.cat((relative, known), 1))
            return found

    def forward(self, shared: Tensor, predicted: Tensor, known: Tensor) -> Tensor:
        hidden = torch.relu(shared + self.known(companded(known)))
        hidden = torch.relu(self.deep(torch.relu(self.hidden(hidden))))
        fields = self.tail(hidden).float().unflatten(1, (COMPONENTS, -1))
        means = fields[:, :, 1] + (fields[:, :, FIELDS:] * predicted[:, None]).sum(2)
        return torch.stack((fields[:, :, 0], means, fields[:, :, 2]), 2)

    @torch.no_grad()
    def begin(self, relative: Tensor, known: Tensor, target: Tensor, seed: int) -> None:
        """Linear predictors from least squares over random parts of some samples."""
        x, y = torch.cat((relative, known), 1).double(), target.double()
        usual = x.abs().amax(1) < USUAL
        generator = torch.Generator().manual_seed(seed)
        for row in self.linear.weight:
            part = usual & (torch.rand(len(x), generator=generator) < LEAST_SQUARES_SHARE)
            products = x[part].T @ x[part] + math.sqrt(len(x)) * torch.eye(x.shape[1], dtype=x.dtype)
            row.copy_(torch.linalg.solve(products, x[part].T @ y[part]))


class SampleNetwork(nn.Module):
    """Mixture parameters of every sample, given all samples before it.

    Args:
        width: features that the three planes share.
        inner: features of each plane.
        predictors: linear predictors of each plane.

    Shapes: inputs float32[m,N_COMMON] and planes float32[m,3], levels, as `sample_inputs` gives them, of pictures
    with the sides `shapes` one after the other
    -> float32[m,3,COMPONENTS,3]: of each component score, mean (levels beyond the reference), log2 of the scale.
    """

    def __init__(self, width: int = 128, inner: int = 64, predictors: int = 8) -> None:
        super().__init__()
        self.head = nn.Linear(N_COMMON, width, bias=False)
        self.failed = nn.Linear(PLANES * predictors, width, bias=False)
        nn.init.zeros_(self.failed.weight)
        self.planes = nn.ModuleList(PlaneLayers(width, inner, predictors) for _ in range(PLANES))

    def forward(self, inputs: Tensor, planes: Tensor, shapes: Sequence[Shape]) -> Tensor:
        relative, flags = inputs[:, :N_RELATIVE], inputs[:, N_RELATIVE:]
        known = [_known(planes, plane) for plane in range(PLANES)]
        predicted = [layers.predicted(relative, each) for layers, each in zip(self._layers(), known, strict=True)]
        errors = [(planes[:, plane, None] - each).detach() for plane, each in enumerate(predicted)]
        shared = self.head(torch.cat((companded(relative), flags / LEVELS_PER_UNIT), 1))
        shared = shared + self.failed(recent_errors(torch.cat(errors, 1), shapes))
        return torch.stack([f(shared, *each) for f, *each in zip(self._layers(), predicted, known, strict=True)], 1)

    def _layers(self) -> list[PlaneLayers]:
        return [layers for layers in self.planes if isinstance(layers, PlaneLayers)]

    def begin(self, inputs: Tensor, planes: Tensor) -> None:
        """Start from least squares on some samples: without it the first thousand steps only find the linear part."""
        for plane, layers in enumerate(self._layers()):
            layers.begin(inputs[:, :N_RELATIVE], _known(planes, plane), planes[:, plane], plane)


def companded(differences: Tensor) -> Tensor:
    """sign(d) * log2(1 + |d|) / 2: small differences count."""
    return torch.sign(differences) * torch.log2(1 + differences.abs()) / 2


def recent_errors(errors: Tensor, shapes: Sequence[Shape]) -> Tensor:
    """How far each predictor was off just before: logarithms of weighted means over neighbours.

    Args:
        errors: float32[m,K], levels, of pictures one after the other.
        shapes: their sides.

    Returns:
        float32[m,K]: log2(1 + 16 e) / 2, e the mean over `RECENT`; errors outside the picture are 0, as are those
        beyond 255 levels cut off there.
    """
    found, start = [], 0
    sizes = errors.abs().clamp(max=LARGEST_ERROR)
    for height, width in shapes:
        grid = sizes[start : start + height * width].reshape(height, width, -1)
        wide = F.pad(grid, (0, 0, REACH, REACH, REACH, 0))
        sums = sum(
            weight * wide[REACH + dy : REACH + dy + height, REACH + dx : REACH + dx + width]
            for (dy, dx), weight in RECENT.items()
        )
        found.append(torch.as_tensor(sums).flatten(0, 1))
        start += height * width
    means = torch.cat(found) / sum(RECENT.values())
    return torch.log2(1 + means * ERROR_UNITS) / 2


def sample_inputs(levels: Tensor, base: Tensor, has_base: Tensor, step: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """What the network sees of a batch of pictures.

    Args:
        levels: float32[N,3,H,W], planes in coding order, decoded values 0..255.
        base: float32[N,3,H,W], the prediction from the layers below.
        has_base: float32[N], 1 where there is one.
        step: float32[N], 1 or the near-lossless step.

    Returns:
        inputs [m,N_COMMON], planes [m,3] less the reference, reference [m,3]; m = N*H*W.
    """
    n, _, height, width = levels.shape
    canvas = torch.full((n, PLANES, height + REACH, width + 2 * REACH), float(OUTSIDE))
    canvas[:, :, REACH:, REACH : REACH + width] = levels
    canvas[:, :, REACH:, REACH + width :] = levels[..., -1:]
    canvas[:, :, REACH + 1 :, :REACH] = levels[:, :, :-1, :1]
    near = [canvas[:, :, REACH + dy : REACH + dy + height, REACH + dx : REACH + dx + width] for dy, dx in NEIGHBOURS]
    reference = torch.floor((near[0] + near[1] + 1) / 2)
    wide = F.pad(base, (1, 1, 1, 1), mode="replicate")
    around = [wide[:, :, 1 + dy : 1 + dy + height, 1 + dx : 1 + dx + width] for dy, dx in AROUND]
    flags = torch.stack((has_base * (2 * LEVELS_PER_UNIT), torch.log2(step) * (LEVELS_PER_UNIT / 2)), 1)
    inputs = torch.cat(
        [
            *(value - reference for value in near),
            *((value - reference) * has_base[:, None, None, None] for value in around),
            reference - 128,
            flags[:, :, None, None].expand(n, 2, height, width),
        ],
        1,
    )
    return _rows(inputs), _rows(levels - reference), _rows(reference)


def sample_bits(outputs: Tensor, planes: Tensor, reference: Tensor, step: Tensor) -> Tensor:
    """What each sample costs: float32[m,3] bits.

    Args:
        outputs: of the network.
        planes, reference: as `sample_inputs` gives them.
        step: float32[m,1], the width of a level.
    """
    scores, means, scales = outputs.unbind(3)
    inverse = torch.exp2(-scales.clamp(*SCALES)) * math.log(2)
    value, half = planes + reference, step / 2
    low = torch.where(value - half < 0, -FAR, planes - half)[:, :, None]
    high = torch.where(value + half > 255, FAR, planes + half)[:, :, None]
    inside = torch.sigmoid((high - means) * inverse) - torch.sigmoid((low - means) * inverse)
    shares = torch.softmax(scores * math.log(2), 2)
    return -torch.log2((inside * shares).sum(2) + LEAST)


def freeze(network: SampleNetwork) -> dict[str, npt.NDArray[Any]]:
    """The integers of a network, by the names of `residual.model.SHAPES`: int32, weights with 12 fraction bits.

    Raises:
        ValueError: a weight is not finite or too large.
    """
    arrays = {name: _whole(network.get_parameter(f"{name}.weight").T, WEIGHT_BITS) for name in ("head", "failed")}
    for plane, layers in enumerate(network._layers()):
        for name in ("known", "hidden", "deep", "tail"):
            layer = layers.get_submodule(name)
            assert isinstance(layer, nn.Linear)
            arrays[f"{plane}.{name}.weight"] = _whole(layer.weight.T, WEIGHT_BITS)
            arrays[f"{plane}.{name}.bias"] = _whole(layer.bias, INPUT_BITS + WEIGHT_BITS)
        arrays[f"{plane}.linear"] = _whole(layers.linear.weight.T, WEIGHT_BITS)
    assert arrays.keys() == SHAPES.keys()
    return arrays


def _known(planes: Tensor, plane: int) -> Tensor:
    """The pixel's own samples as far as they are decoded before this plane, then zeros."""
    return F.pad(planes[:, :plane], (0, PLANES - plane))


def _rows(pictures: Tensor) -> Tensor:
    return pictures.permute(0, 2, 3, 1).reshape(-1, pictures.shape[1]).contiguous()


def _whole(values: Tensor, fraction_bits: int) -> npt.NDArray[Any]:
    scaled = np.rint(values.detach().cpu().double().numpy() * 2**fraction_bits)
    if not (np.isfinite(scaled).all() and (abs(scaled) < np.iinfo(np.int32).max).all()):
        raise ValueError("weights are not finite or too large to freeze")
    return np.ascontiguousarray(scaled.astype(np.int32))
