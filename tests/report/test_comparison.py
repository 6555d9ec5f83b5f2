"""The picture of crops side by side."""

import numpy as np
import pytest

from carcodec.report.comparison import GAP_PX, MARGIN_PX, SCALE, comparison
from carcodec.report.page import Version


@pytest.fixture
def crops():
    return [np.random.default_rng(seed).integers(0, 256, (40, 60, 3), np.uint8) for seed in range(3)]


def versions(crops, label="carcodec"):
    labels = ("original", "JPEG", label)
    return [Version(label, "1,234 bytes, 30.00 dB", crop) for label, crop in zip(labels, crops, strict=True)]


def test_every_pixel_of_every_crop_is_shown_enlarged_and_unchanged(crops):
    sheet = np.asarray(comparison(versions(crops)))
    for index, crop in enumerate(crops):
        left = MARGIN_PX + index * (60 * SCALE + GAP_PX)
        shown = sheet[MARGIN_PX : MARGIN_PX + 40 * SCALE, left : left + 60 * SCALE]
        assert np.array_equal(shown, crop.repeat(SCALE, axis=0).repeat(SCALE, axis=1))


def test_captions_stand_below_each_crop_and_ours_in_its_colour(crops):
    foot = np.asarray(comparison(versions(crops)))[MARGIN_PX + 40 * SCALE :].astype(int)
    assert all((part.min(axis=(0, 1)) < 100).any() for part in np.array_split(foot, 3, axis=1))
    other = np.asarray(comparison(versions(crops, "webp")))[MARGIN_PX + 40 * SCALE :].astype(int)
    blueness = [np.max(part[:, :, 2] - part[:, :, 0]) for part in (foot, other)]
    assert blueness[0] > 100 > blueness[1]


def test_gray_crops_are_shown_as_gray():
    level = np.full((8, 8), 77, np.uint8)
    sheet = comparison([Version("original", "gray", level), Version("carcodec", "gray", level)])
    assert sheet.getpixel((MARGIN_PX, MARGIN_PX)) == (77, 77, 77)
