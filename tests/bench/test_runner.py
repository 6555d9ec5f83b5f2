"""Runs: order, resuming, several processes, shards, files that are always whole."""

import dataclasses
import math

import pytest

from carcodec.bench.measure import Conditions, Subject, measure
from carcodec.bench.runner import ResultsFile, Workplace, plan, run, settings_of, shard
from carcodec.bench.table import file_request, parse_codecs
from carcodec.datasets.cards import open_folder
from carcodec.errors import CarError, InputError, OutputError, VerifyError
from carcodec.rows import COLUMNS, format_row, parse_row, parse_rows, read_rows

CONDITIONS = Conditions(repeats=1, perceptual=False, timing="shared", machine="a machine")
WORKPLACE = Workplace(CONDITIONS, "cpu", None)


def _wanted(*requests, qualities=None):
    codecs = [request.build() for request in requests]
    return [(r, c, settings_of(r, c, qualities)) for r, c in zip(requests, codecs, strict=True)]


def _rows(pictures, *requests, jobs=1, done=()):
    return list(run(plan(open_folder(pictures), _wanted(*requests), set(done)), WORKPLACE, jobs))


def _stable(rows):
    return [dataclasses.replace(row, encode_s=0.0, decode_s=0.0) for row in rows]


@pytest.fixture
def requests(stubs):
    return [file_request(f"{stubs}:Coarse"), parse_codecs("png")[0]]


def test_rows_come_picture_by_picture_codec_by_codec_setting_by_setting(pictures, requests):
    keys = [row.key[1:] for row in _rows(pictures, *requests)]
    one = [("coarse", "2"), ("coarse", "4"), ("coarse", "6"), ("coarse", "8"), ("png", "lossless")]
    assert keys == [(name, *rest) for name in "abc" for rest in one]


def test_several_processes_give_the_same_rows_in_the_same_order(pictures, requests):
    alone, shared = _rows(pictures, *requests), _rows(pictures, *requests, jobs=2)
    # Text, because nan differs from itself.
    assert [format_row(row) for row in _stable(shared)] == [format_row(row) for row in _stable(alone)]


def test_rows_that_are_done_are_not_planned_again(pictures, requests):
    everything = _rows(pictures, *requests)
    done = {row.key for row in everything[:7]}
    assert _stable(_rows(pictures, *requests, done=done))[0].key == everything[7].key
    assert plan(open_folder(pictures), _wanted(*requests), {row.key for row in everything}) == []


def test_setting_that_is_asked_for_twice_is_measured_once(pictures, stubs):
    twice = [file_request(f"{stubs}:Coarse:q={q}") for q in ("2/4", "4/6/4")]
    keys = [row.key[1:] for row in _rows(pictures, *twice)]
    assert keys[:3] == [("a", "coarse", setting) for setting in "246"]
    assert len(set(keys)) == len(keys) == 9


def test_shards_together_are_the_set(pictures):
    entries = open_folder(pictures)
    parts = [shard(entries, number, 2) for number in (1, 2)]
    assert [len(part) for part in parts] == [2, 1]
    assert sorted(e.name for part in parts for e in part) == ["a", "b", "c"]


def test_qualities_apply_to_codecs_with_the_scale_of_jpeg_and_yield_to_q(stubs):
    coarse, webp = file_request(f"{stubs}:Coarse"), parse_codecs("webp")[0]
    assert settings_of(coarse, coarse.build(), [1, 3]) == (1, 3)
    assert settings_of(webp, webp.build(), [1, 3]) == webp.build().default_settings
    fixed = file_request(f"{stubs}:Coarse:q=5")
    assert settings_of(fixed, fixed.build(), [1, 3]) == (5,)


