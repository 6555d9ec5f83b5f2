"""Suffixes known without loading Pillow agree with what the package reads and writes."""

from __future__ import annotations

from PIL import Image

from carcodec.cli.pictures import WRITES
from carcodec.pixels.io import READABLE, WRITABLE
from carcodec.suffixes import JPEGS, PICTURES


def test_every_suffix_looked_for_names_a_format_that_is_read() -> None:
    formats = Image.registered_extensions()
    assert {formats[suffix] for suffix in PICTURES} == {*READABLE, "JPEG"}
    assert {formats[suffix] for suffix in JPEGS} == {"JPEG"}
    assert set(JPEGS) < set(PICTURES)


def test_outputs_are_what_is_written() -> None:
    assert set(WRITES) == set(WRITABLE)
