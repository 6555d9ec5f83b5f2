"""Tables as Markdown, and the numbers that they print into documents."""

import dataclasses
from types import SimpleNamespace

import pytest

from carcodec.errors import InputError
from carcodec.report import documents
from carcodec.report.documents import update
from carcodec.report.tables import Table, bd_rates_table, lossless_table, rates_table, summary

DOCUMENT = """# Results
<!-- table: bd set codec=carcodec column="BD-rate %" -->
old
<!-- end -->
It needs <!-- number: bd set carcodec -->?<!-- end --> % and has <!-- number: rgb_psnr set jpeg 20 --><!-- end --> dB
at <!-- number: bpp set jpeg 20 --><!-- end --> bpp. <!-- a remark -->
"""


def test_columns_that_say_nothing_are_left_out(rows):
    heads = rates_table(rows, "set").heads
    assert "side" in heads
    assert "SSIMULACRA2" not in heads
    assert "side" not in rates_table([row for row in rows if row.codec == "jpeg"], "set").heads


def test_markdown_columns_are_aligned():
    lines = Table(("codec", "bpp"), (("jpeg", "1.5"), ("x", "12.25"))).markdown().splitlines()
    assert lines == ["| codec |   bpp |", "| ----- | ----: |", "| jpeg  |   1.5 |", "| x     | 12.25 |"]


def test_columns_of_one_letter_still_make_a_table():
    lines = Table(("codec", "q"), (("jpeg", "5"),)).markdown().splitlines()
    assert lines == ["| codec |  q |", "| ----- | -: |", "| jpeg  |  5 |"]


def test_lines_that_say_nothing_make_no_table():
    assert Table.of(("codec", "BD-rate %"), [("jpeg", "-"), ("webp", "-")]).cells == ()


def test_lossless_codecs_have_their_own_table(rows):
    assert lossless_table(rows, "set").cells == (("png", "9.000", "1,000", "0.01", "0.02"),)
    assert "png" not in {line[0] for line in (*rates_table(rows, "set").cells, *bd_rates_table(rows, "set").cells)}


def test_summary_has_every_table_that_has_lines_below_its_title(rows):
    other = [dataclasses.replace(row, dataset="other") for row in rows if row.setting == "lossless"]
    text = summary([*rows, *other])
    assert [line for line in text.splitlines() if line and not line.startswith("|")] == [
        "set, 3 pictures: means",
        "set, 3 pictures: against jpeg, by RGB PSNR unless said otherwise",
        "set, 3 pictures: lossless",
        "other, 3 pictures: lossless",
    ]
    assert bd_rates_table(rows, "set").markdown() in text


def test_document_says_what_the_rows_say(rows):
    text = update(DOCUMENT, rows)
    assert "| carcodec |     -35.8 |\n<!-- end -->" in text
    assert "needs <!-- number: bd set carcodec -->-35.8<!-- end --> %" in text
    assert "-->33.00<!-- end --> dB" in text
    assert "-->0.550<!-- end --> bpp. <!-- a remark -->" in text
    assert "old" not in text


def test_document_that_is_up_to_date_stays_as_it_is(rows):
    text = update(DOCUMENT, rows)
    assert update(text, rows) == text


def test_markers_in_code_are_left_alone(rows):
    text = "`<!-- number: bd set x --><!-- end -->` and\n```\n<!-- table: best set -->\n<!-- end -->\n```\n"
    assert update(text, rows) == text


def test_filters_choose_codecs_settings_and_columns_in_their_order(rows):
    _, *lines = answer("table: rates set codec=carcodec codec=jpeg q=30,10 column=q column=bpp", rows[:-3])
    assert [line[:2] for line in lines] == [["carcodec", "30"], ["carcodec", "10"], ["jpeg", "30"], ["jpeg", "10"]]
    assert [line[2] for line in lines] == ["0.707", "0.177", "1.100", "0.275"]


