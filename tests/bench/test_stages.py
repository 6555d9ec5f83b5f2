"""Times by stage add up, count nothing twice, and leave nothing behind."""

from __future__ import annotations

import json
import time
from importlib import import_module

import numpy as np
import pytest
from PIL import Image

import carcodec as codec
from carcodec.bench.stages import REST, STAGES, Stopwatch, command_cost, median_split, sample_picture, split
from carcodec.errors import CarError
from tests.conftest import SAMPLES, Run


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    return np.array(Image.open(SAMPLES / "coffee.png").convert("RGB").crop((100, 60, 260, 188)))


class Clock:
    """A clock that a test turns by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_an_inner_stage_is_not_counted_to_the_outer_one() -> None:
    clock = Clock()
    watch = Stopwatch(clock)
    with watch.stage("outer"):
        clock.now += 1
        with watch.stage("inner"):
            clock.now += 10
            with watch.stage("outer"):
                clock.now += 100
        clock.now += 1000
        with watch.stage("inner"):
            clock.now += 10000
    assert watch.seconds == {"outer": 1101, "inner": 10010}


def test_an_error_passes_and_its_time_is_counted() -> None:
    clock = Clock()
    watch = Stopwatch(clock)

    def fail() -> None:
        with watch.stage("outer"), watch.stage("inner"):
            clock.now += 3
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        fail()
    assert watch.seconds == {"outer": 0, "inner": 3}


def test_stages_of_encoding_and_decoding_sum_to_the_whole(picture: np.ndarray) -> None:
    codec.encode(picture, quality=20, side="on")  # loads the networks, which is no stage
    start = time.perf_counter()
    data, encode_s = split(lambda: codec.encode(picture, quality=20, side="on"))
    middle = time.perf_counter()
    decoded, decode_s = split(lambda: codec.decode(data))
    end = time.perf_counter()
    assert codec.info(data).descriptor_bytes > 0
    assert decoded.size == (160, 128)
    assert encode_s.keys() == {*STAGES, REST}
    assert decode_s.keys() == {"JPEG: unpack", "JPEG: decode", "networks", "symbols: decode", REST}
    for seconds, whole in ((encode_s, middle - start), (decode_s, end - middle)):
        assert min(seconds.values()) > 0
        assert 0.9 * whole - 0.005 < sum(seconds.values()) < whole


def test_measuring_changes_no_result_and_leaves_no_timer_behind(picture: np.ndarray) -> None:
    plain = codec.encode(picture, quality=20)
    places = [place for places in STAGES.values() for place in places]

    def functions() -> list[object]:
        found = []
        for place in places:
            module, _, path = place.partition(":")
            owner: object = import_module(module)
            for name in path.split("."):
                owner = getattr(owner, name)
            found.append(owner)
        return found

    before = functions()
    assert split(lambda: codec.encode(picture, quality=20))[0] == plain
    with pytest.raises(CarError):
        split(lambda: codec.decode(b"no file"))
    assert functions() == before


def test_the_run_of_the_median_is_given() -> None:
    pauses = iter((0.03, 0.0, 0.015))
    assert 0.015 <= sum(median_split(lambda: time.sleep(next(pauses)), 3).values()) < 0.03


def test_the_sample_is_of_the_size_that_times_are_stated_for() -> None:
    sample = sample_picture()
    assert sample.shape == (512, 768, 3)
    assert sample.std() > 30


def test_a_command_that_fails_is_told() -> None:
    with pytest.raises(CarError, match="nowhere"):
        command_cost(["info", "nowhere.car", "--quiet"])


@pytest.mark.slow
def test_command_measures_a_picture(carcodec: Run, tmp_path, picture: np.ndarray) -> None:
    Image.fromarray(picture).save(tmp_path / "in.png")
    done = carcodec("stages", "in.png", "--repeats", 1, "--json", "--quiet", "-j", 1)
    assert done.returncode == 0, done.stderr
    measured = json.loads(done.stdout)
    assert measured["facts"]["sites"] == [8, 10]
    assert measured["encode_s"].keys() == {*STAGES, REST}
    encode, extract = (measured["processes"][name] for name in ("encode", "extract"))
    assert encode["seconds"] > sum(measured["encode_s"].values())
    assert encode["peak_mib"] > 2 * extract["peak_mib"] > 0
