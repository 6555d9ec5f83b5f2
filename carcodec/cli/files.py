"""From what was typed to a list of jobs, each with one input and one output, and through that list.

Inputs may be files, folders (searched through) and patterns. Without `--out-dir` there is one
input and one output, the latter by `-o` or as a second name.
"""

from __future__ import annotations

import glob
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from carcodec.cli.output import PIPE, Console, check_output, read_input, write_output
from carcodec.errors import CarError, OutputError, UsageError


@dataclass(frozen=True)
class Job:
    """One input and the output made from it; `-` is a pipe.

    Attributes:
        makes_folder: whether the output's folder may be made.
    """

    source: str
    target: str
    makes_folder: bool = False


@dataclass(frozen=True)
class Kinds:
    """What a command reads and writes.

    Attributes:
        reads: suffixes looked for in folders.
        writes: suffixes that mark a second name as the output; the first is what outputs in a folder get.
    """

    reads: tuple[str, ...]
    writes: tuple[str, ...]


def plan(inputs: Sequence[str], output: str | None, out_dir: str | None, kinds: Kinds) -> list[Job]:
    """The jobs that a command line asks for.

    Raises:
        UsageError: no output, too many inputs for one output, or two inputs for the same output.
    """
    if out_dir is not None:
        if output is not None:
            raise UsageError("-o and --out-dir do not go together")
        return _into_folder(inputs, Path(out_dir), kinds)
    names = list(inputs)
    if output is None and len(names) == 2 and (names[1] == PIPE or names[1].lower().endswith(kinds.writes)):
        output = names.pop()
    if len(names) > 1 or _is_many(names[0]):
        second = f"a second name is the output only if it ends in {', '.join(kinds.writes)}"
        raise UsageError(f"several inputs need --out-dir FOLDER ({second})")
    if output is None:
        raise UsageError("no output named: use -o FILE, or -o - for a pipe, or --out-dir FOLDER")
    return [Job(names[0], output)]


def _is_many(name: str) -> bool:
    path = Path(name)
    return path.is_dir() or (glob.has_magic(name) and not path.exists())


def _into_folder(inputs: Sequence[str], folder: Path, kinds: Kinds) -> list[Job]:
    if PIPE in inputs:
        raise UsageError("a pipe has no name to give an output in --out-dir: use -o")
    found = [pair for name in inputs for pair in _expand(name, kinds.reads)]
    jobs = [Job(str(source), str((folder / name).with_suffix(kinds.writes[0])), True) for source, name in found]
    if not jobs:
        raise UsageError(f"no {', '.join(kinds.reads)} found in {', '.join(inputs)}")
    target, count = Counter(job.target for job in jobs).most_common(1)[0]
    if count > 1:
        sources = ", ".join(job.source for job in jobs if job.target == target)
        raise UsageError(f"{sources} would all become {target}")
    return jobs


def _expand(name: str, suffixes: tuple[str, ...]) -> list[tuple[Path, Path]]:
    """Pairs of a file and its name relative to the folder that was searched."""
    path = Path(name)
    if path.is_dir():
        found = sorted(p for p in path.rglob("*") if p.suffix.lower() in suffixes and p.is_file())
        return [(p, p.relative_to(path)) for p in found]
    if _is_many(name):
        return [pair for match in sorted(glob.glob(name, recursive=True)) for pair in _expand(match, suffixes)]
    return [(path, Path(path.name))]


def run(jobs: Sequence[Job], work: Callable[[bytes, Job], bytes], console: Console, force: bool) -> int:
    """Do the jobs in order; a failed one is reported and the rest is done all the same.

    Args:
        work: from the bytes of a job's source to the bytes of its target.

    Returns:
        0, or the exit code of the first failure.
    """
    codes = []
    for job in console.progress(jobs):
        try:
            if job.makes_folder:
                make_folder(Path(job.target).parent)
            check_output(job.target, force)
            write_output(job.target, work(read_input(job.source), job), force)
        except CarError as error:
            console.error(f"{job.source}: {error}")
            codes.append(error.exit_code)
    if len(jobs) > 1:
        console.say(f"{len(jobs) - len(codes)} of {len(jobs)} files written")
    return codes[0] if codes else 0


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, unless they are there.

    Raises:
        OutputError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {folder}: {error.strerror}") from error
