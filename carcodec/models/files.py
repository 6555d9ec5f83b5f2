"""Weight files: bytes that are what their card says, and the arrays in them."""

from __future__ import annotations

import hashlib
from importlib.resources.abc import Traversable
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load

from carcodec.errors import ModelMissing
from carcodec.models.cards import SHIPPED, Card

Arrays = dict[str, npt.NDArray[Any]]


def load_bytes(card: Card, folder: Traversable = SHIPPED) -> bytes:
    """The weight file of a card, size and SHA-256 checked.

    Raises:
        ModelMissing: the file is not there, or is not the one of the card.
    """
    try:
        data = (folder / card.file).read_bytes()
    except FileNotFoundError as error:
        raise ModelMissing(f"model {card.number} ({card.id}): its weight file {card.file} is not installed") from error
    if len(data) != card.size or hashlib.sha256(data).hexdigest() != card.sha256:
        raise ModelMissing(f"model {card.number} ({card.id}): {card.file} is damaged, its bytes are not those of its card")
    return data


def load_arrays(card: Card, folder: Traversable = SHIPPED) -> Arrays:
    """Weights by name, as stored (float16 for free models, integers for exact ones); no torch needed.

    Raises:
        ModelMissing: as `load_bytes`, or the file is no safetensors file.
        ValueError: an exact model with floats in it.
    """
    try:
        arrays: Arrays = load(load_bytes(card, folder))
    except SafetensorError as error:
        raise ModelMissing(f"model {card.number} ({card.id}): {card.file} is not a safetensors file") from error
    if card.exact and any(not np.issubdtype(array.dtype, np.integer) for array in arrays.values()):
        raise ValueError(f"model {card.number} ({card.id}) is called exact and holds arrays that are not integers")
    return arrays
