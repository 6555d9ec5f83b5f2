"""The report as one HTML file that needs no network: curves, tables and pictures side by side.

All numbers are computed here, from rows; the script in the page only draws them.
"""

from __future__ import annotations

import base64
import html
import io
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from typing import Any

from PIL import Image as PillowImage

from carcodec.pixels import Image
from carcodec.report.curves import ANCHOR, METRICS, Mean, bd_table, means
from carcodec.report.look import OWN, in_order, looks, shown_label, shown_value
from carcodec.report.tables import DECIMALS, Table, bd_rates_table, datasets_of, lossless_table
from carcodec.rows import LOSSLESS, Row


@dataclass(frozen=True)
class Version:
    """A crop as one codec gives it.

    Attributes:
        label: of the codec, or `original`.
        caption: setting, bytes and quality, for people.
        pixels: uint8[h,w,3] or [h,w].
    """

    label: str
    caption: str
    pixels: Image


@dataclass(frozen=True)
class Showcase:
    """One crop, in the versions to be compared; all of the same size.

    Attributes:
        why: how this picture came to be shown.
    """

    image: str
    why: str
    versions: tuple[Version, ...]


def page(rows: Sequence[Row], title: str, showcases: Sequence[Showcase]) -> str:
    """The whole page."""
    rows = in_order(rows)
    asset = files(__package__)
    parts = {
        "title": html.escape(title),
        "lead": _lead(rows),
        "anchor": html.escape(ANCHOR),
        "tables": "\n".join(_tables(rows, dataset) for dataset in datasets_of(rows)),
        "foot": _foot(rows),
        "style": (asset / "page.css").read_text(encoding="utf-8"),
        "script": (asset / "page.js").read_text(encoding="utf-8"),
        "data": _json(_data(rows, showcases)),
    }
    text = (asset / "page.html").read_text(encoding="utf-8")
    for name, part in parts.items():
        text = text.replace(f"{{{{{name}}}}}", part)
    return text


def _data(rows: Sequence[Row], showcases: Sequence[Showcase]) -> dict[str, Any]:
    measured = [name for name in METRICS if not all(math.isnan(getattr(row, name)) for row in rows)]
    metrics = [
        {"label": METRICS[name], "axis": shown_label(name, METRICS[name]), "decimals": DECIMALS[name]}
        for name in measured
    ]
    return {
        "metrics": metrics,
        "datasets": [_dataset(rows, name, measured) for name in datasets_of(rows)],
        "showcase": [_showcase(showcase) for showcase in showcases],
    }


def _dataset(rows: Iterable[Row], name: str, metrics: Sequence[str]) -> dict[str, Any]:
    own = [row for row in rows if row.dataset == name and row.setting != LOSSLESS]
    images = sorted({row.image for row in own})
    codecs = list(dict.fromkeys(row.codec for row in own))
    rates = {bd.codec: [bd.per_image.get(image, math.nan) for image in images] for bd in bd_table(own)}
    return {
        "name": name,
        "images": images,
        "codecs": [{"label": label, **asdict(look)} for label, look in looks(codecs).items()],
        "means": [_point(m, m.values, m.total_bytes, codecs, metrics) for m in means(own)],
        "rows": [
            {"image": images.index(row.image), **_point(row, vars(row), row.total_bytes, codecs, metrics)}
            for row in own
        ],
        "bd": [rates.get(label) if label != ANCHOR else None for label in codecs],
    }


def _point(
    point: Row | Mean, values: dict[str, Any], n_bytes: float, codecs: Sequence[str], metrics: Sequence[str]
) -> dict[str, Any]:
    timed = isinstance(point, Mean) or point.timing == "alone"
    return {
        "codec": codecs.index(point.codec),
        "setting": point.setting,
        "bpp": point.bpp,
        "bytes": n_bytes,
        "values": [values[name] for name in metrics],
        "curve": [shown_value(name, values[name]) for name in metrics],
        "encode_s": point.encode_s if timed else None,
        "decode_s": point.decode_s if timed else None,
    }


def _showcase(showcase: Showcase) -> dict[str, Any]:
    height, width = showcase.versions[0].pixels.shape[:2]
    versions = [
        {"label": version.label, "caption": version.caption, "src": _picture(version.pixels)}
        for version in showcase.versions
    ]
    return {"image": showcase.image, "why": showcase.why, "width": width, "height": height, "versions": versions}


def _picture(pixels: Image) -> str:
    """A data address of the pixels, without loss."""
    file = io.BytesIO()
    PillowImage.fromarray(pixels).save(file, "WEBP", lossless=True, method=4)
    return f"data:image/webp;base64,{base64.b64encode(file.getvalue()).decode()}"


def _json(value: object) -> str:
    """JSON that is safe within a script element; numbers that JSON does not have become null."""
    return json.dumps(_finite(value), separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _finite(value: object) -> object:
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return value


def _lead(rows: Sequence[Row]) -> str:
    """What the main codec saves, in a sentence for each data set."""
    sentences = []
    for bd in bd_table(rows):
        if bd.codec == OWN and not math.isnan(bd.rate):
            n_images = len({row.image for row in rows if row.dataset == bd.dataset})
            share = f"<strong>{abs(bd.rate):.1f} % {'fewer' if bd.rate < 0 else 'more'} bits</strong>"
            where = f"{html.escape(bd.dataset)}, {n_images} pictures"
            sentences.append(f"carcodec needs {share} than plain JPEG at equal RGB PSNR ({where}).")
    return "".join(f'<p class="lead">{sentence}</p>' for sentence in sentences)


def _tables(rows: Sequence[Row], dataset: str) -> str:
    tables = [table for table in (bd_rates_table(rows, dataset), lossless_table(rows, dataset)) if table.cells]
    return "\n".join(f'<div class="scroll" data-set="{html.escape(dataset)}">{_html(table)}</div>' for table in tables)


def _html(table: Table) -> str:
    heads = "".join(f'<th scope="col">{html.escape(head)}</th>' for head in table.heads)
    lines = ("".join(f"<td>{html.escape(cell)}</td>" for cell in line) for line in table.cells)
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"


def _foot(rows: Sequence[Row]) -> str:
    """Where the numbers come from."""
    machines = sorted({row.machine for row in rows})
    versions = {f"{row.codec.partition(':')[0]}: {row.versions}" for row in rows if row.versions}
    models = sorted({model for row in rows for model in row.models.split("+") if model})
    conventions = (
        "Bytes are those of closed files. PSNR of a set is the mean over its pictures; RGB PSNR is over all samples, "
        "luma is Y of JFIF, SSIM and MS-SSIM are means over RGB. BD-rate by PCHIP over the common range of quality. "
        "Seconds are shown only of runs that had their machine to themselves."
    )
    lines = [conventions, f"Machine: {'; '.join(machines)}."]
    lines += [f"Models: {', '.join(models)}."] if models else []
    lines += [f"Versions: {' | '.join(sorted(versions))}."]
    return "".join(f"<p>{html.escape(line)}</p>" for line in lines)
