"""What the modes ask of networks: arrays in, arrays out. `runtime` gives objects that keep these promises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from carcodec.container.payloads import ModelRef
from carcodec.pixels import Image as Image  # part of what the ports speak of

if TYPE_CHECKING:
    from carcodec.descriptor.context import ContextModel

Levels = npt.NDArray[np.float32]  # like Image, 0..255, neither rounded nor clipped
Symbols = npt.NDArray[np.uint8]  # [gh,gw], 0..15
Condition = npt.NDArray[np.float32]  # [131], see jpeg.conditioning
Labels = npt.NDArray[np.uint8]  # [H,W], numbers of classes


@dataclass(frozen=True)
class Analysis:
    """What the encoder learns from one look at original and base.

    Attributes:
        blind: the restoration without a descriptor.
        errors: float32[gh,gw,16], squared error (levels squared, all samples of the site) that each symbol would leave.
        proposal: the extractor's symbols.
    """

    blind: Levels
    errors: npt.NDArray[np.float32]
    proposal: Symbols


class Restorer(Protocol):
    """Restores a decoded JPEG; free (float): pixels may differ by rounding between machines."""

    @property
    def reference(self) -> ModelRef: ...

    def restore(self, base: Image, condition: Condition, symbols: Symbols | None = None) -> Levels: ...

    def analyse(self, image: Image, base: Image, condition: Condition) -> Analysis: ...


class ContextCoder(Protocol):
    """A frozen context model and the name that files give it; exact: the same on every machine."""

    @property
    def reference(self) -> ModelRef: ...

    @property
    def model(self) -> ContextModel: ...


class LayeredNetworks(Protocol):
    """The networks of mode `layered`. All but `compact` are exact: the same on every machine.

    A compact picture has ceil(H / scale) rows and ceil(W / scale) columns, and is gray where the picture is; sizes
    are those of the picture, which need be no multiples of anything.
    """

    @property
    def fine_reference(self) -> ModelRef: ...

    @property
    def segmenter_reference(self) -> ModelRef: ...

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, by the numbers in `Labels`."""

    @property
    def colours(self) -> tuple[tuple[int, int, int], ...]:
        """A colour for each class, RGB."""

    def compact(self, image: Image, scale: int) -> Image:
        """The compact picture; for encoding only, and free (float)."""

    def base(self, compact: Image, scale: int, height: int, width: int) -> Image:
        """The picture as predicted from the compact one and its segments."""

    def segments(self, compact: Image, scale: int, height: int, width: int) -> Labels:
        """The segments that guide the base."""


class SampleCoder(Protocol):
    """Codes levels of samples with a frozen model, given a base; exact: the same on every machine.

    Levels are samples divided by an odd step and rounded: 0..round(255 / step), so up to (255 + step // 2) // step.
    The base is a picture of the same shape in 0..255, or None where there is none (a compact picture).
    """

    @property
    def reference(self) -> ModelRef: ...

    def encode(self, levels: Image, base: Image | None, step: int) -> bytes: ...

    def decode(self, data: bytes, shape: tuple[int, ...], base: Image | None, step: int) -> Image:
        """The levels.

        Raises:
            DamagedError: no writer makes such data.
        """


class Networks(Protocol):
    """Gives the networks by their references; None means the newest installed.

    Raises:
        ModelMissing: that model is not installed.
    """

    def restorer(self, reference: ModelRef | None = None) -> Restorer: ...

    def context_coder(self, reference: ModelRef | None = None) -> ContextCoder: ...

    def layered(self, fine: ModelRef | None = None, segmenter: ModelRef | None = None) -> LayeredNetworks: ...

    def sample_coder(self, reference: ModelRef | None = None) -> SampleCoder: ...
