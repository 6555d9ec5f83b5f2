"""Means over pictures, and the curves that they make.

The PSNR of a set is the mean over its pictures of each picture's dB, bits per pixel likewise.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from carcodec.report.bd import Point, bd_quality, bd_rate
from carcodec.rows import LOSSLESS, Row

ANCHOR = "jpeg"
METRICS = {
    "rgb_psnr": "RGB PSNR (dB)",
    "y_psnr": "Y PSNR (dB)",
    "psnr_b": "PSNR-B (dB)",
    "ssim": "SSIM",
    "ms_ssim": "MS-SSIM",
    "ssimulacra2": "SSIMULACRA2",
}
SECONDS = ("encode_s", "decode_s", "process_encode_s", "process_decode_s")


@dataclass(frozen=True)
class Mean:
    """A codec at a setting over all pictures of a set.

    Attributes:
        values: metric -> mean; nan where any picture has none.
        total_bytes: mean size of a file; packed_bytes, side_bytes, framing_bytes: of its parts, where known.
        encode_s, decode_s, process_encode_s, process_decode_s: mean seconds, nan unless every row was timed alone.
        peak_mib: mean peak memory of a fresh process.
    """

    dataset: str
    codec: str
    setting: str
    n_images: int
    bpp: float
    values: dict[str, float]
    total_bytes: float
    jpeg_bytes: float
    side_bytes: float
    framing_bytes: float
    encode_s: float
    decode_s: float
    process_encode_s: float
    process_decode_s: float
    peak_mib: float


@dataclass(frozen=True)
class Bd:
    """A codec against the anchor.

    Attributes:
        rate: BD-rate of the mean curve, percent.
        quality: BD-PSNR of the mean curve, in the metric's unit.
        per_image: BD-rate of each picture's own curve, by name; nan where it has none.
    """

    dataset: str
    codec: str
    rate: float
    quality: float
    per_image: dict[str, float]

    @property
    def mean_of_images(self) -> float:
        """Mean of the pictures' own BD-rates, percent; nan if no picture has one."""
        known = [rate for rate in self.per_image.values() if not math.isnan(rate)]
        return fmean(known) if known else math.nan


def setting_order(setting: str) -> float:
    """A number to sort settings by."""
    return math.inf if setting == LOSSLESS else float(setting)


def means(rows: Iterable[Row]) -> list[Mean]:
    """Means by data set, codec (in order of appearance) and setting (rising).

    Settings that were not measured on every picture of the set are left out: their means would be
    means over other pictures.
    """
    groups: dict[tuple[str, str], dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    pictures: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        groups[row.dataset, row.codec][row.setting].append(row)
        pictures[row.dataset].add(row.image)
    return [
        _mean(group)
        for (dataset, _), settings in groups.items()
        for _, group in sorted(settings.items(), key=lambda item: setting_order(item[0]))
        if len(group) == len(pictures[dataset])
    ]


def incomplete(rows: Iterable[Row]) -> list[str]:
    """Codecs and settings that `means` leaves out, as `live1 webp at 20: 12 of 29 pictures`."""
    counts: dict[tuple[str, str, str], int] = defaultdict(int)
    pictures: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        counts[row.dataset, row.codec, row.setting] += 1
        pictures[row.dataset].add(row.image)
    return [
        f"{dataset} {codec} at {setting}: {count} of {len(pictures[dataset])} pictures"
        for (dataset, codec, setting), count in counts.items()
        if count < len(pictures[dataset])
    ]


def mixed_versions(rows: Iterable[Row]) -> list[str]:
    """Codecs whose rows on a set are by several versions, so that their means are of nothing in particular."""
    versions: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in rows:
        versions[row.dataset, row.codec].add(row.versions)
    return [
        f"{dataset} {codec}: {' | '.join(sorted(names))}"
        for (dataset, codec), names in versions.items()
        if len(names) > 1
    ]


def bd_table(rows: Sequence[Row], metric: str = "rgb_psnr", anchor: str = ANCHOR) -> list[Bd]:
    """Every lossy codec against the anchor, for each data set that has the anchor."""
    table = []
    all_means = means(rows)
    for dataset, codec in dict.fromkeys((mean_row.dataset, mean_row.codec) for mean_row in all_means):
        own, reference = (_mean_curve(all_means, dataset, name, metric) for name in (codec, anchor))
        if not own or not reference:
            continue
        per_image = _per_image(rows, dataset, codec, anchor, metric)
        table.append(Bd(dataset, codec, bd_rate(reference, own), bd_quality(reference, own), per_image))
    return table


def _mean(rows: Sequence[Row]) -> Mean:
    timed = all(row.timing == "alone" for row in rows)
    return Mean(
        dataset=rows[0].dataset,
        codec=rows[0].codec,
        setting=rows[0].setting,
        n_images=len(rows),
        bpp=fmean(row.bpp for row in rows),
        values={name: fmean(getattr(row, name) for row in rows) for name in METRICS},
        total_bytes=fmean(row.total_bytes for row in rows),
        jpeg_bytes=_mean_known(row.jpeg_bytes for row in rows),
        side_bytes=_mean_known(row.side_bytes for row in rows),
        framing_bytes=_mean_known(row.framing_bytes for row in rows),
        **{name: fmean(getattr(row, name) for row in rows) if timed else math.nan for name in SECONDS},
        peak_mib=fmean(row.peak_mib for row in rows),
    )


def _mean_known(values: Iterable[int | None]) -> float:
    return fmean(math.nan if value is None else value for value in values)


def _mean_curve(all_means: Iterable[Mean], dataset: str, codec: str, metric: str) -> list[Point]:
    chosen = (m for m in all_means if (m.dataset, m.codec) == (dataset, codec) and m.setting != LOSSLESS)
    return [(m.bpp, m.values[metric]) for m in chosen]


def _per_image(rows: Iterable[Row], dataset: str, codec: str, anchor: str, metric: str) -> dict[str, float]:
    curves: dict[str, dict[str, list[Point]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if row.dataset == dataset and row.codec in (codec, anchor) and row.setting != LOSSLESS:
            curves[row.image][row.codec].append((row.bpp, getattr(row, metric)))
    return {image: bd_rate(of[anchor], of[codec]) for image, of in curves.items()}
