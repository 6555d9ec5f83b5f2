"""The samples task on tiny photographs: it learns, what it leaves can be frozen, and the command tells the cost."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from carcodec.residual.model import SampleModel
from carcodec.train import freeze_samples
from carcodec.train.loop import Plan, Run
from carcodec.train.run import RECIPES, read_recipe
from carcodec.train.tasks import samples
from carcodec.train.tasks.samples import SamplesTask, lossless_example, stand_in_base
from tests.stubs.photos import write_photos

OPTIONS: dict[str, Any] = {"crop": 32, "every": 1, "width": 8, "inner": 6, "predictors": 2}
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_photos(tmp_path_factory.mktemp("photos"))


@pytest.fixture
def task(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> SamplesTask:
    monkeypatch.setattr(samples, "BEGIN_CROPS", 6)
    monkeypatch.setattr(samples, "VALIDATION_SIDE", 64)
    torch.manual_seed(1)
    return SamplesTask(data_dir, OPTIONS)


def test_the_recipe_has_the_options_of_the_task() -> None:
    assert read_recipe(RECIPES / "edms-samples.toml")["options"].keys() == OPTIONS.keys()


def test_a_batch_depends_on_its_generator_alone(task: SamplesTask) -> None:
    first, again = (task.batch(np.random.default_rng((1, 5, 0)), 5) for _ in range(2))
    assert first.shapes == again.shapes
    assert torch.equal(first.inputs, again.inputs)
    assert torch.equal(first.planes, again.planes)
    n_samples = sum(height * width for height, width in first.shapes)
    assert len(first.inputs) == len(first.planes) == len(first.reference) == len(first.step) == n_samples


def test_batches_hold_all_that_is_coded(task: SamplesTask) -> None:
    """Pictures with a base and without, compact pictures, gray ones, and levels of steps."""
    batch = task.batch(np.random.default_rng(2), 60)
    values = batch.planes + batch.reference
    assert torch.equal(values, values.round())
    assert values.min() >= 0
    assert values.max() <= 255
    assert {shape for shape in batch.shapes if shape != (32, 32)} <= {(12, 12), (24, 24)}
    assert len(set(batch.shapes)) > 1
    stepped = batch.step[:, 0] > 1
    assert 0 < stepped.float().mean() < 0.5
    over = values[stepped] / batch.step[stepped]
    assert ((over == over.round()) | (values[stepped] == 255)).all()
    has_base = batch.inputs[:, -2]
    assert set(has_base.unique().tolist()) == {0.0, 64.0}
    starts = np.cumsum([0, *(height * width for height, width in batch.shapes)])
    gray = [(values[a:b, :1] == values[a:b]).all().item() for a, b in pairwise(starts)]
    assert 0 < sum(gray) < 15


def test_a_short_run_learns_and_can_be_frozen(task: SamplesTask, tmp_path: Path) -> None:
    before = task.validate(task.network, CPU)
    assert before.keys() == {"score", "bpp_0", "bpp_8", "bpp_16", "bpp_32"}
    plan = Plan(steps=40, batch=3, rate=1e-2, warm_up=5, ema=0.9, validate_every=40)
    Run(task, plan, tmp_path, CPU).go()
    after = torch.load(tmp_path / "best.pt", weights_only=True)["figures"]
    assert after["score"] > before["score"] + 0.3
    assert after["score"] == -after["bpp_32"]


def test_the_command_freezes_a_run_and_tells_what_it_costs(
    task: SamplesTask,
    data_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    torch.save({"network": task.network.state_dict()}, tmp_path / "best.pt")
    arguments = [str(path) for path in (tmp_path / "best.pt", tmp_path / "frozen", data_dir)]
    monkeypatch.setattr("sys.argv", ["freeze_samples", *arguments])
    monkeypatch.setattr(freeze_samples, "VALIDATION_SIDE", 64)
    freeze_samples.main()
    told = capsys.readouterr().out
    assert "4096 pixels" in told
    assert abs(float(told.split("costs ")[1].split(" %")[0])) < 0.3
    SampleModel.load(tmp_path / "frozen")


@pytest.mark.parametrize("scale", samples.SCALES)
def test_stand_in_bases_are_smooth_pictures_of_the_same_shape(scale: int) -> None:
    levels = torch.randint(0, 256, (2, 3, 64, 64), generator=torch.Generator().manual_seed(1)).float()
    base = stand_in_base(levels, scale)
    assert base.shape == levels.shape
    assert torch.equal(base, base.round().clamp(0, 255))
    assert base.std() < levels.std() / 2
    if scale:
        flat = torch.full_like(levels, 77.0)
        assert torch.equal(stand_in_base(flat, scale), flat)


def test_a_lossless_example_has_the_base_in_the_order_of_pictures() -> None:
    image = np.zeros((32, 32, 3), np.uint8)
    image[..., 0], image[..., 2] = 10, 30
    example, base = lossless_example(image, 32)
    assert np.array_equal(base, image)
    assert (example.planes + example.reference)[0].tolist() == [0, 10, 30]  # green, red, blue
