import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch

from carcodec.descriptor.context import OUTSIDE
from carcodec.train.loop import Plan, Run
from carcodec.train.run import RECIPES
from carcodec.train.tasks.context import ContextTask, Grids
from tests.stubs.grids import markov_grid


def write_split(path: Path, seed: int, n: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    classes = rng.integers(0, 8, n).astype(np.uint8)
    grids = [markov_grid(rng, int(rng.integers(1, 20)), int(rng.integers(1, 20)), int(klass)) for klass in classes]
    shapes = np.array([grid.shape for grid in grids], np.int32)
    np.savez(path, symbols=np.concatenate([grid.ravel() for grid in grids]), shapes=shapes, classes=classes)
    return grids


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    write_split(tmp_path / "symbols-train.npz", 1, 12)
    write_split(tmp_path / "symbols-val.npz", 2, 3)
    return tmp_path


def test_grids_come_back_from_the_flat_file(tmp_path: Path) -> None:
    grids = write_split(tmp_path / "grids.npz", 3, 5)
    loaded = Grids.load(tmp_path / "grids.npz")
    assert len(loaded.classes) == 5
    for found, grid in zip(loaded.symbols, grids, strict=True):
        assert (found == grid).all()


def test_a_batch_depends_on_its_generator_alone(data_dir: Path) -> None:
    task = ContextTask(data_dir, {"width": 4, "window": 6})
    first, again = (task.batch(np.random.default_rng((1, 5, 0)), 9) for _ in range(2))
    assert first[0].shape == (9, 8, 10)
    assert first[1].shape == (9,)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))


def test_every_site_is_drawn_equally_often(tmp_path: Path) -> None:
    """Two grids of one symbol each: windows must show them by their sizes, edges and all."""
    for name in ("symbols-train.npz", "symbols-val.npz"):
        shapes = np.array([(2, 3), (9, 10)], np.int32)
        np.savez(
            tmp_path / name,
            symbols=np.repeat([1, 2], [6, 90]).astype(np.uint8),
            shapes=shapes,
            classes=np.zeros(2, np.uint8),
        )
    codes, _ = ContextTask(tmp_path, {"width": 4, "window": 4}).batch(np.random.default_rng(1), 6000)
    drawn = codes[:, 2:, 2:-2]
    n_small, n_large = ((drawn == symbol).sum().item() for symbol in (1, 2))
    assert n_large / n_small == pytest.approx(15, rel=0.1)
    assert (drawn == OUTSIDE).any()


def test_a_short_run_learns_and_leaves_weights(data_dir: Path) -> None:
    torch.manual_seed(1)
    task = ContextTask(data_dir, {"width": 8, "window": 8})
    before = task.validate(task.network, torch.device("cpu"))["minus_bits_per_site"]
    plan = Plan(steps=40, batch=8, rate=1e-2, warm_up=5, ema=0.9, validate_every=40)
    Run(task, plan, data_dir / "run", torch.device("cpu")).go()
    best = torch.load(data_dir / "run" / "best.pt", weights_only=True)
    assert next(iter(best["figures"])) == "minus_bits_per_site"
    assert best["figures"]["minus_bits_per_site"] > before + 0.5


def test_the_recipe_is_one_the_task_takes(data_dir: Path) -> None:
    recipe = tomllib.loads((RECIPES / "context.toml").read_text())
    assert recipe["task"] == "context"
    Plan(**recipe["plan"])
    task = ContextTask(data_dir, recipe["options"])
    assert task.batch(np.random.default_rng(1), 2)[0].dtype == torch.int64
