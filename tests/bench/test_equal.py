"""Pictures at equal bytes, and which crops and pictures are shown."""

import math

import numpy as np
import pytest

from carcodec.bench.equal import best_median_worst, show_at_bytes, telling_crop
from carcodec.bench.table import parse_codecs
from carcodec.datasets.cards import open_dataset


@pytest.fixture(scope="module")
def photograph():
    return {entry.name: entry.load() for entry in open_dataset("samples", None)}["coffee"][:160, :160]


@pytest.mark.parametrize("name", ["jpeg", "jpeg2000"])
def test_best_file_that_is_not_larger(name, photograph):
    codec = parse_codecs(name)[0].build()
    limit = 3000
    shown = show_at_bytes(codec, name, photograph, limit)
    assert shown.n_bytes == len(codec.encode(photograph, float(shown.setting))) or name == "jpeg2000"
    assert limit * 0.9 < shown.n_bytes <= limit
    if name == "jpeg":
        assert len(codec.encode(photograph, float(shown.setting) + 1)) > limit


def test_smallest_file_where_none_is_small_enough(photograph):
    shown = show_at_bytes(parse_codecs("jpeg")[0].build(), "jpeg", photograph, 10)
    assert (shown.setting, shown.n_bytes > 10) == ("1", True)


def test_crop_is_where_the_error_is():
    reference = np.zeros((200, 300, 3), np.uint8)
    image = reference.copy()
    image[100:110, 250:260] = 90
    top, left, height, width = telling_crop(reference, image, 64)
    assert (height, width) == (64, 64)
    assert top <= 100
    assert top + height >= 110
    assert left <= 250
    assert left + width >= 260


def test_small_pictures_are_shown_whole():
    assert telling_crop(np.zeros((20, 30), np.uint8), np.ones((20, 30), np.uint8), 64) == (0, 0, 20, 30)


def test_best_median_and_worst():
    gains = [("a", -10.0), ("b", -50.0), ("c", -30.0), ("d", math.nan), ("e", -20.0), ("f", -40.0)]
    assert best_median_worst(gains, 3) == ["b", "c", "a"]
    assert best_median_worst(gains, 1) == ["c"]
    assert len(best_median_worst(gains, 9)) == 5
