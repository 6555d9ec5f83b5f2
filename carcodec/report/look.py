"""What curves look like, in plots and on the page alike: one colour, marker and weight for each codec."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from carcodec.report.curves import ANCHOR

OWN = "carcodec"
ANCHOR_COLOUR = "#868e96"  # gray: what everything is compared with
# Readable on white and on near-black; carcodec's own first.
OWN_COLOURS = ("#2f6fde", "#0ca3c9", "#6a5ae0", "#1f9e89")
COLOURS = ("#e8590c", "#2f9e44", "#ae3ec9", "#e03131", "#b08500", "#c2255c", "#74a800", "#8d6e63")
SHAPES = ("circle", "square", "triangle", "diamond")


@dataclass(frozen=True)
class Look:
    """How a codec's curve is drawn.

    Attributes:
        colour: `#rrggbb`.
        shape: of the markers, one of `SHAPES`.
        wide: our own curves stand out.
    """

    colour: str
    shape: str
    wide: bool


def looks(codecs: Iterable[str]) -> dict[str, Look]:
    """A look for each codec label, by its order among its kind."""
    result: dict[str, Look] = {}
    n_own = n_other = 0
    for label in codecs:
        if label == ANCHOR:
            result[label] = Look(ANCHOR_COLOUR, "circle", False)
        elif label.startswith(OWN):
            result[label] = Look(OWN_COLOURS[n_own % len(OWN_COLOURS)], SHAPES[n_own % len(SHAPES)], True)
            n_own += 1
        else:
            result[label] = Look(COLOURS[n_other % len(COLOURS)], SHAPES[(n_other + 1) % len(SHAPES)], False)
            n_other += 1
    return result


def shown_value(metric: str, value: float) -> float:
    """A metric as curves show it: MS-SSIM and SSIM in dB, -10 log10(1 - x), since all good pictures are near 1."""
    if metric not in ("ssim", "ms_ssim"):
        return value
    return -10 * math.log10(1 - value) if value < 1 else math.inf


def shown_label(metric: str, label: str) -> str:
    """Name of the axis that goes with `shown_value`."""
    return f"{label} (dB: -10 log10(1 - x))" if metric in ("ssim", "ms_ssim") else label
