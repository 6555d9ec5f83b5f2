"""`carcodec report`: from rows to tables, plots, a page, and the numbers in documents."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from carcodec.cli.bench import DATA_VARIABLE, PATH
from carcodec.cli.files import make_folder
from carcodec.cli.options import talking
from carcodec.cli.output import Console, write_output
from carcodec.errors import CarError, InputError, UsageError, VerifyError

if TYPE_CHECKING:
    from carcodec.bench.codec import Codec
    from carcodec.bench.equal import Shown
    from carcodec.datasets.cards import Entry
    from carcodec.report.page import Showcase
    from carcodec.rows import Row

CROP_PX = 384
TARGET_BPP = 0.3  # low enough for JPEG to show what it does
PAGE = "index.html"


@click.command("report")
@click.argument("results", nargs=-1, required=True, type=PATH, metavar="RESULTS.tsv...")
@click.option("-o", "--out-dir", type=PATH, metavar="FOLDER", help="Write index.html and plots (PNG and SVG) there.")
@click.option("--title", default="carcodec: measured", show_default=True, help="Of the page.")
@click.option(
    "--pictures", "n_pictures", type=click.IntRange(min=0), default=3, show_default=True, help="Shown side by side."
)
@click.option("--data-dir", envvar=DATA_VARIABLE, type=PATH, help=f"Where the known sets stand; or {DATA_VARIABLE}.")
@click.option("--dataset", help="Folder or set to take pictures from  [default: the first set of the results]")
@click.option(
    "--update", multiple=True, type=PATH, metavar="FILE.md", help="Print the numbers that its markers ask for."
)
@click.option("--check", is_flag=True, help="With --update: change nothing, fail if a file would change.")
@talking
@click.pass_obj
def command(
    console: Console,
    /,
    results: tuple[Path, ...],
    out_dir: Path | None,
    update: tuple[Path, ...],
    check: bool,
    **page: Any,
) -> None:
    """Turn measured rows into tables, plots, a page, and numbers in documents.

    RESULTS of several shards or machines are joined. The tables go to standard output as Markdown. With -o,
    a page that needs no network and plots are written. With --update, the tables go into documents instead: what
    stands between markers such as `<!-- table: bd live1 -->` and `<!-- end -->` is printed anew from the rows.
    """
    from carcodec.bench.protocol import check_live1
    from carcodec.report.curves import incomplete, mixed_versions
    from carcodec.report.tables import summary
    from carcodec.rows import read_rows

    if check and not update:
        raise UsageError("--check says whether documents are up to date: name them by --update")
    rows = read_rows(results)
    if not rows:
        raise InputError("these files hold no rows")
    for line in incomplete(rows):
        console.warn(f"left out of means: {line}")
    for line in mixed_versions(rows):
        console.warn(f"rows by several versions are averaged: {line}")
    check_live1(rows)
    if update:
        _update(console, rows, update, check)
    else:
        click.echo(summary(rows))
    if out_dir is not None:
        make_folder(out_dir)
        _write_report(console, rows, out_dir, **page)


def _update(console: Console, rows: list[Row], paths: tuple[Path, ...], check: bool) -> None:
    from carcodec.report.documents import update

    for path in paths:
        try:
            before = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"cannot read {path}: {error}") from error
        after = update(before, rows)
        if after == before:
            console.say(f"{path} says what the rows say")
        elif check:
            raise VerifyError(f"{path} does not say what the rows say: run `carcodec report ... --update {path}`")
        else:
            write_output(str(path), after.encode(), force=True)
            console.say(f"{path} is brought up to date")


def _write_report(
    console: Console,
    rows: list[Row],
    folder: Path,
    title: str,
    n_pictures: int,
    data_dir: Path | None,
    dataset: str | None,
) -> None:
    from carcodec.report.page import page
    from carcodec.report.plots import write_plots

    showcases: list[Showcase] = []
    if n_pictures:
        try:
            showcases = _showcases(console, rows, n_pictures, data_dir, dataset)
        except (InputError, UsageError) as error:
            console.warn(f"no pictures to look at: {error}")
    write_output(str(folder / PAGE), page(rows, title, showcases).encode(), force=True)
    console.say(f"page: {folder / PAGE}")
    for path in write_plots(rows, folder):
        console.detail(f"plot: {path}")


def _showcases(
    console: Console, rows: list[Row], n_pictures: int, data_dir: Path | None, dataset: str | None
) -> list[Showcase]:
    """Crops of the pictures where our codec gains most, middling and least."""
    from carcodec.bench.equal import best_median_worst
    from carcodec.datasets.cards import open_dataset
    from carcodec.report.curves import bd_table
    from carcodec.report.look import OWN, main_codec, side_by_side

    entries = {entry.name: entry for entry in open_dataset(dataset or rows[0].dataset, data_dir)}
    table = [bd for bd in bd_table(rows) if bd.dataset == next(iter(entries.values())).dataset]
    main = main_codec(table)
    if main is None:
        raise InputError(f"the results have no codec {OWN} on this set")
    gains = [(name, rate) for name, rate in main.per_image.items() if name in entries]
    names = best_median_worst(gains, n_pictures)
    coders = _coders(console, side_by_side(table, main.codec))
    return [
        _showcase(entries[name], f"{main.per_image[name]:+.1f} % bits", rows, main.codec, coders)
        for name in console.progress(names)
    ]


def _coders(console: Console, labels: Iterable[str]) -> dict[str, Codec]:
    """The codecs that can run here; the others are named."""
    from carcodec.bench.table import parse_codecs

    coders = {}
    for label in labels:
        try:
            codec = parse_codecs(label)[0].build()
            reason = codec.missing()
        except CarError:
            reason = "its rows are here, but its code is not"
        if reason is None:
            coders[label] = codec
        else:
            console.warn(f"{label} is not among the pictures: {reason}")
    return coders


def _showcase(entry: Entry, why: str, rows: list[Row], main: str, coders: dict[str, Codec]) -> Showcase:
    from carcodec.bench.equal import show, show_at_bytes, telling_crop
    from carcodec.report.curves import ANCHOR
    from carcodec.report.page import Showcase, Version

    pixels = entry.load()
    own = [row for row in rows if row.key[:3] == (entry.dataset, entry.name, main)]
    nearest = min(own, key=lambda row: abs(row.bpp - TARGET_BPP))
    ours = show(coders[main], main, pixels, float(nearest.setting))
    shown = {
        label: ours if label == main else show_at_bytes(codec, label, pixels, ours.n_bytes)
        for label, codec in coders.items()
    }
    top, left, height, width = telling_crop(pixels, shown[ANCHOR].pixels, CROP_PX)
    crop = (slice(top, top + height), slice(left, left + width))
    versions = [Version(label, _caption(one), one.pixels[crop]) for label, one in shown.items()]
    return Showcase(entry.name, why, (Version("original", "original", pixels[crop]), *versions))


def _caption(shown: Shown) -> str:
    return f"{shown.label} {shown.setting}: {shown.n_bytes:,} bytes, {shown.rgb_psnr:.2f} dB"
