"""Plots: one for each metric that was measured, the same file for the same rows."""

import dataclasses
from xml.etree import ElementTree

import pytest
from PIL import Image

from carcodec.errors import UsageError
from carcodec.report.curves import Bd
from carcodec.report.look import ANCHOR_COLOUR, looks, main_codec, shown_value, side_by_side
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


def test_no_two_of_many_codecs_look_alike():
    labels = [f"{kind}:n={number}" for kind in ("carcodec", "webp") for number in range(12)]
    drawn = [(look.colour, look.shape) for look in looks(["jpeg", *labels]).values()]
    assert len(set(drawn)) == len(drawn)


def _table(**rates):
    return [Bd("set", codec.replace("_", "-"), rate, 0.0, {}) for codec, rate in rates.items()]


def test_pictures_are_shown_of_the_anchor_ours_its_named_variants_and_the_best_rivals():
    table = _table(
        jpeg=0,
        webp=-30,
        jpeg2000=-42,
        lepton=-19,
        avif=-45,
        carcodec=-47,
        jxl=-27,
        carcodec_blind=-40,
        zip=float("nan"),
    )
    table += [Bd("set", "carcodec:side=off", -46.0, 0.0, {})]
    shown = side_by_side(table, "carcodec")
    assert shown == ["jpeg", "carcodec", "carcodec-blind", "avif", "jpeg2000", "webp", "jxl"]


def test_a_variant_stands_in_where_only_variants_were_measured():
    assert main_codec(_table(jpeg=0, carcodec_blind=-40, carcodec_layered=-20)).codec == "carcodec-blind"
    assert main_codec(_table(carcodec_blind=-40, carcodec=-47)).codec == "carcodec"
    assert main_codec(_table(jpeg=0)) is None


def test_similarity_is_drawn_in_decibels():
    assert shown_value("ms_ssim", 0.99) == pytest.approx(20)
    assert shown_value("rgb_psnr", 30.0) == 30.0


def test_set_whose_codecs_have_one_setting_each_has_no_curve(rows, tmp_path):
    assert write_plots([row for row in rows if row.setting == "20"], tmp_path) == []