def answer(marker, rows):
    """Lines of a table, as lists of cells without the rule below the heads; or the text of a number."""
    body = update(f"<!-- {marker} -->\n<!-- end -->", rows).split(" -->", 1)[1].rsplit("<!-- end", 1)[0]
    if marker.startswith("number"):
        return body
    heads, _, *lines = ([cell.strip() for cell in line.split("|")[1:-1]] for line in body.strip().splitlines())
    return [heads, *lines]


def test_codecs_stand_beside_each_other_under_short_names(rows):
    marker = 'table: beside set codec=carcodec codec=jpeg name=ours name=JPEG q=10,30 column=bpp column="RGB PSNR (dB)"'
    assert answer(marker, rows) == [
        ["q", "ours bpp", "ours RGB PSNR (dB)", "JPEG bpp", "JPEG RGB PSNR (dB)"],
        ["10", "0.177", "27.00", "0.275", "27.00"],
        ["30", "0.707", "39.00", "1.100", "39.00"],
    ]


def test_codec_that_lacks_a_setting_leaves_a_gap_beside_the_others(rows):
    part = [row for row in rows if (row.codec, row.setting) != ("jpeg", "20")]
    _, ten, twenty, *_ = answer("table: beside set codec=jpeg codec=carcodec column=bpp", part)
    assert (ten, twenty) == (["10", "0.275", "0.177"], ["20", "-", "0.353"])


def test_anchor_can_be_another_codec(rows):
    assert float(answer("number: bd set jpeg anchor=carcodec", rows)) == pytest.approx(100 * (3.3 / 2.12 - 1), abs=0.06)
    assert answer("table: bd set anchor=carcodec codec=carcodec column='BD-rate %'", rows)[1] == ["carcodec", "+0.0"]


def test_bd_rate_over_some_settings_is_of_those_only(rows):
    dearer = [
        dataclasses.replace(row, bpp=3 * row.bpp) if (row.codec, row.setting) == ("carcodec", "50") else row
        for row in rows
    ]
    assert answer("number: bd set carcodec q=10,20,30,40", dearer) == "-35.8"
    assert answer("number: bd set carcodec", dearer) != "-35.8"
    marker = "table: bd set codec=carcodec q=10,20,30,40 column='BD-rate %'"
    assert answer(marker, dearer)[1] == ["carcodec", "-35.8"]


def test_reference_stands_beside_with_the_difference(rows):
    columns = 'column="BD-rate %" column="reference %" column=difference'
    assert answer(f"table: bd set reference=carcodec:-30 {columns}", rows) == [
        ["codec", "BD-rate %", "reference %", "difference"],
        ["jpeg", "+0.0", "-", "-"],
        ["carcodec", "-35.8", "-30.0", "-5.8"],
    ]


def test_costs_are_numbers_of_a_sentence(rows):
    assert answer("number: decode_s set carcodec 20", rows) == "0.02"
    assert answer("number: side_bytes set carcodec 20", rows) == "7"


def test_weights_are_the_sizes_of_the_models_that_new_files_use(rows, monkeypatch):
    sizes = {"restorer": 8_000_000, "extractor": 1_200_000, "context": 14_000}
    monkeypatch.setattr(documents, "ROLES", sizes)
    monkeypatch.setattr(documents, "default", lambda role: SimpleNamespace(size=sizes[role]))
    assert answer("number: weights_mb", rows) == "9.2"


@pytest.mark.parametrize(
    ("marker", "words"),
    [
        ("table: bd set anchor=nobody", "nothing for"),
        ("table: bd set reference=webp", "not CODEC:PERCENT"),
        ("table: beside set codec=jpeg name=a name=b", "2 names for 1 codecs"),
        ("number: bd set carcodec speed=3", "no filter 'speed'"),
        ("table: bd other", "nothing for"),
        ("table: best set", "names none of"),
        ("table: bd set speed=3", "no filter 'speed'"),
        ("table: bd set column=price", "no column 'price'"),
        ("number: bd set nobody", "0 answers"),
        ("number: rgb_psnr set jpeg", "neither"),
        ("number: price set jpeg 10", "neither"),
    ],
)
def test_marker_that_cannot_be_answered_is_an_error(rows, marker, words):
    with pytest.raises(InputError, match=words):
        update(f"<!-- {marker} --><!-- end -->", rows)
