"""Numbers in documents, printed from rows: text between two markers is replaced by what they ask for.

In a Markdown file,

    <!-- table: rates live1 codec=carcodec codec=jpeg q=10,20 column=bpp column="RGB PSNR (dB)" -->
    <!-- end -->

becomes a table between the two lines; kinds are `rates`, `bd` and `lossless`, and the filters may be
left out. Within a sentence, `<!-- number: bd live1 carcodec --><!-- end -->` becomes the BD-rate and
`<!-- number: rgb_psnr live1 jpeg 20 --><!-- end -->` a mean (of a metric, `bpp` or `total_bytes`).
Markers in code are left as they are.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence

from carcodec.errors import InputError
from carcodec.report.curves import METRICS, bd_table, means
from carcodec.report.tables import DECIMALS, Table, bd_rates_table, lossless_table, number, rates_table
from carcodec.rows import Row

# Code comes first, and is left alone: it shows markers and does not mean them.
MARKED = re.compile(r"```.*?```|`[^`\n]*`|(<!-- (table|number): ([^>]*?) -->).*?(<!-- end -->)", re.DOTALL)
TABLES: dict[str, Callable[[Sequence[Row], str], Table]] = {
    "rates": rates_table,
    "bd": bd_rates_table,
    "lossless": lossless_table,
}


def update(text: str, rows: Sequence[Row]) -> str:
    """The document with everything between markers made anew.

    Raises:
        InputError: a marker that asks for what the rows do not have.
    """

    def renewed(match: re.Match[str]) -> str:
        begin, kind, request, end = match.groups()
        if begin is None:
            return match[0]
        if kind == "table":
            return f"{begin}\n{_table(request, rows)}\n{end}"
        return f"{begin}{_number(request, rows)}{end}"

    return MARKED.sub(renewed, text)


def _table(request: str, rows: Sequence[Row]) -> str:
    kind, dataset, *filters = [*shlex.split(request), "", ""]
    wanted: dict[str, list[str]] = {"codec": [], "q": [], "column": []}
    for item in filter(None, filters):
        key, _, value = item.partition("=")
        if key not in wanted:
            raise InputError(f"marker 'table: {request}' has no filter {key!r}, only {', '.join(wanted)}")
        wanted[key] += value.split(",") if key == "q" else [value]
    if kind not in TABLES:
        raise InputError(f"marker 'table: {request}' names none of {', '.join(TABLES)}")
    table = TABLES[kind](rows, dataset).select(wanted["column"], {"codec": wanted["codec"], "q": wanted["q"]})
    if not table.cells:
        raise InputError(f"the rows have nothing for 'table: {request}'")
    return table.markdown()


def _number(request: str, rows: Sequence[Row]) -> str:
    words = shlex.split(request)
    if len(words) == 3 and words[0] == "bd":
        rates = [bd.rate for bd in bd_table(rows) if [bd.dataset, bd.codec] == words[1:]]
        return number(_only(rates, request), 1, sign=True)
    if len(words) != 4 or words[0] not in (*METRICS, "bpp", "total_bytes"):
        raise InputError(f"marker 'number: {request}' is neither 'bd SET CODEC' nor 'METRIC SET CODEC SETTING'")
    name = words[0]
    chosen = [m for m in means(rows) if [m.dataset, m.codec, m.setting] == words[1:]]
    values = [m.values[name] if name in METRICS else float(getattr(m, name)) for m in chosen]
    return number(_only(values, request), {**DECIMALS, "bpp": 3, "total_bytes": 0}[name])


def _only(values: Sequence[float], request: str) -> float:
    if len(values) != 1:
        raise InputError(f"the rows have {len(values)} answers to 'number: {request}', not one")
    return values[0]
