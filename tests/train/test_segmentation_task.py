"""The segmentation task on tiny scenes: it runs through both its parts, resumes, and what it leaves can be frozen."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from carcodec.nn.exact import frozen
from carcodec.train.loop import Plan, Run
from carcodec.train.run import RECIPES, read_recipe
from carcodec.train.tasks.segmentation import N_NAMED, SegmentationTask, rarity, up_sampled
from tests.stubs.scenes import write_scenes

OPTIONS: dict[str, Any] = read_recipe(RECIPES / "edms-segmentation.toml")["options"] | {
    "crop": [32, 64],
    "n_validation": 1,
    "n_photos": 820,
    "open_from": 0.5,
}
PLAN = Plan(steps=4, batch=4, warm_up=2, ema=0.5, validate_every=4, save_every=1e9)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_scenes(tmp_path_factory.mktemp("data"))


def new_task(data_dir: Path) -> SegmentationTask:
    torch.manual_seed(1)
    return SegmentationTask(data_dir, OPTIONS)


@pytest.fixture(scope="module")
def trained(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[SegmentationTask, Path]:
    task, folder = new_task(data_dir), tmp_path_factory.mktemp("run")
    Run(task, PLAN, folder, torch.device("cpu")).go()
    return task, folder


def test_a_batch_depends_on_its_generator_alone(data_dir: Path) -> None:
    task = new_task(data_dir)
    first, again = (task.batch(np.random.default_rng((1, 5, 0)), 4) for _ in range(2))
    assert first.scenes.shape == (4, 3, 32, 64)
    assert first.targets.shape == (4, 8, 16)
    assert first.photos.shape == (2, 3, 32, 64)
    assert torch.equal(first.scenes, again.scenes)
    assert torch.equal(first.targets, again.targets)
    assert first.scale == again.scale


def test_a_run_opens_the_classes_and_leaves_figures(trained: tuple[SegmentationTask, Path]) -> None:
    task, folder = trained
    assert task.network.opened
    assert task.network.limits[0] <= task.network.limits[1]
    best = torch.load(folder / "best.pt", weights_only=True)
    assert next(iter(best["figures"])) == "mean_iou"
    assert {"original", "up_8", "mapped_8", "up_16", "mapped_16"} < best["figures"].keys()


def test_a_run_stopped_after_the_opening_goes_on_to_the_same_bits(
    trained: tuple[SegmentationTask, Path], data_dir: Path, tmp_path: Path
) -> None:
    class Stop(Exception):
        pass

    first = Run(new_task(data_dir), replace(PLAN, save_every=0.0), tmp_path, torch.device("cpu"))
    save = first._save

    def save_and_stop(name: str) -> None:
        save(name)
        if first.step == 3:
            raise Stop

    first._save = save_and_stop  # type: ignore[method-assign]
    with contextlib.suppress(Stop):
        first.go()
    resumed = new_task(data_dir)
    Run(resumed, PLAN, tmp_path, torch.device("cpu")).go()
    whole = trained[0].network.state_dict()
    assert all(torch.equal(value, whole[name]) for name, value in resumed.network.state_dict().items())


def test_photographs_are_taught_named_classes_groups_and_nothing(
    trained: tuple[SegmentationTask, Path],
) -> None:
    task, _ = trained
    photos = task.batch(np.random.default_rng(1), 16).photos
    _, confidence, _ = task.network.look(photos)
    limits = torch.quantile(confidence.float(), torch.tensor([0.3, 0.7]))
    task.network.limits.copy_(limits)
    found = task.network.taught(photos)
    assert found.shape == (8, 8, 16)
    grouped = found.view(8, 2, 4, 4, 4)[(confidence <= limits[0])[:, :, None, :, None].expand(8, 2, 4, 4, 4)]
    assert ((grouped >= N_NAMED) & (grouped < len(OPTIONS["classes"]))).all()
    assert set(found.unique().tolist()) <= {*range(len(OPTIONS["classes"])), 255}


def test_what_is_trained_can_be_frozen(trained: tuple[SegmentationTask, Path]) -> None:
    arrays = frozen(trained[0].network.segmenter)
    assert arrays["segnet.head.weight"].dtype == np.int8
    assert not any(name.startswith("teacher") for name in arrays)


def test_muon_trains_the_inner_exact_kernels(data_dir: Path, tmp_path: Path) -> None:
    task = new_task(data_dir)
    muon, adam = Run(task, PLAN, tmp_path, torch.device("cpu")).optimisers
    ids = [{id(p) for group in optimiser.param_groups for p in group["params"]} for optimiser in (muon, adam)]
    assert id(task.network.segmenter.segnet.get_parameter("down.0.weight")) in ids[0]
    assert id(task.network.segmenter.segnet.tail.weight) in ids[1]
    assert not any(id(p) in ids[0] | ids[1] for p in task.network.teacher.parameters())


def test_rare_classes_weigh_more_and_the_mean_pixel_one() -> None:
    labels = np.array([[0] * 90 + [1] * 9 + [2]], np.uint8)
    weights = rarity([labels])
    assert weights[2] > weights[1] > weights[0]
    assert (weights[0] * 90 + weights[1] * 9 + weights[2]) / 100 == pytest.approx(1)


def test_up_sampled_pictures_keep_flat_areas_and_whole_numbers() -> None:
    pictures = torch.full((1, 3, 32, 64), 77.0)
    assert torch.equal(up_sampled(pictures, 8), pictures)
    noise = torch.randint(0, 256, (1, 3, 32, 64), generator=torch.Generator().manual_seed(1)).float()
    found = up_sampled(noise, 16)
    assert torch.equal(found, found.round())
    assert found.std() < noise.std() / 4


def test_groups_do_not_follow_the_phases_of_pixel_shuffle(data_dir: Path) -> None:
    task = new_task(data_dir)
    _, _, features = task.network.look(task.batch(np.random.default_rng(1), 4).photos)
    for dy, dx in ((0, 1), (1, 0), (1, 1)):
        assert torch.equal(features[:, dy::2, dx::2], features[:, ::2, ::2])
