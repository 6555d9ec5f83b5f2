"""A folder of small pictures, and the stub codecs' file."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from carcodec.cli.main import run


@pytest.fixture(scope="session")
def stubs():
    """Path of the stub codecs, as `--codec-file` takes it (without the class)."""
    return Path(__file__).parent / "stub_codecs.py"


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    """`command("bench", ...)` in the test's folder, within this process: for what needs none of its own."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        code = run([str(argument) for argument in arguments])
        told = capsys.readouterr()
        return SimpleNamespace(returncode=code, stdout=told.out, stderr=told.err)

    return call


@pytest.fixture
def pictures(tmp_path):
    """Folder `set` with pictures a, b (RGB) and c (gray), 24x20."""
    folder = tmp_path / "set"
    folder.mkdir()
    rng = np.random.default_rng(7)
    for name, shape in (("a", (20, 24, 3)), ("b", (20, 24, 3)), ("c", (20, 24))):
        Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8)).save(folder / f"{name}.png")
    return folder
