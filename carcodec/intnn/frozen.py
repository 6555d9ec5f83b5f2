"""Read and write frozen models: named integer arrays in a safetensors file, no code in it, no torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load, save

Ints = npt.NDArray[np.int64]


def load_frozen(source: str | Path | bytes, shapes: Mapping[str, tuple[int | None, ...]]) -> dict[str, Ints]:
    """The arrays of a frozen model.

    Args:
        source: a path, or the file's bytes.
        shapes: the names that must be there, no others, and their shapes; None stands for any size but 0.

    Returns:
        int64 arrays in C order, whatever integer type they are stored in.

    Raises:
        ValueError: not such a model (whoever made or installed it is at fault; files are checked by digest).
        OSError: the path cannot be read.
    """
    data = source if isinstance(source, bytes) else Path(source).read_bytes()
    try:
        arrays = load(data)
    except SafetensorError as error:
        raise ValueError(f"not a safetensors file: {error}") from None
    if arrays.keys() != shapes.keys():
        raise ValueError(f"a frozen model must hold {sorted(shapes)}, not {sorted(arrays)}")
    for name, shape in shapes.items():
        _check(name, arrays[name], shape)
    return {name: np.ascontiguousarray(array, dtype=np.int64) for name, array in arrays.items()}


def dump_frozen(arrays: Mapping[str, npt.NDArray[Any]]) -> bytes:
    """The file of a frozen model; equal arrays give equal bytes."""
    return save({name: np.ascontiguousarray(arrays[name]) for name in sorted(arrays)})


def _check(name: str, array: npt.NDArray[Any], shape: tuple[int | None, ...]) -> None:
    if array.dtype.kind != "i":
        raise ValueError(f"{name} holds {array.dtype}, not signed integers")
    fits = len(array.shape) == len(shape) and all(
        n > 0 and wanted in (None, n) for n, wanted in zip(array.shape, shape, strict=True)
    )
    if not fits:
        raise ValueError(f"{name} has shape {array.shape}, not {shape}")
