"""Committed files are read as they always were; see README.md beside this file."""

from pathlib import Path

import pytest

from carcodec import errors
from carcodec.container.file import parse, serialise
from tests.vectors import make_container

VALID = sorted(make_container.FOLDER.glob("valid/*.car"))
INVALID = sorted(make_container.FOLDER.glob("invalid/*.car"))


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_valid_file_comes_back_byte_for_byte(path: Path) -> None:
    assert serialise(parse(path.read_bytes())) == path.read_bytes()


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem)
def test_invalid_file_raises_the_error_it_is_named_after(path: Path) -> None:
    expected = getattr(errors, path.stem.split("-")[0])
    with pytest.raises(errors.CarError) as error:
        parse(path.read_bytes())
    assert type(error.value) is expected


@pytest.mark.parametrize("kind", ["valid", "invalid"])
def test_committed_files_are_the_makers_cases(kind: str) -> None:
    cases = {"valid": make_container.VALID, "invalid": make_container.INVALID}[kind]
    committed = {path.stem: path.read_bytes() for path in make_container.FOLDER.glob(f"{kind}/*.car")}
    assert committed == cases


def test_every_error_of_the_format_has_a_file() -> None:
    assert {path.stem.split("-")[0] for path in INVALID} == {
        "FormatError",
        "DamagedError",
        "UnsupportedError",
        "LimitError",
    }
