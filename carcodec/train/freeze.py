"""From a trained context network to the frozen file, and what freezing costs.

    python -m carcodec.train.freeze runs/side/best.pt context.safetensors runs/context-data/symbols-val.npz

takes the context network of a run (by itself, or trained along with others), writes its integers for
`carcodec.train.export`, and prints the bits of the maps by the float network and by the integers.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from carcodec.nn.context import ContextNetwork
from carcodec.nn.freeze import freeze, freezing_cost, save_frozen
from carcodec.train.tasks.context import Grids

ALONG = "context."  # where tasks that train several networks keep this one


def load_context(checkpoint: Path) -> ContextNetwork:
    """The context network in a run's `best.pt`, with the width that its weights have."""
    weights = torch.load(checkpoint, map_location="cpu", weights_only=True)["network"]
    along = {name.removeprefix(ALONG): weight for name, weight in weights.items() if name.startswith(ALONG)}
    weights = along or weights
    network = ContextNetwork(len(weights["head.weight"]))
    network.load_state_dict(weights)
    return network


def main() -> None:
    """The command of the module's first lines."""
    checkpoint, target, maps = map(Path, sys.argv[1:4])
    network = load_context(checkpoint)
    save_frozen(freeze(network), target)
    grids = Grids.load(maps)
    with torch.no_grad():
        in_float, frozen = freezing_cost(network, [*zip(grids.symbols, map(int, grids.classes), strict=True)])
    n_sites = sum(grid.size for grid in grids.symbols)
    print(f"{n_sites} sites: {in_float / n_sites:.4f} bits each in float, {frozen / n_sites:.4f} frozen")
    print(f"freezing costs {100 * (frozen / in_float - 1):.3f} %")


if __name__ == "__main__":
    main()
