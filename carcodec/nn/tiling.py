"""Large pictures piece by piece, in bounded memory.

Each piece sees `overlap` pixels more than it contributes. What a restorer makes of a pixel depends on pixels up to its
reach away and no further (119 for the plain restorer, 317 for DAGN as new files use it), so pieces that overlap by that
much equal the whole, up to the order of float sums. Most of the reach hardly matters: see `Tiling.overlap`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Tiling:
    """How to cut. All in pixels, all multiples of `align`.

    Attributes:
        tile: largest side of what a piece contributes.
        overlap: what a piece sees beyond that, on every side. 80 keeps the seams of the shipped restorers
            within `SEAM_LEVELS` of the uncut picture, at a small part of the cost of the full reach.
        align: pieces begin at multiples of it and are filled up to multiples of it, by repeating the last
            row and column, where the picture ends. 16: the site of a descriptor, the MCU of a 4:2:0 JPEG.
    """

    tile: int = 864
    overlap: int = 80
    align: int = 16

    def __post_init__(self) -> None:
        if self.tile < 1 or self.overlap < 0 or self.tile % self.align or self.overlap % self.align:
            raise ValueError(f"tile and overlap must be multiples of {self.align}, not {self.tile} and {self.overlap}")


DEFAULT_TILING = Tiling()
SEAM_LEVELS = 0.01  # peak difference between a picture restored in pieces and at once, of 255, in float32


@dataclass(frozen=True)
class Span:
    """A piece along one axis: it sees `seen`, of which it contributes `kept`."""

    seen: slice
    kept: slice


def spans(length: int, tiling: Tiling) -> list[Span]:
    """Pieces of an axis, as even as the alignment allows; their kept parts cover it once."""
    count = -(-length // tiling.tile)
    step = -(-length // (count * tiling.align)) * tiling.align
    starts = range(0, length, step)
    return [
        Span(
            slice(max(0, start - tiling.overlap), min(length, start + step + tiling.overlap)),
            slice(start, min(length, start + step)),
        )
        for start in starts
    ]


def run_tiled(
    function: Callable[..., Sequence[Array]],
    pictures: Sequence[Array],
    maps: Sequence[Array] = (),
    cells: Sequence[int] = (1,),
    tiling: Tiling = DEFAULT_TILING,
) -> list[Array]:
    """A function of pictures, applied piece by piece.

    Args:
        function: takes the pieces of all pictures [h,w,...] (h, w multiples of `align`), then those of all maps
            [h/align,w/align,...], and returns one array [h/cell,w/cell,...] for each of `cells`.
        pictures: [H,W,...] each, of one size.
        maps: [ceil(H/align),ceil(W/align),...] each: one entry per square of `align` pixels.
        cells: for each result, the side in pixels of the square that one entry stands for; divides `align`.

    Returns:
        For each of `cells`, an array [ceil(H/cell),ceil(W/cell),...].

    Raises:
        ValueError: sizes that do not go together, or a picture without pixels.

    Cost: a picture of no more pixels than one piece sees runs in one call. Memory: results, and one piece.
    """
    height, width = pictures[0].shape[:2]
    _check(pictures, maps, height, width, tiling.align)
    results: list[Array] = []
    for rows, columns in _pieces(height, width, tiling):
        seen = [_filled(picture[rows.seen, columns.seen], tiling.align) for picture in pictures]
        sites = [each[_cells(rows.seen, tiling.align), _cells(columns.seen, tiling.align)] for each in maps]
        made = function(*seen, *sites)
        if not results:
            shapes = [
                (-(-height // cell), -(-width // cell), *part.shape[2:]) for part, cell in zip(made, cells, strict=True)
            ]
            results = [np.empty(shape, part.dtype) for shape, part in zip(shapes, made, strict=True)]
        for result, part, cell in zip(results, made, cells, strict=True):
            kept = _cells(rows.kept, cell), _cells(columns.kept, cell)
            result[kept] = part[_within(kept[0], rows.seen, cell), _within(kept[1], columns.seen, cell)]
    return results


def _pieces(height: int, width: int, tiling: Tiling) -> Iterator[tuple[Span, Span]]:
    if height * width <= (tiling.tile + 2 * tiling.overlap) ** 2:
        yield Span(slice(0, height), slice(0, height)), Span(slice(0, width), slice(0, width))
        return
    for rows in spans(height, tiling):
        for columns in spans(width, tiling):
            yield rows, columns


def _check(pictures: Sequence[Array], maps: Sequence[Array], height: int, width: int, align: int) -> None:
    if height == 0 or width == 0:
        raise ValueError("a picture without pixels")
    sites = -(-height // align), -(-width // align)
    if any(picture.shape[:2] != (height, width) for picture in pictures):
        raise ValueError(f"pictures of different sizes: {[picture.shape for picture in pictures]}")
    if any(each.shape[:2] != sites for each in maps):
        raise ValueError(f"a picture of {height} x {width} needs maps of {sites}, not {[each.shape for each in maps]}")


def _filled(piece: Array, align: int) -> Array:
    height, width = piece.shape[:2]
    missing = [(0, -height % align), (0, -width % align)] + [(0, 0)] * (piece.ndim - 2)
    return np.pad(piece, missing, mode="edge")


def _cells(pixels: slice, cell: int) -> slice:
    """The entries that stand for pixels from a multiple of `cell` on."""
    return slice(pixels.start // cell, -(-pixels.stop // cell))


def _within(kept: slice, seen: slice, cell: int) -> slice:
    """The kept entries, counted from the first entry that the piece sees."""
    first = seen.start // cell
    return slice(kept.start - first, kept.stop - first)
