"""What the modes ask of networks: arrays in, arrays out. `runtime` gives objects that keep these promises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from carcodec.container.payloads import ModelRef

if TYPE_CHECKING:
    from carcodec.descriptor.context import ContextModel

Image = npt.NDArray[np.uint8]  # [H,W] gray or [H,W,3]
Levels = npt.NDArray[np.float32]  # like Image, 0..255, neither rounded nor clipped
Symbols = npt.NDArray[np.uint8]  # [gh,gw], 0..15
Condition = npt.NDArray[np.float32]  # [131], see jpeg.conditioning


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


class Networks(Protocol):
    """Gives the networks by their references; None means the newest installed.

    Raises:
        ModelMissing: that model is not installed.
    """

    def restorer(self, reference: ModelRef | None = None) -> Restorer: ...

    def context_coder(self, reference: ModelRef | None = None) -> ContextCoder: ...
