"""Writes toy.safetensors and payloads.json, once: what released versions read must never change.

python tests/vectors/descriptor/make.py NEW_FOLDER
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from carcodec.descriptor.coding import encode_symbols
from carcodec.descriptor.context import ContextModel
from carcodec.entropy.ranges import PlainEngine
from carcodec.intnn.frozen import dump_frozen
from tests.stubs.context import toy_arrays
from tests.stubs.grids import markov_grid


def cases() -> dict[str, tuple[np.ndarray, int]]:
    """Name -> symbols, rate class."""
    rng = np.random.default_rng(1)
    return {
        "one site": (np.array([[11]], np.uint8), 0),
        "all zeros": (np.zeros((3, 4), np.uint8), 7),
        "each symbol": (np.arange(16, dtype=np.uint8).reshape(2, 8), 1),
        "a row": (markov_grid(rng, 1, 23, 2), 2),
        "a column": (markov_grid(rng, 23, 1, 3), 3),
        "a small picture": (markov_grid(rng, 9, 14, 4), 4),
        "every symbol as likely": (rng.integers(0, 16, (12, 5)).astype(np.uint8), 5),
    }


def main(folder: Path) -> None:
    model = dump_frozen({name: array.astype(np.int32) for name, array in toy_arrays().items()})
    loaded = ContextModel.load(model)
    rows = [
        {
            "name": name,
            "rate_class": rate_class,
            "symbols": ["".join(f"{symbol:x}" for symbol in row) for row in symbols.tolist()],
            "payload": encode_symbols(symbols, loaded, rate_class, PlainEngine()).hex(),
        }
        for name, (symbols, rate_class) in cases().items()
    ]
    folder.mkdir(parents=True)
    (folder / "toy.safetensors").write_bytes(model)
    (folder / "payloads.json").write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
