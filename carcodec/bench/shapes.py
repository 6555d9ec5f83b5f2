"""Restoration networks side by side in one run: ours as they are, and rivals built to their published shapes.

The rivals are untrained: what a network costs does not hang on the values of its weights.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from carcodec.models import cards
from carcodec.ports import Image
from carcodec.runtime import Engine, build, empty_network, trial

# Title -> name in the table of `carcodec.runtime`.
PUBLISHED: Mapping[str, str] = {"FBCNN for colour": "fbcnn", "EDSR-baseline without up-sampler": "edsr"}


@dataclass(frozen=True)
class Shape:
    """What a network costs.

    Attributes:
        title: of the network.
        weights: how many.
        macs: multiply-accumulates a pixel, of convolutions and matrix products.
        seconds: of restoring the picture once, warm: the median.
    """

    title: str
    weights: int
    macs: float
    seconds: float


def measure_shapes(picture: Image, engine: Engine, repeats: int) -> list[Shape]:
    """The installed default restorer, then the published ones; timed in turn, so that all meet the same machine.

    Args:
        picture: uint8[H,W,3] or [H,W].
        engine: where they run.
        repeats: timed runs of each, behind one that is not counted.
    """
    from carcodec.nn.cost import multiply_accumulates, weights

    ours = cards.default("restorer")
    networks = {ours.id: build(ours)} | {title: empty_network(name, {}) for title, name in PUBLISHED.items()}
    costs = {title: (weights(network), multiply_accumulates(network)) for title, network in networks.items()}
    seconds = in_turn([trial(network, engine, picture) for network in networks.values()], repeats)
    return [Shape(title, *costs[title], taken) for title, taken in zip(networks, seconds, strict=True)]


def in_turn(works: Sequence[Callable[[], object]], repeats: int) -> list[float]:
    """Median seconds of each (of an even number the lower one): all once unmeasured, then by turns."""
    for work in works:
        work()
    rounds = [[_seconds(work) for work in works] for _ in range(repeats)]
    return [sorted(taken)[(repeats - 1) // 2] for taken in zip(*rounds, strict=True)]


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
