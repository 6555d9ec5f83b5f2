"""From what was typed to a list of jobs, each with one input and one output, and through that list.

Inputs may be files, folders (searched through) and patterns. Without `--out-dir` there is one
input and one output, the latter by `-o` or as a second name. With it, an output is named as its
input, below the folder that was searched or the part of a pattern that has no wildcard.
"""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from carcodec.cli.output import PIPE, Console, check_output, read_input, write_output
from carcodec.errors import OutputError, UsageError


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
        UsageError: no output, too many inputs for one output, two inputs for the same output, or a folder or pattern
            without any.
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


def matching(names: Sequence[str]) -> list[str]:
    """The names, with patterns replaced by what they match; one that matches nothing stays, to be said so."""
    return [found for name in names for found in (_matches(name) if _is_pattern(name) else ()) or [name]]


def _matches(pattern: str) -> list[str]:
    return sorted(glob.glob(pattern, recursive=True))


def _is_many(name: str) -> bool:
    return os.path.isdir(name) or _is_pattern(name)


def _is_pattern(name: str) -> bool:
    return glob.has_magic(name) and not os.path.exists(name)


def _into_folder(inputs: Sequence[str], folder: Path, kinds: Kinds) -> list[Job]:
    if PIPE in inputs:
        raise UsageError("a pipe has no name to give an output in --out-dir: use -o")
    if os.path.exists(folder) and not os.path.isdir(folder):
        raise OutputError(f"{folder} is not a folder")
    expanded = {name: list(_expand(name, kinds.reads)) for name in inputs}
    if empty := [name for name, pairs in expanded.items() if not pairs]:
        raise UsageError(f"no {', '.join(kinds.reads)} found in {', '.join(empty)}")
    # Named twice, as a file and by its folder, an input is one input.
    found = dict(pair for pairs in expanded.values() for pair in pairs)
    targets = {source: (folder / name).with_suffix(kinds.writes[0]) for source, name in found.items()}
    counts = Counter(targets.values())
    for source, name in found.items():
        if counts[targets[source]] > 1:  # a.jpg beside a.jpeg: both keep their whole name
            targets[source] = folder / (str(name) + kinds.writes[0])
    target, count = Counter(targets.values()).most_common(1)[0]
    if count > 1:
        sources = ", ".join(str(source) for source in targets if targets[source] == target)
        raise UsageError(f"{sources} would all become {target}")
    return [Job(str(source), str(target), True) for source, target in targets.items()]


def _expand(name: str, suffixes: tuple[str, ...]) -> Iterator[tuple[Path, Path]]:
    """Pairs of a file and its name relative to the folder that was searched."""
    if not _is_many(name):
        yield Path(name), Path(Path(name).name)
        return
    root = name if os.path.isdir(name) else _root(name)
    for match in [name] if root == name else _matches(name):
        for path in sorted(_below(match, suffixes)) if os.path.isdir(match) else [Path(match)]:
            yield path, path.relative_to(root)


def _root(pattern: str) -> Path:
    """The folders of a pattern before its first wildcard."""
    parts = Path(pattern).parts
    return Path(*parts[: next(i for i, part in enumerate(parts) if glob.has_magic(part))])


def _below(folder: str, suffixes: tuple[str, ...]) -> list[Path]:
    """Files with one of the suffixes in a folder and below, and folders that cannot be looked into: jobs that fail."""
    found: list[Path] = []
    failed: list[OSError] = []
    for here, _, names in os.walk(folder, onerror=failed.append):
        paths = [Path(here, name) for name in names if name.lower().endswith(suffixes)]
        # Pipes and devices are no pictures, and would be waited for.
        found += [path for path in paths if os.path.isfile(path) or not os.path.exists(path)]
    return found + [Path(error.filename) for error in failed]


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
        except BrokenPipeError:
            raise
        except Exception as error:
            codes.append(console.failure(error, job.source))
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
