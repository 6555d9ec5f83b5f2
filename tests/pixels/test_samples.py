from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from carcodec.pixels.io import load_picture

SAMPLES = Path(__file__).parents[2] / "samples"
NAMES = ["astronaut", "camera", "chelsea", "coffee", "poster", "rocket"]


def test_all_samples_are_credited_and_small() -> None:
    files = sorted(SAMPLES.glob("*.png"))
    assert [file.stem for file in files] == NAMES
    credits = (SAMPLES / "CREDITS.md").read_text(encoding="utf-8")
    assert all(f"| `{file.name}` |" in credits for file in files)
    assert max(file.stat().st_size for file in files) <= 150_000
    assert sum(file.stat().st_size for file in files) < 1_000_000


@pytest.mark.parametrize("name", NAMES)
def test_samples_load_without_a_note_and_have_the_size_that_is_credited(name: str) -> None:
    picture = load_picture(SAMPLES / f"{name}.png")
    height, width = picture.array.shape[:2]
    gray = ", gray" if picture.array.ndim == 2 else ""
    assert f"| `{name}.png` | {width} x {height}{gray} |" in (SAMPLES / "CREDITS.md").read_text(encoding="utf-8")
    assert picture.notes == ()


def test_poster_is_what_its_script_draws() -> None:
    spec = importlib.util.spec_from_file_location("draw_poster", SAMPLES / "draw_poster.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    drawn = np.asarray(script.draw()).astype(int)
    kept = load_picture(SAMPLES / "poster.png").array.astype(int)
    assert np.abs(drawn - kept).mean() < 2  # another FreeType draws letters a little differently
