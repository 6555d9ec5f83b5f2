"""CompNet's and FineNet's task on tiny photographs, with an untrained segmenter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from carcodec.nn.exact import frozen, load_frozen
from carcodec.nn.layered import SCALES, bilinear
from carcodec.nn.segmentation import Segmenter
from carcodec.train.loop import Plan, Run
from carcodec.train.run import RECIPES, read_recipe
from carcodec.train.tasks import layered
from carcodec.train.tasks.layered import SEGMENTS, Batch, LayeredTask, compact_bits
from tests.stubs.installed_layers import SEGMENTER, drawn
from tests.stubs.photos import write_photos

OPTIONS: dict[str, Any] = {
    "crop": 64,
    "n_classes": 3,
    "width": 8,
    "depth": 1,
    "compact_width": 8,
    "n_validation": 2,
    "segments": "mapped",
}
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_photos(tmp_path_factory.mktemp("photos"))


@pytest.fixture(autouse=True)
def segmenter(monkeypatch: pytest.MonkeyPatch) -> None:
    network = Segmenter(**SEGMENTER)
    load_frozen(network, drawn(network, 5))
    monkeypatch.setattr(layered, "build", lambda card: network)
    monkeypatch.setattr(layered, "VALIDATION_SIDE", 64)


def new_task(data_dir: Path, **options: Any) -> LayeredTask:
    torch.manual_seed(1)
    return LayeredTask(data_dir, OPTIONS | options)


def test_the_recipe_has_the_options_of_the_task() -> None:
    options = read_recipe(RECIPES / "edms-codec.toml")["options"]
    assert options.keys() == OPTIONS.keys()
    assert options["segments"] == "mapped"


def test_a_batch_depends_on_its_generator_alone(data_dir: Path) -> None:
    task = new_task(data_dir)
    first, again = (task.batch(np.random.default_rng((1, 5, 0)), 3) for _ in range(2))
    assert first.pictures.shape == (3, 3, 64, 64)
    assert torch.equal(first.pictures, again.pictures)
    assert first.scale == again.scale
    assert {task.batch(np.random.default_rng(seed), 1).scale for seed in range(20)} == set(SCALES)


def awake(task: LayeredTask) -> LayeredTask:
    """FineNet corrects something, as it does after its first step."""
    torch.manual_seed(2)
    torch.nn.init.normal_(task.network.fine.tail.weight, std=0.02)
    return task


@pytest.mark.parametrize("segments", SEGMENTS)
def test_the_loss_teaches_both_networks_and_not_the_segmenter(data_dir: Path, segments: str) -> None:
    task = awake(new_task(data_dir, segments=segments))
    loss, figures = task.loss(Batch(task.validation, 16), CPU, 0.0)
    loss.backward()
    assert figures.keys() == {"log_mse", "compact_bits"}
    for network in (task.network.compact, task.network.fine):
        assert network.tail.weight.grad is not None
        assert network.tail.weight.grad.abs().sum() > 0
    assert all(parameter.grad is None for parameter in task.predictor.segmenter.parameters())


def test_what_the_fine_network_is_told_depends_on_the_option(data_dir: Path) -> None:
    bases = set()
    for segments in SEGMENTS:
        task = awake(new_task(data_dir, segments=segments))
        with torch.no_grad():
            bases.add(task.predictor(task.validation, 16)[1].numpy().tobytes())
    assert len(bases) == len(SEGMENTS)


def test_an_untrained_base_is_as_good_as_up_sampling(data_dir: Path) -> None:
    task = new_task(data_dir)
    figures = task.validate(task.network, CPU)
    assert next(iter(figures)) == "psnr"
    for scale in SCALES:
        up = bilinear(torch.nn.functional.avg_pool2d(task.validation, scale).add(0.5).floor(), scale)
        errors = (up - task.validation).square().mean(dim=(1, 2, 3))
        assert figures[f"psnr_{scale}"] == pytest.approx((10 * torch.log10(255**2 / errors)).mean().item(), abs=0.05)


def test_a_short_run_leaves_networks_that_can_be_frozen(data_dir: Path, tmp_path: Path) -> None:
    task = new_task(data_dir)
    before = task.validate(task.network, CPU)["psnr"]
    plan = Plan(steps=25, batch=2, rate=2e-3, warm_up=2, ema=0.8, validate_every=25)
    Run(task, plan, tmp_path, CPU).go()
    best = torch.load(tmp_path / "best.pt", weights_only=True)
    assert best["figures"]["psnr"] > before
    task.network.load_state_dict(best["network"])
    assert frozen(task.network.fine)["head.weight"].dtype == np.int8


def test_options_that_do_not_fit_are_refused(data_dir: Path) -> None:
    with pytest.raises(ValueError, match="segments must be"):
        new_task(data_dir, segments="both")
    with pytest.raises(ValueError, match="3 classes, the recipe 4"):
        new_task(data_dir, n_classes=4)


def test_flat_compact_pictures_cost_nothing_and_rough_ones_more() -> None:
    rough = torch.randint(0, 256, (1, 3, 8, 8), generator=torch.Generator().manual_seed(1)).float()
    assert compact_bits(torch.full((1, 3, 8, 8), 9.0)) == 0
    assert 0 < compact_bits(rough / 8) < compact_bits(rough)
