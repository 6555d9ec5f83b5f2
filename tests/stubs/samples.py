"""Sample models without training: numbers made by integer arithmetic, and pictures to code with them."""

from __future__ import annotations

import numpy as np

from carcodec.residual.model import COMPONENTS, FIELDS, N_COMMON, N_RELATIVE, PLANES, Ints, SampleModel
from tests.stubs.context import scatter

UNIT = 1 << 23  # of the sums behind a tail


def toy_arrays(width: int = 6, inner: int = 5, predictors: int = 3) -> dict[str, Ints]:
    """Scattered weights; predictors follow the left and the upper sample and the base, each by and large."""
    shapes = {"head": (N_COMMON, width), "failed": (PLANES * predictors, width)}
    for plane in range(PLANES):
        shapes |= {
            f"{plane}.known.weight": (PLANES, width),
            f"{plane}.known.bias": (width,),
            f"{plane}.hidden.weight": (width, inner),
            f"{plane}.hidden.bias": (inner,),
            f"{plane}.deep.weight": (inner, inner),
            f"{plane}.deep.bias": (inner,),
            f"{plane}.tail.weight": (inner, COMPONENTS * (FIELDS + predictors)),
            f"{plane}.tail.bias": (COMPONENTS * (FIELDS + predictors),),
            f"{plane}.linear": (N_RELATIVE + PLANES, predictors),
        }
    largest = {"head": 600, "failed": 600, "known.weight": 900, "linear": 90, "tail.weight": 400}
    arrays = {
        name: scatter(shape, i, largest.get(name.split(".", 1)[-1], 1500))
        for i, (name, shape) in enumerate(shapes.items())
    }
    for plane in range(PLANES):
        for predictor, place in enumerate((0, 1, 20)):  # left, above, the base's middle
            arrays[f"{plane}.linear"][PLANES * place + plane, predictor] += 4096
        tail = arrays[f"{plane}.tail.bias"].reshape(COMPONENTS, -1)
        tail[:, FIELDS:] += UNIT // predictors
        tail[:, 2] += np.array([-UNIT // 2, 2 * UNIT, 4 * UNIT])
    return arrays


def toy_model(width: int = 6, inner: int = 5, predictors: int = 3) -> SampleModel:
    return SampleModel(toy_arrays(width, inner, predictors))


def soft_picture(seed: int, *shape: int) -> np.ndarray:
    """uint8[shape]: waves in all channels, and some noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: shape[0], : shape[1]]
    waves = 128 + 90 * np.sin(x / 9 + seed) * np.cos(y / 7)
    waves = waves if len(shape) == 2 else waves[..., None] * (1.0, 0.8, 0.6)
    return np.clip(waves + rng.normal(0, 3, shape), 0, 255).astype(np.uint8)
