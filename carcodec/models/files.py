"""Weight files: bytes that are what their card says, and the arrays in them.

Exact models are read from their bytes by `carcodec.intnn.frozen`.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load

from carcodec.errors import ModelMissing
from carcodec.models.cards import SHIPPED, Card


def load_bytes(card: Card, folder: Path = SHIPPED) -> bytes:
    """The weight file of a card, size and SHA-256 checked.

    Raises:
        ModelMissing: the file is not there, or is not the one of the card.
    """
    try:
        data = (folder / card.file).read_bytes()
    except FileNotFoundError as error:
        raise ModelMissing(f"model {card.number} ({card.id}): its weight file {card.file} is not installed") from error
    if len(data) != card.size or hashlib.sha256(data).hexdigest() != card.sha256:
        raise ModelMissing(
            f"model {card.number} ({card.id}): {card.file} is damaged, its bytes are not those of its card"
        )
    return data


def load_arrays(card: Card, folder: Path = SHIPPED) -> dict[str, npt.NDArray[Any]]:
    """Weights of a free model by name, float16 as stored; needs no torch.

    Raises:
        ModelMissing: as `load_bytes`, or the file is no safetensors file.
    """
    try:
        arrays: dict[str, npt.NDArray[Any]] = load(load_bytes(card, folder))
    except SafetensorError as error:
        raise ModelMissing(f"model {card.number} ({card.id}): {card.file} is not a safetensors file") from error
    return arrays
