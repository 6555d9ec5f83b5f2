"""Names of codecs and their options."""

import importlib

import pytest

from carcodec.bench.codec import Codec
from carcodec.bench.table import CODECS, VARIANTS, command_request, file_request, parse_codecs
from carcodec.errors import UsageError
from tests.conftest import ROOT


def test_list_with_options_splits_into_codecs_not_into_options():
    requests = parse_codecs("carcodec:tables=standard,side=off, jpeg ,webp:q=10/50,method=4")
    assert [request.label for request in requests] == ["carcodec:tables=standard,side=off", "jpeg", "webp:method=4"]
    assert requests[0].options == (("tables", "standard"), ("side", "off"))
    assert requests[2].settings == (10, 50)


def test_options_reach_the_codec_with_their_type():
    codec = parse_codecs("webp:method=4,lossless=yes")[0].build()
    assert (codec.method, codec.lossless) == (4, True)


def test_variant_is_a_codec_with_options_under_its_own_name():
    request = parse_codecs("jpeg-444")[0]
    assert request.label == "jpeg-444"
    assert request.build().sampling == "4:4:4"


def test_every_name_of_the_table_builds_a_codec():
    for request in parse_codecs(",".join([*CODECS, *VARIANTS])):
        assert isinstance(request.build(), Codec), request.label


def test_every_name_of_the_table_stands_in_the_manual():
    manual = (ROOT / "docs" / "bench.md").read_text("utf-8")
    named = {name for line in manual.splitlines() if line.startswith("| `") for name in line.split("`")[1::2]}
    assert {*CODECS, *VARIANTS} <= named


def test_every_module_of_codecs_is_in_the_table():
    package = importlib.import_module("carcodec.bench.codecs")
    folder = next(iter(package.__path__))
    named = {target.partition(":")[0].rpartition(".")[2] for target in CODECS.values()}
    from pathlib import Path

    assert {path.stem for path in Path(folder).glob("*.py")} == named | {"__init__", "pillow", "command"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nonsense", "no codec is named 'nonsense'"),
        ("jpeg:speed=3", "has no option 'speed'"),
        ("webp:method=fast", "cannot be 'fast'"),
        ("webp:lossless=perhaps", "cannot be 'perhaps'"),
        ("jpeg:q=ten", "numbers separated by commas"),
        ("jpeg:sampling", "KEY=VALUE"),
    ],
)
def test_wrong_requests_say_what_is_wrong(text, words):
    with pytest.raises(UsageError, match=words):
        parse_codecs(text)[0].build()


def test_codec_from_a_file_takes_options(stubs):
    request = file_request(f"{stubs}:Raw:bias=3,q=5")
    assert request.label == "raw:bias=3"
    assert request.settings == (5,)
    assert request.build().bias == 3


@pytest.mark.parametrize(("suffix", "words"), [(":Nobody", "no class Nobody"), ("", "FILE.py:CLASS")])
def test_codec_file_without_its_class_is_refused(stubs, suffix, words):
    with pytest.raises(UsageError, match=words):
        file_request(f"{stubs}{suffix}").build()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import no_such_module", "does not run: ModuleNotFoundError: .*no_such_module"),
        ("class Mine:\n    pass", "is not a carcodec.bench.Codec"),
        ("from carcodec.bench import Codec\nclass Mine(Codec):\n    def encode(self, image, setting): ...", "decode"),
    ],
    ids=["broken", "another class", "half a codec"],
)
def test_codec_file_that_cannot_work_says_why(text, words, tmp_path):
    (tmp_path / "mine.py").write_text(text)
    with pytest.raises(UsageError, match=words):
        file_request(f"{tmp_path}/mine.py:Mine").build()


def test_codec_of_a_file_may_be_a_dataclass_with_postponed_annotations(tmp_path):
    (tmp_path / "mine.py").write_text(
        "from __future__ import annotations\n"
        "from dataclasses import dataclass\n"
        "from typing import ClassVar\n"
        "from carcodec.bench import Codec\n\n\n"
        "@dataclass(frozen=True)\n"
        "class Mine(Codec):\n"
        "    suffix: ClassVar[str] = '.mine'\n"
        "    effort: int = 1\n"
        "    def encode(self, image, setting): return b''\n"
        "    def decode(self, data): return None\n"
    )
    assert file_request(f"{tmp_path}/mine.py:Mine:effort=7").build().effort == 7


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("cp {png} file", "names its coded file"),
        ("cp picture {out}", "names its coded file"),
        ("", "names its coded file"),
        ("cp '{png} {out}", "No closing quotation"),
        ("cp {png} {out} {quality}", "quality"),
    ],
)
def test_command_line_that_cannot_work_is_refused_before_anything_is_measured(line, words):
    with pytest.raises(UsageError, match=words):
        command_request("mine", line, "cp {out} {png}").build()


def test_codec_file_that_is_not_there_is_refused():
    with pytest.raises(UsageError, match="no Python file"):
        file_request("nowhere.py:Codec").build()


def test_command_lines_become_a_codec_with_settings():
    request = command_request("copy:q=1/2", "cp {ppm} {out}", "cp {out} {ppm}")
    assert (request.label, request.settings) == ("copy", (1, 2))
    assert request.build().encoder == "cp {ppm} {out}"
