"""Where the time goes: an encoding and a decoding split by stage, and the same as whole processes.

Timers are put around functions that exist anyway, from outside and only while measuring: the code that is measured
knows nothing of it. A stage's time is its own: what it calls of another stage counts there.

    data, seconds = split(lambda: carcodec.encode(image, quality=20))
    seconds["networks"], seconds["rest"]
"""

from __future__ import annotations

import functools
import importlib
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from carcodec.bench.peak import command_line
from carcodec.datasets.cards import open_dataset
from carcodec.errors import CarError
from carcodec.ports import Image

Result = TypeVar("Result")

# Stage -> the functions that are it, as module:name or module:class.name, where they are looked up when called.
STAGES: Mapping[str, Sequence[str]] = {
    "JPEG: make": ("carcodec.modes.jpeg:encode_jpeg",),
    "JPEG: pack": ("carcodec.jpeg.packing:pack",),
    "JPEG: unpack": ("carcodec.jpeg.packing:unpack",),
    "JPEG: decode": ("carcodec.modes.base:decode_jpeg",),
    "networks": ("carcodec.runtime:RestorerPort.restore", "carcodec.runtime:RestorerPort.analyse"),
    "symbols: prices for the search": ("carcodec.descriptor.context:ContextModel.frequencies",),
    "symbols: encode": ("carcodec.modes.side:encode_symbols",),
    "symbols: decode": ("carcodec.modes.side:decode_symbols",),
}
REST = "rest"  # loading, search, measuring errors, blending, the container

SAMPLE, WIDTH_PX, HEIGHT_PX = "coffee", 768, 512


class Stopwatch:
    """Seconds by stage; while an inner stage runs, the outer one's clock stands.

    Args:
        clock: seconds from any start.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._clock = clock
        self._inner = [0.0]  # for each stage that is open: the seconds of those inside it

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count what happens in the block to a stage."""
        start = self._clock()
        self._inner.append(0.0)
        try:
            yield
        finally:
            whole = self._clock() - start
            self.seconds[name] += whole - self._inner.pop()
            self._inner[-1] += whole


def split(work: Callable[[], Result]) -> tuple[Result, dict[str, float]]:
    """What `work` gives, and its seconds by stage: `STAGES` that occurred, and `REST`; their sum is the whole."""
    watch = Stopwatch()
    with ExitStack() as timers:
        for stage, places in STAGES.items():
            for place in places:
                timers.enter_context(_timer(place, watch, stage))
        with watch.stage(REST):
            result = work()
    return result, dict(watch.seconds)


def median_split(work: Callable[[], object], repeats: int) -> dict[str, float]:
    """The split of the run whose whole time is the median of `repeats` (of an even number the faster one)."""
    runs = sorted((split(work)[1] for _ in range(repeats)), key=lambda seconds: sum(seconds.values()))
    return runs[(repeats - 1) // 2]


@contextmanager
def _timer(place: str, watch: Stopwatch, stage: str) -> Iterator[None]:
    module, _, path = place.partition(":")
    *classes, name = path.split(".")
    owner: Any = functools.reduce(getattr, classes, importlib.import_module(module))
    original = getattr(owner, name)

    @functools.wraps(original)
    def timed(*arguments: Any, **options: Any) -> Any:
        with watch.stage(stage):
            return original(*arguments, **options)

    setattr(owner, name, timed)
    try:
        yield
    finally:
        setattr(owner, name, original)


def sample_picture() -> Image:
    """uint8[512,768,3]: a sample photograph and its mirror images, the size that times are stated for."""
    sample = next(entry for entry in open_dataset("samples", None) if entry.name == SAMPLE).load()
    height, width = sample.shape[:2]
    mirrored = np.pad(sample, ((0, max(0, HEIGHT_PX - height)), (0, max(0, WIDTH_PX - width)), (0, 0)), "symmetric")
    return mirrored[:HEIGHT_PX, :WIDTH_PX]


@dataclass(frozen=True)
class Cost:
    """What a whole process took.

    Attributes:
        seconds: from start to end.
        peak_mib: most memory at a time; nan where the system does not tell.
    """

    seconds: float
    peak_mib: float


def command_cost(arguments: Sequence[str]) -> Cost:
    """The command `carcodec` with these arguments, as a process of its own.

    Raises:
        CarError: the command failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder, "peak")
        start = time.perf_counter()
        process = subprocess.run(command_line(told, "carcodec", arguments))
        seconds = time.perf_counter() - start
        if process.returncode:
            raise CarError(f"carcodec {' '.join(arguments)} ended with exit code {process.returncode}")
        return Cost(seconds, float(told.read_text()))


def median_cost(arguments: Sequence[str], repeats: int) -> Cost:
    """The median of the seconds (of an even number the lower one), and the greatest peak."""
    costs = sorted((command_cost(arguments) for _ in range(repeats)), key=lambda cost: cost.seconds)
    return Cost(costs[(repeats - 1) // 2].seconds, max(cost.peak_mib for cost in costs))
