"""`carcodec bench`: codecs on a data set, a row for each real file, a summary at the end."""

from __future__ import annotations

import datetime
from collections.abc import Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from carcodec.cli.options import talking
from carcodec.cli.output import PIPE, Console
from carcodec.errors import OutputError, UsageError

if TYPE_CHECKING:
    from carcodec.bench.codec import Codec
    from carcodec.bench.runner import ResultsFile, Unit, Workplace
    from carcodec.bench.table import Request
    from carcodec.datasets.cards import Entry
    from carcodec.rows import Row

    Wanted = list[tuple[Request, Codec, tuple[float, ...]]]

DATA_VARIABLE = "CARCODEC_DATA"
PATH = click.Path(path_type=Path)
COUNT = click.IntRange(min=1)


@dataclass(frozen=True)
class Asked:
    """The options of one call, named as on the command line."""

    dataset: str
    data_dir: Path | None
    codecs: str | None
    codec_file: tuple[str, ...]
    codec_command: tuple[tuple[str, str, str], ...]
    qualities: str | None
    lossless: bool
    ssimulacra2: bool
    output: Path | None
    force: bool
    jobs: int
    shard: str | None
    limit: int | None
    repeats: int
    whole_process: bool
    device: str


@click.command("bench")
@click.option("--dataset", default="samples", show_default=True, help="A known set (`carcodec datasets`) or a folder.")
@click.option("--data-dir", envvar=DATA_VARIABLE, type=PATH, help=f"Where the known sets stand; or {DATA_VARIABLE}.")
@click.option(
    "--codecs",
    metavar="LIST",
    help="Comma-separated, with options: carcodec:side=off,jpeg:q=10/50,webp  [default: carcodec,jpeg]",
)
@click.option("--codec-file", multiple=True, metavar="FILE.py:CLASS", help="A codec of your own, in Python.")
@click.option(
    "--codec-command",
    multiple=True,
    nargs=3,
    metavar="NAME ENCODER DECODER",
    help="A codec of your own, as two command lines with {png} or {ppm}, {out} and {q}.",
)
@click.option(
    "--qualities", metavar="LIST", help="For codecs with JPEG's scale: 10,20,30,40  [default: each codec's own]"
)
@click.option("--lossless", is_flag=True, help="Lossless codecs instead, checked pixel by pixel.")
@click.option("--ssimulacra2", is_flag=True, help="Also measure SSIMULACRA2 (slow; needs the package ssimulacra2).")
@click.option(
    "-o",
    "--output",
    type=PATH,
    help="Results file; rows that it has are not measured again  [default: bench-DATASET.tsv]",
)
@click.option("-f", "--force", is_flag=True, help="Begin the results file anew.")
@click.option(
    "--jobs", type=COUNT, default=1, show_default=True, help="Processes; with several, times are marked as shared."
)
@click.option(
    "--shard", metavar="I/N", help="Every N-th picture from the I-th, for several machines; `report` joins the files."
)
@click.option("--limit", type=COUNT, metavar="N", help="Only the first N pictures.")
@click.option("--repeats", type=COUNT, default=1, show_default=True, help="Times are medians of so many.")
@click.option(
    "--whole-process", is_flag=True, help="Also seconds and peak memory of a fresh process each (slow: try --limit 1)."
)
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda", "mps"]),
    default="auto",
    show_default=True,
    help="Where the networks run.",
)
@talking
@click.pass_obj
def command(console: Console, /, **options: Any) -> None:
    """Measure codecs on a data set.

    Every file is written, closed, read back and decoded. Rows go to the results file one by one, so a
    run can be stopped with Ctrl-C, and the same command goes on where it was. The summary goes to
    standard output as Markdown.
    """
    from carcodec.bench.protocol import check_live1
    from carcodec.bench.runner import ResultsFile, plan
    from carcodec.datasets.cards import open_dataset
    from carcodec.report.tables import summary

    asked = Asked(**options)
    if asked.output == Path(PIPE):
        raise UsageError("rows go to a file, from which a stopped run goes on; the summary goes to standard output")
    if asked.ssimulacra2 and find_spec("ssimulacra2") is None:
        raise UsageError("--ssimulacra2 needs the package of that name: pip install 'carcodec[peers]'")
    wanted, left_out = _present(console, _requests(asked), asked.qualities)
    entries = _part(open_dataset(asked.dataset, asked.data_dir), asked.shard)[: asked.limit]
    workplace = _workplace(console, asked)
    path = asked.output or _default_path(entries[0].dataset, asked.shard)
    if asked.force:
        _remove(path)
    with closing(ResultsFile(path, [*_remarks(asked, workplace), *left_out])) as results:
        _check_versions(results.rows, wanted, path)
        _check_pictures(results.rows, entries, path)
        units = plan(entries, wanted, {row.key for row in results.rows})
        _measure(console, results, units, workplace, asked.jobs)
    keys = {(entry.dataset, entry.name, request.label): None for request, _, _ in wanted for entry in entries}
    order = {key: index for index, key in enumerate(keys)}
    rows = sorted((row for row in results.rows if row.key[:3] in order), key=lambda row: order[row.key[:3]])
    click.echo(summary(rows))
    console.say(f"{len(results.rows)} rows are in {path}")
    checked = check_live1(rows)
    if checked:
        console.say(f"plain JPEG on LIVE1 gives the known means at quality {', '.join(checked)}")


def _requests(asked: Asked) -> list[Request]:
    from carcodec.bench.table import LOSSLESS_DEFAULT, LOSSY_DEFAULT, command_request, file_request, parse_codecs

    own = [file_request(spec) for spec in asked.codec_file] + [command_request(*spec) for spec in asked.codec_command]
    default = LOSSLESS_DEFAULT if asked.lossless else LOSSY_DEFAULT
    return parse_codecs(asked.codecs or ",".join(default)) + own


