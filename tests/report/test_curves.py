"""Means over pictures, and BD-rates of the mean curve and of each picture."""

import dataclasses
import math

import pytest

from carcodec.report.curves import bd_table, incomplete, means, mixed_versions


def test_psnr_of_a_set_is_the_mean_of_the_pictures_decibels(rows):
    first = means(rows)[0]
    assert (first.codec, first.setting, first.n_images) == ("jpeg", "10", 3)
    assert first.values["rgb_psnr"] == pytest.approx((26 + 27 + 28) / 3)
    assert first.bpp == pytest.approx(0.25 * (1 + 1.1 + 1.2) / 3)
    assert math.isnan(first.values["ssimulacra2"])
    assert math.isnan(first.side_bytes)


def test_settings_rise_as_numbers_and_codecs_keep_their_order(rows):
    again = [dataclasses.replace(row, setting="100") if row.setting == "50" else row for row in rows]
    assert [m.setting for m in means(again) if m.codec == "jpeg"] == ["10", "20", "30", "40", "100"]
    assert list(dict.fromkeys(m.codec for m in means(rows))) == ["jpeg", "carcodec", "png"]


def test_setting_that_misses_a_picture_has_no_mean_and_is_named(rows):
    part = rows[1:]
    assert ("jpeg", "10") not in [(m.codec, m.setting) for m in means(part)]
    assert incomplete(part) == ["set jpeg at 10: 2 of 3 pictures"]
    assert incomplete(rows) == []


def test_codec_whose_rows_are_by_several_versions_is_named(rows):
    assert mixed_versions(rows) == []
    rows[0] = dataclasses.replace(rows[0], versions="lib 2")
    assert mixed_versions(rows) == ["set jpeg: lib 1 | lib 2"]


def test_bd_rate_of_each_picture_is_its_share_of_bits(rows):
    bd = {entry.codec: entry for entry in bd_table(rows)}["carcodec"]
    assert bd.per_image == pytest.approx({"a": -50.0, "b": -40.0, "c": -20.0})
    assert bd.mean_of_images == pytest.approx(-110 / 3)


def test_bd_rate_of_the_mean_curve_is_over_mean_rates(rows):
    bd = {entry.codec: entry for entry in bd_table(rows)}["carcodec"]
    share = (0.5 * 1 + 0.6 * 1.1 + 0.8 * 1.2) / 3.3
    assert bd.rate == pytest.approx(100 * (share - 1))
    assert bd.quality == pytest.approx(-6 * math.log2(share))


def test_anchor_against_itself_is_nothing_and_lossless_is_not_compared(rows):
    table = {entry.codec: entry for entry in bd_table(rows)}
    assert table["jpeg"].rate == 0
    assert "png" not in table


def test_times_of_a_shared_machine_are_not_shown(rows):
    assert means(rows)[0].encode_s == pytest.approx(0.01)
    rows[0] = dataclasses.replace(rows[0], timing="shared")
    assert math.isnan(means(rows)[0].encode_s)
