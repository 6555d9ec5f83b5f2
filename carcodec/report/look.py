"""What is shown, and how: which codecs' pictures, and one colour, marker and weight for each codec's curve."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from carcodec.report.curves import ANCHOR, Bd
from carcodec.rows import Row

OWN = "carcodec"
ANCHOR_COLOUR = "#868e96"  # gray: what everything is compared with
# Readable on white and on near-black; carcodec's own first. Odd numbers of them: with four shapes in turn, a colour
# that comes again has another shape.
OWN_COLOURS = ("#2f6fde", "#0ca3c9", "#6a5ae0", "#1f9e89", "#7d94f5")
COLOURS = ("#e8590c", "#2f9e44", "#ae3ec9", "#e03131", "#b08500", "#c2255c", "#74a800", "#8d6e63", "#f06595")
SHAPES = ("circle", "square", "triangle", "diamond")
MAX_RIVALS = 4  # whose pictures are shown


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


def in_order(rows: Sequence[Row]) -> list[Row]:
    """Rows by data set, in it ours first, its variants, the others, and the anchor last; else in order of appearance.

    Files of results are joined in any order; ours has the same colour all the same.
    """
    sets = {name: place for place, name in enumerate(dict.fromkeys(row.dataset for row in rows))}
    codecs = {name: place for place, name in enumerate(dict.fromkeys(row.codec for row in rows))}

    def rank(codec: str) -> int:
        if codec.startswith(OWN):
            return 0 if codec == OWN else 1
        return 3 if codec == ANCHOR else 2

    return sorted(rows, key=lambda row: (sets[row.dataset], rank(row.codec), codecs[row.codec]))


def main_codec(table: Sequence[Bd]) -> Bd | None:
    """Our codec as it comes; where only variants of it were measured, the first of them; None where none was."""
    own = [bd for bd in table if bd.codec.startswith(OWN)]
    return next((bd for bd in own if bd.codec == OWN), own[0] if own else None)


def side_by_side(table: Sequence[Bd], main: str) -> list[str]:
    """Codecs whose pictures are shown: the anchor, ours, its named variants, the others with the lowest BD-rates."""
    variants = [bd.codec for bd in table if bd.codec.startswith(f"{OWN}-") and ":" not in bd.codec]
    rivals = [bd for bd in table if not bd.codec.startswith(OWN) and bd.codec.partition(":")[0] != ANCHOR]
    best = sorted((bd for bd in rivals if not math.isnan(bd.rate)), key=lambda bd: bd.rate)[:MAX_RIVALS]
    return list(dict.fromkeys((ANCHOR, main, *variants, *(bd.codec for bd in best))))


def shown_value(metric: str, value: float) -> float:
    """A metric as curves show it: MS-SSIM and SSIM in dB, -10 log10(1 - x), since all good pictures are near 1."""
    if metric not in ("ssim", "ms_ssim"):
        return value
    return -10 * math.log10(1 - value) if value < 1 else math.inf


def shown_label(metric: str, label: str) -> str:
    """Name of the axis that goes with `shown_value`."""
    return f"{label} (dB: -10 log10(1 - x))" if metric in ("ssim", "ms_ssim") else label
