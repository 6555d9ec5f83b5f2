"""One measured line of a benchmark, and files of such lines.

A results file is UTF-8 text: comment lines that begin with `#` (machine, versions, options), one
line of column names, then one tab-separated line for each picture and setting. Files can be joined
by `cat`: comments and column names may repeat, and the names before a line say what its fields are. An
empty field, or a column that is not there, means "not measured".

Not here: statistics over rows (carcodec.report) and the measuring (carcodec.bench).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from carcodec.errors import InputError

LOSSLESS = "lossless"  # the setting of a codec that has no quality to choose


@dataclass(frozen=True)
class Row:
    """One picture, coded by one codec at one setting, written, read back, decoded and measured.

    Attributes:
        dataset, image: names; an image's name is unique in its data set.
        width_px, height_px: size of the picture.
        codec: label, such as `jpeg` or `carcodec:tables=standard`.
        setting: the codec's own quality number as text, or `lossless`.
        total_bytes: size of the closed file, everything included.
        jpeg_bytes, side_bytes, framing_bytes: of a `.car`: packed JPEG, side information, the rest;
            None for other codecs.
        bpp: total_bytes * 8 / pixels.
        rgb_psnr, y_psnr, psnr_b: dB (carcodec.pixels.metrics states the conventions).
        ssim, ms_ssim, ssimulacra2: similarity; nan where not measured.
        max_error: greatest difference of two samples.
        encode_s, decode_s: seconds, median of the repeats, warm.
        process_encode_s, process_decode_s: the same in a fresh process each, start-up and imports included.
        peak_mib: most memory that one of these two processes held.
        timing: `alone` when the run had the machine to itself, `shared` when times mean little.
        device: where networks ran: `cpu`, `cuda` ...
        machine: processor and number of cores.
        versions: of the libraries that did the coding.
        models: identifiers of the models in the file, joined by `+`.
        pixels: beginning of the SHA-256 of the picture's pixels; empty in rows of versions before 0.3.0.
    """

    dataset: str
    image: str
    width_px: int
    height_px: int
    codec: str
    setting: str
    total_bytes: int
    jpeg_bytes: int | None
    side_bytes: int | None
    framing_bytes: int | None
    bpp: float
    rgb_psnr: float
    y_psnr: float
    psnr_b: float
    ssim: float
    ms_ssim: float
    ssimulacra2: float
    max_error: int
    encode_s: float
    decode_s: float
    process_encode_s: float
    process_decode_s: float
    peak_mib: float
    timing: str
    device: str
    machine: str
    versions: str
    models: str
    pixels: str

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What a results file holds once: data set, image, codec, setting."""
        return (self.dataset, self.image, self.codec, self.setting)


COLUMNS = tuple(field.name for field in dataclasses.fields(Row))
_TYPES = {field.name: str(field.type) for field in dataclasses.fields(Row)}
_DECIMALS = {"bpp": 6, "ssim": 6, "ms_ssim": 6, "encode_s": 5, "decode_s": 5, "peak_mib": 1}  # others: 4


def format_row(row: Row) -> str:
    """The row as one line, without its line end."""
    return "\t".join(_format(name, getattr(row, name)) for name in COLUMNS)


def parse_row(line: str, columns: Sequence[str] = COLUMNS) -> Row:
    """The row of one line.

    Args:
        columns: names of its fields; those that `Row` does not have are passed over.

    Raises:
        InputError: another number of fields, or one that is missing or no number where one must be.
    """
    fields = line.split("\t")
    if len(fields) != len(columns):
        raise InputError(f"a row has {len(columns)} fields, this line has {len(fields)}: {line[:60]!r}")
    texts = dict(zip(columns, fields, strict=True))
    try:
        return Row(*(_parse(name, texts.get(name, "")) for name in COLUMNS))  # type: ignore[arg-type]
    except ValueError as error:
        raise InputError(f"a field of this row is not a number ({error}): {line[:60]!r}") from error


def read_rows(paths: Iterable[Path]) -> list[Row]:
    """Rows of several files (shards, parts), in order; of equal keys the last one counts.

    Raises:
        InputError: a file is missing, not text, or holds a line that is no row.
    """
    rows: dict[tuple[str, str, str, str], Row] = {}
    for path in paths:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"cannot read results from {path}: {error}") from error
        try:
            rows.update((row.key, row) for row in parse_rows(text))
        except InputError as error:
            raise InputError(f"{path} is no results file: {error}") from error
    return list(rows.values())


def parse_rows(text: str) -> list[Row]:
    """Rows of a results file's text.

    Raises:
        InputError: as `parse_row`, or a row before any column names.
    """
    rows = []
    columns: tuple[str, ...] = ()
    for line in filter(None, text.splitlines()):
        if line.startswith(f"{COLUMNS[0]}\t{COLUMNS[1]}\t"):
            columns = tuple(line.split("\t"))
        elif not line.startswith("#"):
            if not columns:
                raise InputError(f"no names of columns stand before this line: {line[:60]!r}")
            rows.append(parse_row(line, columns))
    return rows


def _format(name: str, value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, float):
        return str(value).replace("\t", " ").replace("\n", " ")
    return "" if math.isnan(value) else f"{value:.{_DECIMALS.get(name, 4)}f}"


def _parse(name: str, text: str) -> str | int | float | None:
    kind = _TYPES[name]
    if kind == "str":
        return text
    if kind == "float":
        return float(text) if text else math.nan
    if kind == "int | None" and not text:
        return None
    return int(text)
