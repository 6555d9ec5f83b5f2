"""Long runs: what is to be measured, in what order, by how many processes, and the file it goes to.

The order is fixed: picture by picture, each through all codecs in turn, so that rivals meet the same
state of the machine. A results file only ever grows by whole lines; rows that it already has are not
measured again, so the same command goes on where a run was stopped.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TextIO

from carcodec.bench.codec import Codec
from carcodec.bench.measure import Conditions, Subject, measure, setting_name
from carcodec.bench.table import Request
from carcodec.bench.whole import Work, whole_cost
from carcodec.datasets.cards import Entry
from carcodec.errors import InputError, OutputError, UsageError
from carcodec.pixels import Image
from carcodec.rows import COLUMNS, Row, format_row, parse_rows

NO_SETTING = 0.0  # handed to lossless codecs, which have none
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Unit:
    """Work that one process does in one go: a picture through a codec at a setting, which makes a row."""

    entry: Entry
    request: Request
    setting: float


@dataclass(frozen=True)
class Workplace:
    """Where codecs run.

    Attributes:
        conditions: what rows say of the run.
        device: for networks.
        threads: in each process; None for the libraries' choice.
        whole: also measure fresh processes, their seconds and memory.
    """

    conditions: Conditions
    device: str
    threads: int | None
    whole: bool = False


def settings_of(request: Request, codec: Codec, qualities: Sequence[float] | None) -> tuple[float, ...]:
    """What to measure: the request's own `q=`, else `qualities` if they are JPEG's, else the codec's.

    Raises:
        UsageError: none at all, or for a scale of JPEG's one that it does not have.
    """
    if codec.lossless:
        return (NO_SETTING,)
    chosen = request.settings or (tuple(qualities) if qualities and codec.jpeg_quality else codec.default_settings)
    if not chosen:
        raise UsageError(f"{request.label} has no settings of its own: name some, {request.label}:q=10/50/90")
    lowest, highest = codec.setting_range
    wrong = [q for q in chosen if codec.jpeg_quality and not (q == round(q) and lowest <= q <= highest)]
    if wrong:
        raise UsageError(f"settings of {request.label} are whole numbers {lowest:g}..{highest:g}, not {wrong[0]:g}")
    return chosen


def plan(
    entries: Iterable[Entry], wanted: Sequence[tuple[Request, Codec, tuple[float, ...]]], done: set[tuple[str, ...]]
) -> list[Unit]:
    """The work in its fixed order: each row once, those that are done left out."""
    units: dict[tuple[str, ...], Unit] = {}
    for entry in entries:
        for request, codec, settings in wanted:
            for setting in settings:
                key = (entry.dataset, entry.name, request.label, setting_name(codec, setting))
                units.setdefault(key, Unit(entry, request, setting))
    return [unit for key, unit in units.items() if key not in done]


def shard(entries: Sequence[Entry], number: int, n_shards: int) -> list[Entry]:
    """Every n-th picture, beginning at the `number`-th (from 1): all shards together are the set."""
    return list(entries[number - 1 :: n_shards])


def run(units: Sequence[Unit], workplace: Workplace, jobs: int) -> Iterator[Row]:
    """Rows in the order of `units`, each as soon as it and those before it are there."""
    if jobs == 1:
        worker = _Worker(workplace)
        yield from map(worker.row, units)
        return
    # "spawn": a fork of a process with running threads may hang.
    context = multiprocessing.get_context("spawn")
    with _one_thread_each():
        pool = ProcessPoolExecutor(jobs, context, _begin_worker, (workplace,))
        try:
            yield from pool.map(_work, units)
        finally:
            pool.shutdown(cancel_futures=True)  # who stops waits for the files that are in work, not for the set


@dataclass
class _Worker:
    """One process's codecs, built and warmed up once."""

    workplace: Workplace
    codecs: dict[str, Codec] = field(default_factory=dict)
    pixels: tuple[Path, Image] | None = None

    def row(self, unit: Unit) -> Row:
        subject = Subject(unit.entry.dataset, unit.entry.name, self._load(unit.entry))
        with tempfile.TemporaryDirectory(prefix="carcodec-bench-") as folder:
            codec = self._codec(unit, subject, Path(folder))
            row = self._measured(codec, unit, subject, Path(folder))
            return self._with_whole_cost(row, unit, subject.pixels, Path(folder)) if self.workplace.whole else row

    def _measured(self, codec: Codec, unit: Unit, subject: Subject, folder: Path) -> Row:
        return measure(codec, unit.request.label, subject, unit.setting, self.workplace.conditions, folder)

    def _with_whole_cost(self, row: Row, unit: Unit, pixels: Image, folder: Path) -> Row:
        work = Work(unit.request, self.workplace.device, self.workplace.threads, unit.setting)
        cost = whole_cost(work, pixels, folder)
        return replace(row, process_encode_s=cost.encode_s, process_decode_s=cost.decode_s, peak_mib=cost.peak_mib)

    def _load(self, entry: Entry) -> Image:
        if self.pixels is None or self.pixels[0] != entry.path:
            self.pixels = (entry.path, entry.load())
        return self.pixels[1]

    def _codec(self, unit: Unit, subject: Subject, folder: Path) -> Codec:
        label = unit.request.label
        if label not in self.codecs:
            codec = unit.request.build().on(self.workplace.device, self.workplace.threads)
            # The first use loads libraries and weights; its time belongs to no row.
            self._measured(codec, unit, subject, folder)
            self.codecs[label] = codec
        return self.codecs[label]


_worker: _Worker | None = None  # of a child process; set once, when it begins


def _begin_worker(workplace: Workplace) -> None:
    global _worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent stops handing out work; what runs ends well
    _worker = _Worker(workplace)


def _work(unit: Unit) -> Row:
    assert _worker is not None
    return _worker.row(unit)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Children inherit the environment, and numeric libraries read it when they are loaded."""
    before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


class ResultsFile:
    """A results file that is written line by line and can be gone on with.

    Attributes:
        rows: those it had when it was opened, then those added.
    """

    def __init__(self, path: Path, remarks: Iterable[str]) -> None:
        """Open or make it.

        Args:
            remarks: lines about this run, for the head of what it adds.

        Raises:
            InputError: it exists and is no results file of this version.
            OutputError: it cannot be written.
        """
        if path.is_dir():
            raise OutputError(f"cannot write {path}: it is a folder")
        self.rows = _take_up(path)
        try:
            self._file: TextIO = path.open("a", encoding="utf-8", newline="\n")
        except OSError as error:
            raise OutputError(f"cannot write {path}: {error.strerror}") from error
        self._head = [f"# {remark}" for remark in remarks] + ["\t".join(COLUMNS)]

    def add(self, row: Row) -> None:
        """Append one row; it is in the file when this returns."""
        lines, self._head = [*self._head, format_row(row)], []
        self._file.write("\n".join(lines) + "\n")
        self._file.flush()
        self.rows.append(row)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _take_up(path: Path) -> list[Row]:
    """The rows of an earlier run; a last line that a kill left unfinished is cut off."""
    if not path.exists():
        return []
    try:
        data = path.read_bytes()
        whole = data[: data.rfind(b"\n") + 1]
        rows = parse_rows(whole.decode("utf-8"))
    except (OSError, UnicodeDecodeError, InputError) as error:
        raise InputError(f"{path} cannot be gone on with: {error}") from error
    if len(whole) < len(data):
        with path.open("r+b") as file:
            file.truncate(len(whole))
    return rows
