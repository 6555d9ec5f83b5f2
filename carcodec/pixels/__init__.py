"""Pictures as arrays: reading and writing them, and measuring how far apart two are."""

import numpy as np
import numpy.typing as npt

__all__ = ["Image"]

Image = npt.NDArray[np.uint8]  # [H,W] gray or [H,W,3] RGB; the one name of such arrays in the whole package
