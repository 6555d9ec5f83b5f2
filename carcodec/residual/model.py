"""The integer model of samples: how likely each value is, given what was decoded before it and the base.

For each sample a small network over causal neighbours and the base gives a mixture of logistic distributions
(docs/format.md, 14); the mixture, cut at the edges of the levels, gives the coder's frequencies. Whole numbers
throughout; products of matrices run in float64, exact because every sum stays below 2**53.

name in docs/format.md | here
companding             | `companded`
predictors             | `Shared.predictions`, `SampleModel.errors`
mixture                | `Mixtures`
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from carcodec.entropy import tables
from carcodec.intnn.frozen import load_frozen
from carcodec.intnn.layers import SUM_LIMIT, shift_round
from carcodec.residual.logistic import EDGE_BITS, Mixtures

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Errors = npt.NDArray[np.uint16]

# (rows, columns) from a sample to the neighbours decoded before it: a picture is decoded along lines x + 2y.
NEIGHBOURS: Final = (
    (0, -1),
    (-1, 0),
    (0, -2),
    (0, -3),
    (-1, -3),
    (-1, -2),
    (-1, -1),
    (-1, 1),
    (-2, -2),
    (-2, -1),
    (-2, 0),
    (-2, 1),
    (-2, 2),
    (-2, 3),
    (-3, 0),
    (-3, 1),
)
AROUND: Final = tuple((dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1))  # places of the base that are looked at
# Neighbours at which it counts how far each predictor was off, and how much.
RECENT_BITS: Final = 4  # the weights' sum is 2**4
RECENT: Final = {(0, -1): 4, (-1, 0): 4, (-1, -1): 2, (-1, 1): 2, (0, -2): 1, (-2, 0): 1, (-1, -2): 1, (-2, 1): 1}
PLANES: Final = 3  # green, red, blue: in the order of coding
N_RELATIVE: Final = PLANES * (len(NEIGHBOURS) + len(AROUND))
N_COMMON: Final = N_RELATIVE + PLANES + 2  # and the reference itself, whether there is a base, and the step
COMPONENTS: Final = 3
FIELDS: Final = 3  # of a component: score, mean, scale; after them the shares of the predictors

INPUT_BITS: Final = 11  # fraction bits of inputs and activations
WEIGHT_BITS: Final = 12
LARGEST_ACTIVATION: Final = (1 << 16) - 1
LARGEST_SHARE: Final = 1 << 15  # of a predictor: 8
PREDICTION_BITS: Final = 8  # of a predictor's output, in levels
LARGEST_PREDICTION: Final = 1 << 20
LARGEST_STEP: Final = 127
LARGEST_ERROR: Final = 255  # levels
ERROR_UNITS: Final = 16  # of errors, in a level
LARGEST_MEAN: Final = 1 << 12 + EDGE_BITS
LARGEST_SCORE: Final = 1 << 20

SHAPES: Final = {
    "head": (N_COMMON, None),
    "failed": (None, None),
    **{
        f"{plane}.{name}": shape
        for plane in range(PLANES)
        for name, shape in {
            "known.weight": (PLANES, None),
            "known.bias": (None,),
            "hidden.weight": (None, None),
            "hidden.bias": (None,),
            "deep.weight": (None, None),
            "deep.bias": (None,),
            "tail.weight": (None, None),
            "tail.bias": (None,),
            "linear": (N_RELATIVE + PLANES, None),
        }.items()
    },
}


def _log2_times_1024(whole: int) -> int:
    """floor(1024 * log2(whole)), by the length of a power."""
    return int((whole**1024).bit_length()) - 1


def _companding() -> Floats:
    sizes = [float(_log2_times_1024(1 + d)) for d in range(256)]
    return np.array([-size for size in sizes[:0:-1]] + sizes)


def _error_inputs() -> Floats:
    """log2(1 + 16 e) / 2 for errors e of 0..255 levels in steps of 1/256, in units of 2**-11."""
    one = (1 << PREDICTION_BITS) // ERROR_UNITS
    wholes = np.arange(one, one + (LARGEST_ERROR << PREDICTION_BITS) + 1)
    exponents = np.frexp(wholes.astype(np.float64))[1].astype(np.int64) - 1
    mantissas = (wholes << 30) >> exponents  # 1 to 2, with 30 fraction bits
    found = exponents - (one.bit_length() - 1)
    for _ in range(10):
        mantissas = mantissas * mantissas >> 30
        carry = mantissas >> 31
        mantissas >>= carry
        found = 2 * found + carry
    return found.astype(np.float64)


ERROR_INPUTS: Final = _error_inputs()
# Differences of -255..255 on a scale where small ones count: sign(d) * log2(1 + |d|) / 2, in units of 2**-11.
COMPANDED: Final = _companding()
STEP_INPUTS: Final = [0, *(_log2_times_1024(step) for step in range(1, LARGEST_STEP + 1))]
BASE_INPUT: Final = 2 << INPUT_BITS  # what says that there is a base
UNIT_SHIFT: Final = INPUT_BITS - 5  # of the reference: an input of 1 is 32 levels


@dataclass(frozen=True)
class Contexts:
    """What is known of some sites before they are decoded.

    Attributes:
        relative: int64[m, N_RELATIVE], neighbours and base less the plane's reference, -255..255.
        reference: int64[m, 3], 0..255.
        errors: int64[m, 3 * predictors], sums of the predictors' errors over `RECENT` with 8 fraction bits.
        has_base: whether the base's places hold a base (else zeros).
        step: 1..127, levels a quantized level stands for.
    """

    relative: Ints
    reference: Ints
    errors: Ints
    has_base: bool
    step: int

    def inputs(self) -> Floats:
        """float64[m, N_COMMON], whole numbers with 11 fraction bits."""
        found = np.empty((len(self.relative), N_COMMON))
        found[:, :N_RELATIVE] = companded(self.relative)
        found[:, N_RELATIVE:-2] = (self.reference - 128) << UNIT_SHIFT
        found[:, -2] = BASE_INPUT * self.has_base
        found[:, -1] = STEP_INPUTS[self.step]
        return found


@dataclass(frozen=True)
class Shared:
    """What is computed once for the three planes of some sites.

    Attributes:
        contexts: of the sites.
        hidden: float64[m, width].
        predictions: float64[m, 3, predictors], the part that does not depend on the pixel's own samples.
    """

    contexts: Contexts
    hidden: Floats
    predictions: Floats


class SampleModel:
    """Integer network from contexts to mixtures.

    Args:
        arrays: int64 arrays by the names and shapes of `SHAPES`; widths are theirs.

    Raises:
        ValueError: shapes do not fit each other, or a sum could reach 2**53.
    """

    def __init__(self, arrays: dict[str, Ints]) -> None:
        largest_input = int(max(COMPANDED[-1], 128 << UNIT_SHIFT, BASE_INPUT, STEP_INPUTS[-1]))
        self._head = _Product(arrays["head"], None, largest_input)
        self._planes = [_Plane(arrays, plane, largest_input) for plane in range(PLANES)]
        widths = {self._head.weight.shape[1], *(plane.known.weight.shape[1] for plane in self._planes)}
        linear = [plane.linear.weight for plane in self._planes]
        if len(widths) > 1 or len({weight.shape for weight in linear}) > 1:
            raise ValueError("the layers' widths do not fit each other")
        self._linear = np.concatenate([weight[:N_RELATIVE] for weight in linear], axis=1)
        # A plane knows those before it.
        own = [weight[N_RELATIVE:] * (np.arange(PLANES) < plane)[:, None] for plane, weight in enumerate(linear)]
        self._own = np.stack(own, axis=1)
        self.n_predictors = self._linear.shape[1]
        self._failed = _Product(arrays["failed"], None, int(ERROR_INPUTS[-1]))
        if self._failed.weight.shape != (self.n_predictors, self._head.weight.shape[1]):
            raise ValueError("the layers' widths do not fit each other")
        added = self._head.largest_sum + self._failed.largest_sum
        if added + max(plane.known.largest_sum for plane in self._planes) >= SUM_LIMIT:
            raise ValueError("sums of layers that are added could reach 2**53")

    @classmethod
    def load(cls, source: str | Path | bytes) -> SampleModel:
        """The model of a safetensors file, by path or as bytes; ValueError if it is none."""
        return cls(load_frozen(source, SHAPES))

    def shared(self, contexts: Contexts) -> Shared:
        """What the three planes have in common."""
        predictions = contexts.relative.astype(np.float64) @ self._linear
        hidden = self._head(contexts.inputs())
        hidden += self._failed(ERROR_INPUTS.take(contexts.errors >> RECENT_BITS))
        return Shared(contexts, hidden, predictions.reshape(len(predictions), PLANES, -1))

    def mixtures(self, plane: int, shared: Shared, known: Ints) -> Mixtures:
        """Distributions of one plane's samples.

        Args:
            plane: 0 green, 1 red, 2 blue.
            shared: of the sites.
            known: int64[m, 3], the pixel's own samples less their references, -255..255; zeros where not yet decoded.
        """
        layers = self._planes[plane]
        hidden = layers.known(companded(known))
        hidden += shared.hidden
        hidden = _rectify(layers.deep(_rectify(layers.hidden(_rectify(hidden)))))
        fields = layers.tail(hidden).astype(np.int64).reshape(len(known), COMPONENTS, -1)
        logarithms = shift_round(fields[:, :, :FIELDS], INPUT_BITS + WEIGHT_BITS - tables.SCORE_BITS)
        offsets = shift_round(fields[:, :, 1], INPUT_BITS + WEIGHT_BITS - EDGE_BITS)
        shares = _clamp(shift_round(fields[:, :, FIELDS:], INPUT_BITS), LARGEST_SHARE)
        blended = (shares * self._predictions(plane, shared, known)[:, None]).sum(axis=2)
        means = _clamp(offsets + shift_round(blended, WEIGHT_BITS + PREDICTION_BITS - EDGE_BITS), LARGEST_MEAN)
        means += shared.contexts.reference[:, plane, None] << EDGE_BITS
        return Mixtures.of(_clamp(logarithms[:, :, 0], LARGEST_SCORE), means, logarithms[:, :, 2], shared.contexts.step)

    def errors(self, relative: Ints, known: Ints) -> Errors:
        """How far each predictor was off.

        Args:
            relative: int64[m, N_RELATIVE], of the contexts.
            known: int64[m, 3], the pixel's own samples less their references.

        Returns:
            uint16[m, 3 * predictors], levels with 8 fraction bits, at most 255 levels.
        """
        predictions = (relative.astype(np.float64) @ self._linear).reshape(len(relative), PLANES, -1)
        return self._errors(predictions, known)

    def errors_of(self, shared: Shared, known: Ints) -> Errors:
        """`errors`, where much is computed already."""
        return self._errors(shared.predictions, known)

    def _errors(self, predictions: Floats, known: Ints) -> Errors:
        sums = predictions + np.tensordot(known.astype(np.float64), self._own, 1)
        sizes = np.abs((known << PREDICTION_BITS)[:, :, None] - _prediction(sums))
        found: Errors = np.minimum(sizes, LARGEST_ERROR << PREDICTION_BITS).astype(np.uint16).reshape(len(known), -1)
        return found

    def _predictions(self, plane: int, shared: Shared, known: Ints) -> Ints:
        """int64[m, predictors], levels beyond the reference with 8 fraction bits: linear in what is known."""
        return _prediction(shared.predictions[:, plane] + known.astype(np.float64) @ self._own[:, plane])


def _prediction(sums: Floats) -> Ints:
    return _clamp(shift_round(sums.astype(np.int64), WEIGHT_BITS - PREDICTION_BITS), LARGEST_PREDICTION)


def companded(differences: Ints) -> Floats:
    """sign(d) * log2(1 + |d|) / 2 with 11 fraction bits; d in -255..255."""
    return COMPANDED[differences + 255]


class _Product:
    """x @ weight + bias in float64, exact: ValueError where a sum could reach 2**53.

    Attributes:
        largest_sum: bound on the size of every partial sum.
    """

    def __init__(self, weight: Ints, bias: Ints | None, largest_input: int) -> None:
        if bias is not None and bias.shape != weight.shape[1:]:
            raise ValueError(f"weight {weight.shape} and bias {bias.shape} do not fit")
        # Python's integers: this proof itself must not overflow.
        columns = np.abs(weight.astype(object)).sum(axis=0) * largest_input
        self.largest_sum = int(max(columns)) + (0 if bias is None else max(map(abs, bias.tolist())))
        if self.largest_sum >= SUM_LIMIT:
            raise ValueError("sums could reach 2**53")
        self.weight = weight.astype(np.float64)
        self.bias = 0.0 if bias is None else bias.astype(np.float64)

    def __call__(self, x: Floats) -> Floats:
        y: Floats = x @ self.weight
        y += self.bias
        return y


class _Plane:
    """The layers of one plane."""

    def __init__(self, arrays: dict[str, Ints], plane: int, largest_input: int) -> None:
        def layer(name: str, largest: int) -> _Product:
            return _Product(arrays[f"{plane}.{name}.weight"], arrays[f"{plane}.{name}.bias"], largest)

        self.known = layer("known", largest_input)
        self.hidden, self.deep, self.tail = (layer(name, LARGEST_ACTIVATION) for name in ("hidden", "deep", "tail"))
        self.linear = _Product(arrays[f"{plane}.linear"], None, 255)
        n_fields = COMPONENTS * (FIELDS + self.linear.weight.shape[1])
        chain = (self.known, self.hidden, self.deep, self.tail)
        fits = all(a.weight.shape[1] == b.weight.shape[0] for a, b in itertools.pairwise(chain))
        if not fits or self.tail.weight.shape[1] != n_fields:
            raise ValueError("the layers' widths do not fit each other")


def _rectify(sums: Floats) -> Floats:
    """Sums with 23 fraction bits -> activations with 11, whole numbers 0..2**16-1; in place."""
    # Halves and floors of whole numbers below 2**53 are exact in float64.
    sums *= 2.0**-WEIGHT_BITS
    sums += 0.5
    np.floor(sums, out=sums)
    np.maximum(sums, 0, out=sums)
    return np.minimum(sums, LARGEST_ACTIVATION, out=sums)


def _clamp(values: Ints, largest: int) -> Ints:
    # Not np.clip: its wrapper costs more than the work on a line of samples.
    return np.minimum(np.maximum(values, -largest), largest)