def _present(console: Console, requests: Sequence[Request], qualities: str | None) -> tuple[Wanted, list[str]]:
    """The codecs that can run here, each with its settings; and words about the others, which are left out."""
    from carcodec.bench.runner import settings_of
    from carcodec.bench.table import parse_settings

    chosen = parse_settings(qualities) if qualities else None
    _check_names(requests)
    present, left_out = [], []
    for request in requests:
        codec = request.build()
        reason = codec.missing()
        if reason:
            left_out.append(f"{request.label} is left out: {reason}")
            console.warn(left_out[-1])
        else:
            present.append((request, codec, settings_of(request, codec, chosen)))
    if not present:
        raise UsageError("none of these codecs can run here")
    return present, left_out


def _check_names(requests: Iterable[Request]) -> None:
    """Rows of two codecs under one name could not be told apart.

    Raises:
        UsageError: a label that stands for two codecs.
    """
    meant: dict[str, Request] = {}
    for request in requests:
        known = meant.setdefault(request.label, request)
        if (known.target, known.options) != (request.target, request.options):
            raise UsageError(f"two codecs are called {request.label}: give one of them another name")


def _part(entries: list[Entry], shard: str | None) -> list[Entry]:
    from carcodec.bench.runner import shard as part

    if shard is None:
        return entries
    number, _, n_shards = shard.partition("/")
    if not (number.isdigit() and n_shards.isdigit() and 1 <= int(number) <= int(n_shards)):
        raise UsageError(f"--shard is I/N with 1 <= I <= N, not {shard!r}")
    entries = part(entries, int(number), int(n_shards))
    if not entries:
        raise UsageError(f"shard {shard} is empty: the set has fewer pictures")
    return entries


def _default_path(dataset: str, shard: str | None) -> Path:
    """Shards that run side by side in one folder must not write to one file."""
    return Path(f"bench-{dataset}-{shard.replace('/', '-of-')}.tsv" if shard else f"bench-{dataset}.tsv")


def _workplace(console: Console, asked: Asked) -> Workplace:
    from carcodec.bench.machine import is_busy, load, machine_name
    from carcodec.bench.measure import Conditions
    from carcodec.bench.runner import Workplace

    if asked.jobs == 1 and is_busy():
        console.warn(
            f"{load():.1f} cores were busy in the last minute: times are marked as shared, and tables leave them out"
        )
    timing = "alone" if asked.jobs == 1 and not is_busy() else "shared"
    conditions = Conditions(asked.repeats, asked.ssimulacra2, timing, machine_name())
    return Workplace(conditions, asked.device, 1 if asked.jobs > 1 else None, asked.whole_process)


def _remarks(asked: Asked, workplace: Workplace) -> list[str]:
    from importlib.metadata import version

    from carcodec import __version__
    from carcodec.bench.machine import load, python_name

    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    conditions = workplace.conditions
    return [
        f"carcodec {__version__} bench, {now}",
        f"machine: {conditions.machine}; {python_name()}; numpy {version('numpy')}; Pillow {version('pillow')}",
        f"run: {asked.jobs} jobs; device {asked.device}; {asked.repeats} repeats; times {conditions.timing}; "
        f"load {load():.2f} before it",
    ]


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"cannot begin {path} anew: {error.strerror}") from error


def _check_versions(rows: Iterable[Row], wanted: Wanted, path: Path) -> None:
    """Rows of one codec by several versions, or with several weights, would make means of nothing.

    Raises:
        UsageError: the file has rows of a wanted codec by another version.
    """
    now = {request.label: codec.versions() for request, codec, _ in wanted}
    for row in rows:
        if row.versions != now.get(row.codec, row.versions):
            raise UsageError(
                f"{path} has rows of {row.codec} by other versions ({row.versions}; now {now[row.codec]}): "
                "name another file by -o, or begin it anew by --force"
            )


def _check_pictures(rows: Iterable[Row], entries: Iterable[Entry], path: Path) -> None:
    """Two folders of one name may have different pictures of one name.

    Raises:
        UsageError: the file has rows of another picture than one of these.
    """
    from carcodec.datasets.cards import short_digest

    known = {(row.dataset, row.image): row.pixels for row in rows if row.pixels}
    for entry in entries:
        before = known.get((entry.dataset, entry.name))
        if before and before != short_digest(entry.load()):
            raise UsageError(
                f"{path} has rows of another picture {entry.dataset}/{entry.name} than {entry.path}: "
                "name another file by -o, or begin it anew by --force"
            )


def _measure(console: Console, results: ResultsFile, units: list[Unit], workplace: Workplace, jobs: int) -> None:
    """Measure what is left; whatever happens, the file holds every row that was finished."""
    if results.rows:
        console.say(f"{len(results.rows)} rows are there already, {len(units)} are left to measure")
    try:
        with closing(_with_progress(console, units, workplace, jobs)) as rows:
            for row in rows:
                results.add(row)
    except KeyboardInterrupt:
        console.say(f"stopped with {len(results.rows)} rows; the same command goes on from there")
        raise


def _with_progress(console: Console, units: list[Unit], workplace: Workplace, jobs: int) -> Generator[Row, None, None]:
    from tqdm import tqdm

    from carcodec.bench.runner import run

    # disable=None: silent where standard error is no terminal.
    with tqdm(total=len(units), unit="row", dynamic_ncols=True, disable=True if console.quiet else None) as bar:
        for row in run(units, workplace, jobs):
            bar.set_postfix_str(f"{row.image} {row.codec} {row.setting}")
            bar.update()
            yield row
