"""Tables as Markdown, and the numbers that they print into documents."""

import pytest

from carcodec.errors import InputError
from carcodec.report.documents import update
from carcodec.report.tables import Table, bd_rates_table, lossless_table, rates_table

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


def test_lossless_codecs_have_their_own_table(rows):
    assert lossless_table(rows, "set").cells == (("png", "9.000", "1,000", "0.01", "0.02"),)
    assert "png" not in {line[0] for line in (*rates_table(rows, "set").cells, *bd_rates_table(rows, "set").cells)}


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


def test_filters_choose_codecs_settings_and_columns(rows):
    marker = "<!-- table: rates set codec=jpeg codec=carcodec q=10,30 column=bpp -->\n<!-- end -->"
    lines = update(marker, rows).splitlines()[3:-1]
    assert [line.split("|")[1].strip() for line in lines] == ["jpeg", "jpeg", "carcodec", "carcodec"]


@pytest.mark.parametrize(
    ("marker", "words"),
    [
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
