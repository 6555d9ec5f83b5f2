"""The ports of mode `layered`: compact pictures, what is predicted from them, and the coder of samples.

Networks that both sides run are exact, and run on the CPU whatever the device: see `carcodec.nn.exact`. Large pictures
are taken window by window; windows are part of the format (docs/format.md 13), since a base depends on them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from carcodec.container.payloads import ModelRef
from carcodec.models import cards
from carcodec.models.cards import Card
from carcodec.ports import Image, Labels
from carcodec.residual.coding import decode_samples, encode_samples
from carcodec.residual.model import SampleModel
from carcodec.runtime.building import build
from carcodec.runtime.engine import Engine
from carcodec.runtime.processor import load_torch
from carcodec.runtime.restoring import in_colour

if TYPE_CHECKING:
    from torch import Tensor

ALIGNMENT_PX = 32  # of the coarsest features
WINDOW_PX = 1024
MARGIN_PX = 128  # what a window sees beyond what it gives

Window = tuple[tuple[slice, slice], tuple[slice, slice]]  # rows and columns seen, and given


class LayeredPort:
    """FineNet, the segmenter it was trained with, and for encoding the CompNet that was trained with both."""

    def __init__(self, fine: Card, segmenter: Card, folder: Path, engine: Engine) -> None:
        self.fine_reference, self.segmenter_reference = fine.reference, segmenter.reference
        self.classes: tuple[str, ...] = tuple(segmenter.arguments["classes"])
        self.colours: tuple[tuple[int, int, int], ...] = tuple(map(tuple, segmenter.arguments["colours"]))
        self._cards = {"fine": fine, "segmenter": segmenter}
        self._folder, self._engine = folder, engine

    def compact(self, image: Image, scale: int) -> Image:
        """See `LayeredNetworks.compact`.

        Raises:
            ModelMissing: the weights are not installed.
        """
        height, width = image.shape[:2]
        compact = self._windows(
            _padded(in_colour(image), -height % ALIGNMENT_PX, -width % ALIGNMENT_PX),
            lambda window: [self._network("compact")(window, scale)],
            enlarged_by=1,
            shrunk_by=scale,
        )
        return _like(image, compact[: -(-height // scale), : -(-width // scale)])

    def base(self, compact: Image, scale: int, height: int, width: int) -> Image:
        """See `LayeredNetworks.base`.

        Raises:
            ModelMissing: the weights are not installed.
        """
        from carcodec.nn.layered import GRID_PX, bilinear
        from carcodec.nn.segmentation import probabilities

        def predict(window: Tensor) -> list[Tensor]:
            picture, grid = bilinear(window, scale), bilinear(window, scale // GRID_PX)
            shares = probabilities(self._network("segmenter")(picture))
            return [self._network("fine")(grid, shares, picture, scale)]

        base = self._windows(_aligned(compact, scale, height, width), predict, enlarged_by=scale)
        return _like(compact, base[:height, :width])

    def segments(self, compact: Image, scale: int, height: int, width: int) -> Labels:
        """See `LayeredNetworks.segments`.

        Raises:
            ModelMissing: the weights are not installed.
        """
        from carcodec.nn.layered import bilinear
        from carcodec.nn.segmentation import labels

        def classify(window: Tensor) -> list[Tensor]:
            return [labels(self._network("segmenter")(bilinear(window, scale)))[:, None]]

        found = self._windows(_aligned(compact, scale, height, width), classify, enlarged_by=scale)
        return np.ascontiguousarray(found[:height, :width, 0])

    def _windows(
        self, picture: Image, function: Callable[[Tensor], list[Tensor]], enlarged_by: int, shrunk_by: int = 1
    ) -> npt.NDArray[Any]:
        """A function of whole levels, float32[1,3,h,w] -> [1,C,...], window by window.

        Args:
            picture: uint8[h,w,3]; times `enlarged_by`, its sides are multiples of `ALIGNMENT_PX`.
            enlarged_by, shrunk_by: how the result's sides follow from the picture's.

        Returns:
            uint8[h * enlarged_by // shrunk_by,...,C].
        """
        torch = load_torch()
        height, width = (side * enlarged_by for side in picture.shape[:2])
        result: npt.NDArray[Any] | None = None
        # Whatever the caller's autocast: whole numbers in bfloat16 would be rounded.
        with self._engine.computing(), torch.autocast("cpu", enabled=False):
            for seen, given in windows(height, width):
                part = picture[_scaled(seen, enlarged_by)].astype(np.float32)
                (made,) = function(torch.from_numpy(part).permute(2, 0, 1)[None].contiguous())
                levels = made[0].permute(1, 2, 0).cpu().numpy().astype(np.uint8)
                if result is None:
                    result = np.empty((height // shrunk_by, width // shrunk_by, levels.shape[2]), np.uint8)
                inside = tuple(slice(g.start - s.start, g.stop - s.start) for s, g in zip(seen, given, strict=True))
                result[_scaled(given, shrunk_by)] = levels[_scaled(inside, shrunk_by)]
        assert result is not None
        return result

    @functools.cache  # noqa: B019 - ports live as long as the process
    def _network(self, role: str) -> Any:
        if role == "compact":
            card = cards.partner_of(self._cards["fine"], role, self._folder)
            return build(card or cards.default(role, self._folder), self._folder)
        return build(self._cards[role], self._folder)


@dataclass(frozen=True)
class SampleCoderPort:
    """A frozen sample model, and how files name it."""

    reference: ModelRef
    model: SampleModel
    engine: Engine

    def encode(self, levels: Image, base: Image | None, step: int) -> bytes:
        """See `SampleCoder.encode`."""
        return encode_samples(levels, base, self.model, step, self.engine.threads)

    def decode(self, data: bytes, shape: tuple[int, ...], base: Image | None, step: int) -> Image:
        """See `SampleCoder.decode`."""
        return decode_samples(data, shape, base, self.model, step)


def windows(height: int, width: int) -> Iterator[Window]:
    """What is computed at once, and what of it counts, in pixels; sides are multiples of 32.

    Every window gives a square of at most 1024 and sees 128 more on each side, as far as there is a picture.
    """
    for top in range(0, height, WINDOW_PX):
        for left in range(0, width, WINDOW_PX):
            bottom, right = min(height, top + WINDOW_PX), min(width, left + WINDOW_PX)
            seen = (
                slice(max(0, top - MARGIN_PX), min(height, bottom + MARGIN_PX)),
                slice(max(0, left - MARGIN_PX), min(width, right + MARGIN_PX)),
            )
            yield seen, (slice(top, bottom), slice(left, right))


def _scaled(pixels: tuple[slice, ...], factor: int) -> tuple[slice, ...]:
    return tuple(slice(each.start // factor, each.stop // factor) for each in pixels)


def _aligned(compact: Image, scale: int, height: int, width: int) -> Image:
    """The compact picture in colour, filled up to that of a picture whose sides are multiples of 32."""
    rows, columns = (-(-side // ALIGNMENT_PX) * ALIGNMENT_PX // scale for side in (height, width))
    return _padded(in_colour(compact), rows - compact.shape[0], columns - compact.shape[1])


def _padded(picture: Image, rows: int, columns: int) -> Image:
    return np.pad(picture, ((0, rows), (0, columns), (0, 0)), mode="edge")


def _like(picture: Image, found: npt.NDArray[Any]) -> Image:
    """In colour, or the weighted mean (1, 2, 1)/4 of the channels, as the picture is."""
    if picture.ndim == 3:
        return np.ascontiguousarray(found)
    wide = found.astype(np.uint16)
    gray: Image = ((wide[..., 0] + 2 * wide[..., 1] + wide[..., 2] + 2) >> 2).astype(np.uint8)
    return gray
