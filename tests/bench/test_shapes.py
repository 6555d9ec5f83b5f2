"""Networks beside each other: by turns, the warm-up not counted, medians."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest

from carcodec.bench import shapes
from carcodec.bench.shapes import PUBLISHED, in_turn, measure_shapes
from carcodec.runtime import Engine
from tests.conftest import Run


def test_networks_run_by_turns_and_the_first_round_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    now, calls = [0.0], []
    monkeypatch.setattr(shapes.time, "perf_counter", lambda: now[0])

    def work(name: str, seconds: list[float]) -> Callable[[], None]:
        def run() -> None:
            calls.append(name)
            now[0] += seconds.pop(0)

        return run

    medians = in_turn([work("a", [100, 1, 9, 2]), work("b", [100, 4, 3, 5])], 3)
    assert medians == [2, 4]
    assert calls == ["a", "b"] * 4


def test_ours_comes_first_and_every_rival_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shapes, "PUBLISHED", {"EDSR": "edsr"})
    found = measure_shapes(np.zeros((16, 24), np.uint8), Engine("cpu", 1), 1)
    assert [shape.title for shape in found][1:] == ["EDSR"]
    assert found[0].title.startswith("restorer")
    assert found[1].macs > 5 * found[0].macs
    assert min(shape.seconds for shape in found) > 0


@pytest.mark.slow
def test_command_measures_a_picture(carcodec: Run, tmp_path) -> None:
    from PIL import Image

    Image.new("RGB", (32, 16)).save(tmp_path / "in.png")
    done = carcodec("shapes", "in.png", "--repeats", 1, "--json", "--quiet", "-j", 1)
    assert done.returncode == 0, done.stderr
    measured = json.loads(done.stdout)
    assert (measured["facts"]["width_px"], measured["facts"]["height_px"]) == (32, 16)
    assert len(measured["networks"]) == 1 + len(PUBLISHED)
