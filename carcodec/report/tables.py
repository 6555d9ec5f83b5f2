"""Tables of results, as Markdown that also reads well on a terminal."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from carcodec.errors import InputError
from carcodec.report.curves import ANCHOR, METRICS, SECONDS, Bd, Mean, bd_table, means, setting_order
from carcodec.rows import LOSSLESS, Row

DECIMALS = {"rgb_psnr": 2, "y_psnr": 2, "psnr_b": 2, "ssim": 4, "ms_ssim": 4, "ssimulacra2": 1}
COSTS = ("encode s", "decode s", "process encode s", "process decode s", "peak MiB")
NOTHING = "-"


@dataclass(frozen=True)
class Table:
    """Heads and cells, all text; the first column stands left, the others right."""

    heads: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]

    def markdown(self) -> str:
        """The table in Markdown, columns aligned."""
        # Two at least: a rule of a colon alone makes no table.
        widths = [max(2, *(len(line[i]) for line in (self.heads, *self.cells))) for i in range(len(self.heads))]
        rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
        lines = [_line(self.heads, widths), _line(rule, widths), *(_line(cells, widths) for cells in self.cells)]
        return "\n".join(lines)

    def select(self, columns: Sequence[str], values: Mapping[str, Sequence[str]]) -> Table:
        """The named columns (all if none is named), and the lines with one of the given values, in the order given.

        Args:
            values: head -> accepted cells; an empty sequence accepts all, and leaves the order.

        Raises:
            InputError: a column that the table does not have.
        """
        named = [*columns, *(head for head, cells in values.items() if cells)]
        unknown = [name for name in named if name not in self.heads]
        if unknown:
            raise InputError(f"no column {unknown[0]!r} in this table; it has: {', '.join(self.heads)}")
        filters = [(self.heads.index(head), cells) for head, cells in values.items() if cells]
        kept = [line for line in self.cells if all(line[i] in cells for i, cells in filters)]
        kept.sort(key=lambda line: [cells.index(line[i]) for i, cells in filters])
        places = [self.heads.index(name) for name in (["codec", *columns] if columns else self.heads)]
        heads = tuple(self.heads[i] for i in places)
        return Table(heads, tuple(tuple(line[i] for i in places) for line in kept))

    def beside(self, codecs: Sequence[str], names: Sequence[str]) -> Table:
        """A line for each setting, the second column, and in it the further columns of every codec side by side.

        Args:
            codecs: of the first column, in order.
            names: what the heads call them.
        """
        cells = {line[:2]: line[2:] for line in self.cells}
        nothing = (NOTHING,) * (len(self.heads) - 2)
        heads = [f"{name} {head}" for name in names for head in self.heads[2:]]
        lines = (
            (key, *(cell for codec in codecs for cell in cells.get((codec, key), nothing)))
            for key in sorted({line[1] for line in self.cells}, key=setting_order)
        )
        return Table((self.heads[1], *heads), tuple(lines))

    @staticmethod
    def of(heads: Sequence[str], cells: Iterable[Sequence[str]]) -> Table:
        """The table without the columns that say nothing in any row, and no lines if only the first is left."""
        lines = [tuple(line) for line in cells]
        kept = [i for i in range(len(heads)) if i == 0 or any(line[i] != NOTHING for line in lines)]
        if kept == [0]:
            return Table((heads[0],), ())
        return Table(tuple(heads[i] for i in kept), tuple(tuple(line[i] for i in kept) for line in lines))


def number(value: float, decimals: int, sign: bool = False) -> str:
    """A number for a cell; a dash for nan."""
    if math.isnan(value):
        return NOTHING
    return f"{value:{'+' if sign else ''},.{decimals}f}"


def rates_table(rows: Iterable[Row], dataset: str) -> Table:
    """Every lossy codec and setting of a set: bytes, metrics, seconds."""
    heads = ["codec", "q", "bpp", *METRICS.values(), "bytes", "packed JPEG", "side", "framing", *COSTS]
    chosen = [m for m in means(rows) if m.dataset == dataset and m.setting != LOSSLESS]
    return Table.of(heads, map(_rates_line, chosen))


def lossless_table(rows: Iterable[Row], dataset: str) -> Table:
    """Every lossless codec of a set."""
    kept = [row for row in rows if row.dataset == dataset and row.setting == LOSSLESS]
    heads = ["codec", "bpp", "bytes", "encode s", "decode s"]
    lines = (
        (m.codec, number(m.bpp, 3), number(m.total_bytes, 0), number(m.encode_s, 2), number(m.decode_s, 2))
        for m in means(kept)
    )
    return Table.of(heads, lines)


def bd_rates_table(
    rows: Sequence[Row], dataset: str, anchor: str = ANCHOR, references: Mapping[str, float] | None = None
) -> Table:
    """Every lossy codec of a set against the anchor.

    Args:
        references: BD-rates known from elsewhere, by codec, percent; they stand beside ours.
    """
    main = [bd for bd in bd_table(rows, anchor=anchor) if bd.dataset == dataset]
    others = {
        metric: {bd.codec: bd.rate for bd in bd_table(rows, metric, anchor) if bd.dataset == dataset}
        for metric in ("y_psnr", "ms_ssim", "ssimulacra2")
    }
    heads = ["codec", "BD-rate %", "BD-PSNR dB", "mean of pictures %", "best %", "worst %"]
    heads += [f"BD-rate % by {METRICS[metric].removesuffix(' (dB)')}" for metric in others]
    heads += ["reference %", "difference"]

    def line(bd: Bd) -> list[str]:
        reference = (references or {}).get(bd.codec, math.nan)
        rates = [*(of[bd.codec] for of in others.values()), reference, bd.rate - reference]
        return [*_bd_line(bd), *(number(rate, 1, True) for rate in rates)]

    return Table.of(heads, map(line, main))


def summary(rows: Sequence[Row]) -> str:
    """Every table of every set as Markdown, each below a line that says what it is; tables without lines left out."""
    parts = []
    for dataset in datasets_of(rows):
        n_images = len({row.image for row in rows if row.dataset == dataset})
        titled = {
            "means": rates_table(rows, dataset),
            f"against {ANCHOR}, by RGB PSNR unless said otherwise": bd_rates_table(rows, dataset),
            "lossless": lossless_table(rows, dataset),
        }
        parts += [
            f"{dataset}, {n_images} pictures: {title}\n\n{table.markdown()}\n"
            for title, table in titled.items()
            if table.cells
        ]
    return "\n".join(parts)


def datasets_of(rows: Iterable[Row]) -> list[str]:
    """Data sets in order of appearance."""
    return list(dict.fromkeys(row.dataset for row in rows))


def _rates_line(m: Mean) -> list[str]:
    metrics = [number(m.values[name], DECIMALS[name]) for name in METRICS]
    sizes = [number(size, 0) for size in (m.total_bytes, m.jpeg_bytes, m.side_bytes, m.framing_bytes)]
    costs = [*(number(getattr(m, name), 3) for name in SECONDS), number(m.peak_mib, 0)]
    return [m.codec, m.setting, number(m.bpp, 3), *metrics, *sizes, *costs]


def _bd_line(bd: Bd) -> list[str]:
    rates = [rate for rate in bd.per_image.values() if not math.isnan(rate)]
    return [
        bd.codec,
        number(bd.rate, 1, True),
        number(bd.quality, 2, True),
        number(bd.mean_of_images, 1, True),
        number(min(rates, default=math.nan), 1, True),
        number(max(rates, default=math.nan), 1, True),
    ]


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    aligned = [
        cells[0].ljust(widths[0]),
        *(cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True)),
    ]
    return f"| {' | '.join(aligned)} |"
