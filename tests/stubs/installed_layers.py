"""Untrained networks of mode `layered`, installed as trained ones would be: whole numbers drawn by numpy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

from carcodec.intnn.frozen import dump_frozen
from carcodec.models.cards import as_toml
from carcodec.nn.exact import exact_layers
from carcodec.nn.layered import CompNet, FineNet
from carcodec.nn.segmentation import Segmenter
from tests.stubs.models import card_of, seeded
from tests.stubs.samples import toy_arrays

SEGMENTER = {"classes": ["sky", "road", "other"], "colours": [[1, 2, 3], [4, 5, 6], [7, 8, 9]]}
FINE = {"n_classes": 3, "width": 8, "depth": 2}
COMPACT = {"compact_width": 4}
N_WEIGHT = {"smapnet.tail": 4, "tail": 3}  # small ones, so that corrections are


def drawn(network: Any, seed: int) -> dict[str, np.ndarray]:
    """Frozen numbers for a network's exact layers."""
    rng = np.random.default_rng(seed)
    arrays = {}
    for name, layer in exact_layers(network).items():
        most = N_WEIGHT.get(name, 20)
        arrays[f"{name}.weight"] = rng.integers(-most, most + 1, tuple(layer.weight.shape)).astype(np.int8)
        arrays[f"{name}.bias"] = rng.integers(-2000, 4000, len(layer.bias)).astype(np.int32)
    return arrays


def install_layered(folder: Path) -> Path:
    """A segmenter (1), a FineNet (2), its CompNet (3) and a model of samples (4), all of them defaults."""
    compact = seeded(CompNet, COMPACT["compact_width"])
    half = {name: weight.numpy().astype(np.float16) for name, weight in compact.state_dict().items()}
    install(folder, "segmenter", dump_frozen(drawn(Segmenter(**SEGMENTER), 5)), 1, "segmenter", SEGMENTER)
    install(folder, "fine", dump_frozen(drawn(FineNet(**FINE), 6)), 2, "finenet", FINE)
    install(folder, "compact", save(half), 3, "compnet", COMPACT, partner=2, exact=False)
    install(folder, "samples", dump_frozen(toy_arrays()), 4, "frozen", {})
    (folder / "defaults.toml").write_text("segmenter = 1\nfine = 2\ncompact = 3\nsamples = 4\n")
    return folder


def install(
    folder: Path, role: str, data: bytes, number: int, network: str, arguments: dict[str, Any], **more: Any
) -> None:
    own = {"number": number, "id": f"{role}-1", "role": role, "network": network, "arguments": arguments}
    card = card_of(data, **({"exact": True} | own | more))
    (folder / card.file).write_bytes(data)
    (folder / f"{card.id}.toml").write_text(as_toml(card))
