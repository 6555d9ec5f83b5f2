from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from carcodec.errors import InputError
from carcodec.train.scenes import Confusion, cell_labels, load_scenes, padded, random_view
from tests.stubs.scenes import scene, write_scenes


def test_scenes_come_with_their_labels(tmp_path: Path) -> None:
    scenes = load_scenes(write_scenes(tmp_path) / "segmentation", "train")
    assert [each.name for each in scenes] == ["train0", "train1", "train2", "train3"]
    assert scenes[0].picture.shape == (72, 100, 3)
    assert set(np.unique(scenes[0].labels)) <= {*range(11), 255}


def test_a_missing_list_and_labels_of_another_size_are_refused(tmp_path: Path) -> None:
    folder = write_scenes(tmp_path) / "segmentation"
    with pytest.raises(InputError, match=r"nosuch\.txt"):
        load_scenes(folder, "nosuch")
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(folder / "labels" / "val1.png")
    with pytest.raises(InputError, match="val1"):
        load_scenes(folder, "val")


@pytest.mark.parametrize("zoom", [0.5, 1.0, 1.7])
def test_views_keep_picture_and_labels_together(zoom: float) -> None:
    """A picture that is its own label map, in gray: where the view knows a label, it shows that gray, recoloured."""
    _, labels = scene(np.random.default_rng(1))
    labels[labels == 255] = 0
    gray = np.repeat((labels * 20 + 20)[..., None], 3, axis=2).astype(np.uint8)
    seen, known = random_view(gray, labels, (64, 96), (zoom, zoom), np.random.default_rng(2))
    assert seen.shape == (64, 96, 3)
    assert known.shape == (64, 96)
    shades = seen.mean(axis=2)[known != 255]
    assert np.corrcoef(shades, known[known != 255])[0, 1] > 0.9


def test_beyond_the_edge_nothing_is_known() -> None:
    picture, labels = scene(np.random.default_rng(1))
    _, known = random_view(picture, labels, (96, 128), (0.5, 0.5), np.random.default_rng(2))
    assert (known == 255).mean() > 0.5


def test_a_view_depends_on_its_generator_alone() -> None:
    picture, labels = scene(np.random.default_rng(1))
    views = [random_view(picture, labels, (32, 32), (0.6, 1.6), np.random.default_rng(3)) for _ in range(2)]
    assert (views[0][0] == views[1][0]).all()
    assert (views[0][1] == views[1][1]).all()


def test_of_a_photograph_no_label_is_known() -> None:
    picture, _ = scene(np.random.default_rng(1))
    assert (random_view(picture, None, (32, 32), (1.0, 1.0), np.random.default_rng(3))[1] == 255).all()


def test_padding_repeats_the_last_rows_and_columns() -> None:
    levels = torch.arange(2 * 3 * 33 * 40, dtype=torch.float32).view(2, 3, 33, 40)
    wide = padded(levels)
    assert wide.shape == (2, 3, 64, 64)
    assert torch.equal(wide[..., :33, :40], levels)
    assert torch.equal(wide[..., 50, :40], levels[..., 32, :])
    assert padded(wide).shape == wide.shape


def test_cells_take_the_label_at_their_middle() -> None:
    labels = np.arange(64, dtype=np.uint8).reshape(8, 8)
    assert cell_labels(labels).tolist() == [[18, 22], [50, 54]]


def test_iou_and_accuracy_by_hand() -> None:
    confusion = Confusion(3, 4)
    confusion.add(np.array([[0, 0, 1, 3]], np.uint8), np.array([[0, 1, 1, 1]], np.uint8))
    confusion.add(np.array([[0, 2]], np.uint8), np.array([[0, 255]], np.uint8))
    assert confusion.ious()[:2].tolist() == pytest.approx([2 / 3, 1 / 3])
    assert np.isnan(confusion.ious()[2])
    assert confusion.mean_iou() == pytest.approx(0.5)
    assert confusion.accuracy() == pytest.approx(3 / 5)
