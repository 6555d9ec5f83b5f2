"""The public names, and that they can be typed against."""

from __future__ import annotations

from importlib.resources import files
from inspect import signature

import carcodec


def test_every_exported_name_is_there() -> None:
    assert all(getattr(carcodec, name) is not None for name in carcodec.__all__)
    assert list(carcodec.__all__) == sorted(carcodec.__all__)


def test_package_says_that_it_is_typed() -> None:
    assert (files("carcodec") / "py.typed").is_file()


def test_command_line_and_python_use_the_same_names() -> None:
    import click

    from carcodec.cli.main import group

    words = {"inputs", "output", "out_dir", "force", "quiet", "verbose"}
    only_there = {"encode": {"target_bpp", "target_size", "target_psnr"}}
    for name in ("encode", "decode", "extract", "restore", "verify"):
        command = group.get_command(click.Context(group), name)
        assert command is not None
        options = {parameter.name for parameter in command.params} - words - only_there.get(name, set())
        _, *others = signature(getattr(carcodec, name)).parameters
        assert options == set(others), name