def test_row_tells_bytes_and_contents(pictures, stubs):
    row = _rows(pictures, file_request(f"{stubs}:Raw"))[0]
    assert row.total_bytes == row.jpeg_bytes + row.side_bytes + row.framing_bytes
    assert (row.side_bytes, row.framing_bytes, row.models, row.versions) == (7, 3, "one+two", "raw 1")
    assert row.bpp == pytest.approx(row.total_bytes * 8 / (24 * 20))
    assert (row.rgb_psnr, row.max_error) == (math.inf, 0)


def test_codec_that_claims_to_be_lossless_is_checked(pictures, stubs):
    with pytest.raises(VerifyError, match="claims to be lossless"):
        _rows(pictures, file_request(f"{stubs}:Raw:bias=1"))


def test_picture_of_another_size_is_an_error(pictures, stubs):
    with pytest.raises(VerifyError, match=r"gave \(19, 24, 3\)"):
        _rows(pictures, file_request(f"{stubs}:Cropping"))


def test_failure_names_codec_setting_and_picture(pictures, stubs, tmp_path):
    codec = file_request(f"{stubs}:Failing").build()
    subject = Subject("set", "a", open_folder(pictures)[0].load())
    with pytest.raises(CarError, match="failing at 4 on set/a: RuntimeError: out of luck"):
        measure(codec, "failing", subject, 4, CONDITIONS, tmp_path)
    assert list(tmp_path.glob("coded*")) == []


def test_file_is_whole_after_every_row_and_goes_on_after_a_kill(pictures, requests, tmp_path):
    rows = _rows(pictures, *requests)
    path = tmp_path / "results.tsv"
    results = ResultsFile(path, ["a machine"])
    for row in rows[:3]:
        results.add(row)
        assert [r.key for r in read_rows([path])] == [r.key for r in results.rows]
    results.close()
    path.write_text(path.read_text() + format_row(rows[3])[:40])  # killed in the middle of a line
    again = ResultsFile(path, ["the same machine"])
    assert [row.key for row in again.rows] == [row.key for row in rows[:3]]
    again.add(rows[3])
    again.close()
    assert [row.key for row in read_rows([path])] == [row.key for row in rows[:4]]
    assert "# a machine\n" in path.read_text()
    assert "# the same machine\n" in path.read_text()


def test_file_of_something_else_is_not_overwritten(tmp_path):
    path = tmp_path / "results.tsv"
    path.write_text("name\tvalue\nx\t1\n")
    with pytest.raises(InputError, match="cannot be gone on with"):
        ResultsFile(path, [])
    assert path.read_text() == "name\tvalue\nx\t1\n"


def test_fresh_processes_are_measured_on_demand(pictures, stubs):
    (unit,) = plan(open_folder(pictures)[:1], _wanted(file_request(f"{stubs}:Coarse:q=4")), set())
    (row,) = run([unit], dataclasses.replace(WORKPLACE, whole=True), jobs=1)
    assert row.process_encode_s > row.encode_s
    assert row.process_decode_s > row.decode_s
    assert 10 < row.peak_mib < 1000


def test_rows_of_a_version_with_other_columns_are_read(pictures, requests):
    row = _rows(pictures, *requests)[0]
    columns = [*COLUMNS, "mood"]
    fields = [*format_row(row).split("\t"), "fine"]
    del columns[COLUMNS.index("peak_mib")], fields[COLUMNS.index("peak_mib")]
    (read,) = parse_rows("\t".join(columns) + "\n" + "\t".join(fields) + "\n")
    assert format_row(read) == format_row(row)


def test_rows_survive_being_written_and_read(pictures, requests):
    for row in _rows(pictures, *requests):
        line = format_row(row)
        assert format_row(parse_row(line)) == line
        assert len(line.split("\t")) == len(COLUMNS)


def test_file_that_holds_no_rows_is_named(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("hello\n")
    with pytest.raises(InputError, match=r"notes\.txt is no results file: no names of columns"):
        read_rows([path])


def test_folder_is_no_place_for_results(tmp_path):
    with pytest.raises(OutputError, match="it is a folder"):
        ResultsFile(tmp_path, [])
