"""Rate-distortion plots as PNG and SVG, by matplotlib (the extra `report`)."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from carcodec.errors import UsageError
from carcodec.report.curves import METRICS, Mean, means
from carcodec.report.look import in_order, looks, shown_label, shown_value
from carcodec.rows import LOSSLESS, Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARKERS = {"circle": "o", "square": "s", "triangle": "^", "diamond": "D"}
SIZE_INCHES = (9.5, 5.0)
RATE_TICKS_BPP = (0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3)
STYLE: dict[Any, Any] = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "legend.frameon": False,
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "carcodec",  # the same rows give the same file
}


def write_plots(rows: Sequence[Row], folder: Path) -> list[Path]:
    """A plot for each metric that was measured on each data set that has a curve: `rd-SET-METRIC.png` and `.svg`.

    Raises:
        UsageError: matplotlib is not installed.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise UsageError("plots need matplotlib: pip install 'carcodec[report]'")
    all_means = [m for m in means(in_order(rows)) if m.setting != LOSSLESS]
    written = []
    for dataset in dict.fromkeys(m.dataset for m in all_means):
        chosen = [m for m in all_means if m.dataset == dataset]
        if len(chosen) == len({m.codec for m in chosen}):
            continue  # one setting a codec, as where only costs were measured
        for metric in METRICS:
            if not all(math.isnan(m.values[metric]) for m in chosen):
                written += _plot(chosen, metric, folder / f"rd-{dataset}-{metric}")
    return written


def _plot(chosen: Sequence[Mean], metric: str, stem: Path) -> list[Path]:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=SIZE_INCHES, layout="constrained")
        axes = figure.subplots()
        _draw(axes, chosen, metric)
        figure.legend(loc="outside right center")  # a dozen codecs would hide their own curves
        paths = [stem.with_name(f"{stem.name}.{suffix}") for suffix in ("png", "svg")]
        figure.savefig(paths[0], dpi=160)
        figure.savefig(paths[1], metadata={"Date": None, "Creator": None})
    return paths


def _draw(axes: Axes, chosen: Sequence[Mean], metric: str) -> None:
    for label, look in looks(dict.fromkeys(m.codec for m in chosen)).items():
        points = [(m.bpp, shown_value(metric, m.values[metric])) for m in chosen if m.codec == label]
        drawn = sorted((rate, value) for rate, value in points if math.isfinite(value))
        axes.plot(
            [rate for rate, _ in drawn],
            [value for _, value in drawn],
            color=look.colour,
            marker=MARKERS[look.shape],
            markersize=5,
            linewidth=2.6 if look.wide else 1.4,
            zorder=3 if look.wide else 2,
            label=label,
        )
    rates = [m.bpp for m in chosen]
    ticks = [tick for tick in RATE_TICKS_BPP if min(rates) / 1.3 <= tick <= max(rates) * 1.3]
    axes.set_xscale("log")
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_xticks([], minor=True)
    axes.set_xlabel("bits per pixel, whole file (logarithmic)")
    axes.set_ylabel(shown_label(metric, METRICS[metric]))
    axes.set_title(f"{chosen[0].dataset}: mean over {chosen[0].n_images} pictures", loc="left", fontsize=11)
