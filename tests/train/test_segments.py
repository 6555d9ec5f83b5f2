"""Scores of maps: a segmenter that knows the answer has full marks, and the file can be read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from carcodec.nn.segmentation import LARGEST_SCORE
from carcodec.train import segments
from carcodec.train.scenes import load_scenes
from carcodec.train.segments import score, table
from tests.stubs.scenes import COLOURS, write_scenes

CLASSES = (*(f"class {i}" for i in range(11)), "group 1")
WAYS = ["original", "up_8", "mapped_8", "up_16", "mapped_16", "up_32", "mapped_32"]
JPEG_WAYS = ["jpeg_10", "restored_10", "jpeg_20", "restored_20"]


class Knowing:
    """Tells a class by its colour in the middle of each cell; its SMapNet knows nothing but the first class."""

    classes = CLASSES

    def segnet(self, picture: torch.Tensor) -> torch.Tensor:
        middles = picture[:, :, 2::4, 2::4].permute(0, 2, 3, 1)
        nearest = torch.cdist(middles.flatten(0, 2), torch.from_numpy(COLOURS.astype(np.float32))).argmin(dim=1)
        planes = torch.nn.functional.one_hot(nearest, len(CLASSES)).view(*middles.shape[:3], -1).permute(0, 3, 1, 2)
        return planes.float() * LARGEST_SCORE

    def smapnet(self, scores: torch.Tensor, picture: torch.Tensor) -> torch.Tensor:
        first = torch.zeros_like(scores)
        first[:, 0] = LARGEST_SCORE
        return first


@pytest.fixture
def confusions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, segments.Confusion]:
    from PIL import Image

    monkeypatch.setattr(segments, "restore", lambda jpeg: Image.new("RGB", (100, 72), tuple(COLOURS[3].tolist())))
    scenes = load_scenes(write_scenes(tmp_path) / "segmentation", "test")
    return score(Knowing(), scenes)  # type: ignore[arg-type]


def test_each_way_sees_its_own_picture(confusions: dict[str, segments.Confusion]) -> None:
    assert list(confusions) == WAYS + JPEG_WAYS
    assert confusions["original"].accuracy() > 0.85
    assert confusions["up_16"].accuracy() < confusions["original"].accuracy()
    for way, klass in (("mapped_8", 0), ("restored_10", 3)):
        assert confusions[way].counts[:, klass].sum() == confusions[way].counts.sum()


def test_the_table_holds_per_cents_by_way(confusions: dict[str, segments.Confusion]) -> None:
    head, first, *rest = table(confusions, CLASSES, {"split": "test", "scenes": "2"}).splitlines()
    columns = head.split("\t")
    assert columns[:5] == ["split", "scenes", "way", "mean_iou", "pixel_accuracy"]
    assert columns[5:] == [f"iou_class {i}" for i in range(11)]
    values = dict(zip(columns, first.split("\t"), strict=True))
    assert values["way"] == "original"
    assert float(values["mean_iou"]) == pytest.approx(100 * confusions["original"].mean_iou(), abs=0.01)
    assert len(rest) == len(WAYS + JPEG_WAYS) - 1
