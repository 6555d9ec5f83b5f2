"""Plots: one for each metric that was measured, the same file for the same rows."""

import dataclasses
from xml.etree import ElementTree

import pytest
from PIL import Image

from carcodec.errors import UsageError
from carcodec.report.look import ANCHOR_COLOUR, looks, shown_value
from carcodec.report.plots import write_plots

pytest.importorskip("matplotlib")


def test_plots_of_measured_metrics_as_png_and_svg(rows, tmp_path):
    only_psnr = [dataclasses.replace(row, ssim=float("nan"), ms_ssim=float("nan")) for row in rows]
    names = {path.name for path in write_plots(only_psnr, tmp_path)}
    assert names == {
        f"rd-set-{metric}.{kind}" for metric in ("rgb_psnr", "y_psnr", "psnr_b") for kind in ("png", "svg")
    }
    with Image.open(tmp_path / "rd-set-rgb_psnr.png") as image:
        assert image.width > 1000
    texts = {element.text for element in ElementTree.parse(tmp_path / "rd-set-rgb_psnr.svg").iter() if element.text}
    assert {"jpeg", "carcodec", "RGB PSNR (dB)", "set: mean over 3 pictures"} <= texts


def test_same_rows_give_the_same_svg(rows, tmp_path):
    only_psnr = [
        dataclasses.replace(row, **dict.fromkeys(("y_psnr", "psnr_b", "ssim", "ms_ssim"), float("nan"))) for row in rows
    ]
    drawn = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write_plots(only_psnr, tmp_path / name)
        drawn.append((tmp_path / name / "rd-set-rgb_psnr.svg").read_bytes())
    assert drawn[0] == drawn[1]


def test_missing_matplotlib_is_named(rows, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"carcodec\[report\]"):
        write_plots(rows, tmp_path)


def test_own_curves_are_wide_and_the_anchor_is_gray():
    by_label = looks(["carcodec", "carcodec:side=off", "jpeg", "webp", "avif"])
    assert [look.wide for look in by_label.values()] == [True, True, False, False, False]
    assert by_label["jpeg"].colour == ANCHOR_COLOUR
    assert len({look.colour for look in by_label.values()}) == 5


def test_similarity_is_drawn_in_decibels():
    assert shown_value("ms_ssim", 0.99) == pytest.approx(20)
    assert shown_value("rgb_psnr", 30.0) == 30.0


def test_set_whose_codecs_have_one_setting_each_has_no_curve(rows, tmp_path):
    assert write_plots([row for row in rows if row.setting == "20"], tmp_path) == []
