"""The port of a restorer: pictures in, restored pictures out."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from carcodec.errors import UsageError
from carcodec.ids import SITE_PX
from carcodec.jpeg.conditioning import CONDITION_SIZE
from carcodec.models import cards
from carcodec.models.cards import Card
from carcodec.nn.tiling import Array
from carcodec.ports import Analysis, Condition, Image, Levels, Symbols
from carcodec.runtime.building import GUIDED, build
from carcodec.runtime.engine import Engine

if TYPE_CHECKING:
    from torch import Tensor, nn


def trial(network: nn.Module, engine: Engine, picture: Image) -> Callable[[], object]:
    """What restores a picture by a network that is not installed, told nothing, when called: to be timed.

    Args:
        network: takes base float32[N,3,H,W] and condition float32[N,131].
        picture: uint8[H,W,3] or [H,W].
    """
    placed, vector = engine.place(network), engine.vector(np.zeros(CONDITION_SIZE, np.float32))
    pictures = (in_colour(picture),)
    return lambda: engine.run(lambda base: [placed(base, vector)], pictures)


class RestorerPort:
    """A restorer, its weights read when first needed, and for encoding the extractor trained with it."""

    def __init__(self, card: Card, folder: Path, engine: Engine) -> None:
        self.reference = card.reference
        self._card, self._folder, self._engine = card, folder, engine

    def restore(self, base: Image, condition: Condition, symbols: Symbols | None = None) -> Levels:
        """The picture behind a decoded JPEG.

        Args:
            base: uint8[H,W,3] or [H,W].
            condition: float32[131] of the JPEG's header.
            symbols: uint8[ceil(H/16),ceil(W/16)], or None to restore without a descriptor.

        Returns:
            float32 of the base's shape, in 0..255 but neither rounded nor clipped. Between machines it differs by
            rounding: tests/exact/test_pixels.py states how much.

        Raises:
            ModelMissing: the weights are not installed.
            UsageError: symbols for a restorer that takes none.
        """
        network, vector = self._network, self._engine.vector(condition)
        maps = () if symbols is None else (symbols,)
        if maps:
            self._check_guided()

        def function(picture: Tensor, *symbols: Tensor) -> list[Tensor]:
            return [network(picture, vector, *symbols)]

        (restored,) = self._engine.run(function, (in_colour(base),), maps)
        return _levels(restored, base)

    def analyse(self, image: Image, base: Image, condition: Condition) -> Analysis:
        """What each symbol would bring at each site, from one look at original and base.

        Args:
            image: the original, of the base's shape.
            base, condition: as `restore`.

        Raises:
            ModelMissing: the weights are not installed.
            UsageError: this restorer takes no symbols.
        """
        self._check_guided()
        network: Any = self._network
        extractor, vector = self._extractor, self._engine.vector(condition)
        from carcodec.nn.descriptor import quantize, site_errors

        def function(original: Tensor, picture: Tensor) -> list[Tensor]:
            blind, prepared = network.parts(picture, vector)
            errors = site_errors(network.guided, prepared, original - blind)
            symbols = errors.argmin(dim=1) if extractor is None else quantize(extractor(original, picture))
            return [blind, errors, symbols[:, None]]

        pictures = in_colour(image), in_colour(base)
        blind, errors, proposal = self._engine.run(function, pictures, cells=(1, SITE_PX, SITE_PX))
        errors *= 255**2 / (3 if base.ndim == 2 else 1)
        return Analysis(_levels(blind, base), errors, proposal[..., 0].astype(np.uint8))

    def _check_guided(self) -> None:
        if self._card.network not in GUIDED:
            raise UsageError(f"{self._card.id} restores without a descriptor: it takes no symbols")

    @functools.cached_property
    def _network(self) -> nn.Module:
        return self._engine.place(build(self._card, self._folder))

    @functools.cached_property
    def _extractor(self) -> nn.Module | None:
        card = cards.partner_of(self._card, "extractor", self._folder)
        return None if card is None else self._engine.place(build(card, self._folder))


def in_colour(picture: Image) -> Image:
    """uint8[H,W,3]; a gray picture three times over, without copying it."""
    return picture if picture.ndim == 3 else np.broadcast_to(picture[..., None], (*picture.shape, 3))


def _levels(restored: Array, base: Image) -> Levels:
    """From 0..1 to levels, in the base's shape: gray is the mean of the three channels."""
    restored *= 255
    levels: Levels = restored if base.ndim == 3 else restored.mean(axis=2)
    return levels
