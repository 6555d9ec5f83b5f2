"""Runs side by side as a table: what each network costs, and what it gained on the validation photographs.

    python -m carcodec.train.study runs/study-ushape runs/study-half --photos DATA

Each folder bears the name of its recipe. With photographs, the gain is measured again behind a projection into the
quantization intervals (`carcodec.jpeg.intervals`), which needs no training.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from carcodec.jpeg.intervals import into_intervals
from carcodec.nn.cost import multiply_accumulates, weights
from carcodec.runtime import Engine, empty_network, trial
from carcodec.train.export import recipe_arguments
from carcodec.train.photos import load_split, middles
from carcodec.train.run import RECIPES, read_recipe
from carcodec.train.tasks.restorer import VALIDATION_SIDE, Batch, gains, validation_batches

PICTURE_PX = (512, 768)
TIMED_RUNS = 3
Row = Mapping[str, str]


class Projected(nn.Module):
    """A restorer, and what brings its luma into the intervals; the steps are those that the condition tells."""

    def __init__(self, restorer: nn.Module) -> None:
        super().__init__()
        self.restorer = restorer

    def forward(self, base: Tensor, condition: Tensor) -> Tensor:
        restored = self.restorer(base, condition)
        triples = zip(_levels(restored), _levels(base), condition, strict=True)
        projected = [into_intervals(levels, np.rint(jpeg).astype(np.uint8), _steps(c)) for levels, jpeg, c in triples]
        return torch.from_numpy(np.stack(projected)).permute(0, 3, 1, 2) / 255


def _levels(pictures: Tensor) -> np.ndarray[Any, np.dtype[np.float32]]:
    """float[N,3,H,W] in 0..1 -> float32[N,H,W,3] in 0..255."""
    return (pictures.float() * 255).permute(0, 2, 3, 1).contiguous().numpy()


def _steps(condition: Tensor) -> np.ndarray[Any, np.dtype[np.int64]]:
    """int64[64], luma."""
    steps = torch.exp2(8 * condition[:64].double()).round().long()
    return np.asarray(steps.numpy())


def restorer_of(folder: Path) -> tuple[nn.Module, Mapping[str, Any]]:
    """The averaged restorer that a run left, and its `best.pt`."""
    recipe = read_recipe(RECIPES / f"{folder.name}.toml")
    options, is_dagn = recipe["options"], recipe["task"] == "dagn"
    name = options.get("network", "dagn" if is_dagn else "restorer")
    prefix = "restorer." if is_dagn else ""
    best = torch.load(folder / "best.pt", map_location="cpu", weights_only=True)
    network = empty_network(name, recipe_arguments(name, options)).eval().requires_grad_(False)
    found = {n.removeprefix(prefix): w for n, w in best["network"].items() if n.startswith(prefix)}
    network.load_state_dict(found)
    return network, best


def row(folder: Path, engine: Engine, points: Mapping[str, Batch]) -> Row:
    """A run's cells by their heads."""
    network, best = restorer_of(folder)
    figures: Mapping[str, float] = best["figures"]
    cells = {
        "run": folder.name,
        "weights": f"{weights(network) / 1e6:.2f} M",
        "multiply-accumulates a pixel": f"{multiply_accumulates(network) / 1e6:.3f} M",
        "ms": f"{1e3 * _seconds(trial(network, engine, np.zeros((*PICTURE_PX, 3), np.uint8))):.0f}",
        "steps": str(best["step"]),
    }
    if points:
        projected = gains(Projected(network), points, torch.device("cpu"))
        cells["gain, projected"] = f"{sum(projected.values()) / len(projected):+.3f}"
    return cells | {name: f"{value:+.3f}" for name, value in figures.items()}


def _seconds(work: Callable[[], object]) -> float:
    """The least of a few: other work on the machine only adds."""
    work()
    taken = []
    for _ in range(TIMED_RUNS):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return min(taken)


def table(rows: list[Row]) -> str:
    """Markdown, one line a run; figures that only some runs have are left empty in the others."""
    heads = list(dict.fromkeys(name for each in rows for name in each))
    lines = [heads, ["---"] * len(heads), *([each.get(name, "") for name in heads] for each in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _points(photos: Path, n_pictures: int) -> dict[str, Batch]:
    return validation_batches(middles(load_split(photos, "val")[:n_pictures], VALIDATION_SIDE))


def main() -> None:
    """The command of the module's first lines."""
    parser = argparse.ArgumentParser(prog="python -m carcodec.train.study", description="Compare runs.")
    parser.add_argument("runs", type=Path, nargs="+", help="run folders, named as their recipes")
    parser.add_argument("--photos", type=Path, help="training photographs: measure the projection, too")
    parser.add_argument("--pictures", type=int, default=24, help="validation photographs to measure it on")
    asked = parser.parse_args()
    points = _points(asked.photos, asked.pictures) if asked.photos else {}
    print(table([row(folder, Engine("cpu"), points) for folder in asked.runs]))


if __name__ == "__main__":
    main()
