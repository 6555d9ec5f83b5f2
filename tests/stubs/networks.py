"""Networks that know the original: restorations whose quality a test can set."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from carcodec.container.payloads import ModelRef
from carcodec.descriptor.context import ContextModel
from carcodec.descriptor.grid import grid_size
from carcodec.errors import ModelMissing
from carcodec.ids import SITE_PX, SYMBOLS
from carcodec.ports import Analysis, Condition, Image, Levels, Symbols
from tests.stubs.context import uniform_model

GUIDING_SYMBOL = 3  # the one that helps; all others leave the blind restoration as it is


@dataclass
class OracleRestorer:
    """Goes `blind_share` of the way to the original in every other column.

    Where the symbol is `GUIDING_SYMBOL`, it goes `guided_share` of the way in all columns.
    """

    original: Image
    blind_share: float = 0.5
    guided_share: float = 0.9
    reference: ModelRef = field(default_factory=lambda: ModelRef(1, b"oracle"))

    def restore(self, base: Image, condition: Condition, symbols: Symbols | None = None) -> Levels:
        share = np.full(base.shape[:2], self.blind_share, np.float32)
        share[:, 1::2] = 0  # so that no strength makes the blind restoration perfect
        if symbols is not None:
            sites = np.kron(symbols == GUIDING_SYMBOL, np.ones((SITE_PX, SITE_PX), bool))
            share[sites[: base.shape[0], : base.shape[1]]] = self.guided_share
        share = share if base.ndim == 2 else share[..., None]
        return base + share * (self.original.astype(np.float32) - base)

    def analyse(self, image: Image, base: Image, condition: Condition) -> Analysis:
        gh, gw = grid_size(*base.shape[:2])
        guided = np.full((gh, gw), GUIDING_SYMBOL, np.uint8)
        errors = np.repeat(self._site_errors(image, self.restore(base, condition))[..., None], SYMBOLS, axis=2)
        errors[..., GUIDING_SYMBOL] = self._site_errors(image, self.restore(base, condition, guided))
        return Analysis(self.restore(base, condition), errors, guided)

    @staticmethod
    def _site_errors(image: Image, restored: Levels) -> np.ndarray:
        squared = np.square(image - restored).reshape(*image.shape[:2], -1).sum(axis=2)
        gh, gw = grid_size(*image.shape[:2])
        padded = np.pad(squared, ((0, gh * SITE_PX - image.shape[0]), (0, gw * SITE_PX - image.shape[1])))
        return padded.reshape(gh, SITE_PX, gw, SITE_PX).sum(axis=(1, 3)).astype(np.float32)


@dataclass
class UniformCoder:
    """Every symbol costs four bits."""

    reference: ModelRef = field(default_factory=lambda: ModelRef(2, b"coders"))
    model: ContextModel = field(default_factory=uniform_model)


@dataclass
class StubNetworks:
    """Exactly these two models are installed."""

    the_restorer: OracleRestorer
    the_coder: UniformCoder = field(default_factory=UniformCoder)

    def restorer(self, reference: ModelRef | None = None) -> OracleRestorer:
        if reference not in (None, self.the_restorer.reference):
            raise ModelMissing(f"model {reference} is not installed")
        return self.the_restorer

    def context_coder(self, reference: ModelRef | None = None) -> UniformCoder:
        if reference not in (None, self.the_coder.reference):
            raise ModelMissing(f"model {reference} is not installed")
        return self.the_coder
