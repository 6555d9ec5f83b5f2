"""Numbers in documents, printed from rows: text between two markers is replaced by what they ask for.

In a Markdown file,

    <!-- table: rates live1 codec=carcodec codec=jpeg q=10,20 column=bpp column="RGB PSNR (dB)" -->
    <!-- end -->

becomes a table between the two lines. `KINDS` has the kinds of tables and their filters, all of which
may be left out:

    rates     a line for each codec and setting
    beside    a line for each setting, in it the columns of each codec, called `name=` in order
    bd        a line for each codec, against `anchor=` (jpeg) over settings `q=` (all);
              `reference=webp:-32.3` puts a known BD-rate and the difference to it beside
    lossless  a line for each codec

Within a sentence, `<!-- number: bd live1 carcodec --><!-- end -->` becomes the BD-rate, with `anchor=`
and `q=` as above; `<!-- number: rgb_psnr live1 jpeg 20 --><!-- end -->` a mean, of a metric or another
of `DECIMALS`; and `<!-- number: weights_mb --><!-- end -->` the megabytes of the installed models that
new files use. Markers in code are left as they are.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence

from carcodec.errors import InputError
from carcodec.models.cards import ROLES, default
from carcodec.report import tables
from carcodec.report.curves import ANCHOR, METRICS, bd_table, means
from carcodec.report.tables import Table, bd_rates_table, lossless_table, number, rates_table
from carcodec.rows import Row

Filters = dict[str, list[str]]

# Code comes first, and is left alone: it shows markers and does not mean them.
MARKED = re.compile(r"```.*?```|`[^`\n]*`|(<!-- (table|number): ([^>]*?) -->).*?(<!-- end -->)", re.DOTALL)
SECONDS = dict.fromkeys(("encode_s", "decode_s", "process_encode_s", "process_decode_s"), 2)
DECIMALS = {**tables.DECIMALS, "bpp": 3, "total_bytes": 0, "side_bytes": 0, **SECONDS, "peak_mib": 0}
MB = 1e6


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


def _rates(rows: Sequence[Row], dataset: str, wanted: Filters) -> Table:
    return rates_table(rows, dataset).select(wanted["column"], {"codec": wanted["codec"], "q": wanted["q"]})


def _beside(rows: Sequence[Row], dataset: str, wanted: Filters) -> Table:
    table = _rates(rows, dataset, {**wanted, "column": ["q", *wanted["column"]]})
    codecs = wanted["codec"] or list(dict.fromkeys(line[0] for line in table.cells))
    names = wanted["name"] or codecs
    if len(names) != len(codecs):
        raise InputError(f"{len(names)} names for {len(codecs)} codecs in a marker of a document")
    return table.beside(codecs, names)


def _bd(rows: Sequence[Row], dataset: str, wanted: Filters) -> Table:
    references = {}
    for item in wanted["reference"]:
        codec, _, percent = item.rpartition(":")
        try:
            references[codec] = float(percent)
        except ValueError:
            raise InputError(f"reference={item} in a marker of a document is not CODEC:PERCENT") from None
    table = bd_rates_table(_at(rows, wanted["q"]), dataset, _anchor(wanted), references)
    return table.select(wanted["column"], {"codec": wanted["codec"]})


def _lossless(rows: Sequence[Row], dataset: str, wanted: Filters) -> Table:
    return lossless_table(rows, dataset).select(wanted["column"], {"codec": wanted["codec"]})


KINDS: dict[str, tuple[Callable[[Sequence[Row], str, Filters], Table], tuple[str, ...]]] = {
    "rates": (_rates, ("codec", "q", "column")),
    "beside": (_beside, ("codec", "name", "q", "column")),
    "bd": (_bd, ("codec", "q", "column", "anchor", "reference")),
    "lossless": (_lossless, ("codec", "column")),
}


def _table(request: str, rows: Sequence[Row]) -> str:
    kind, dataset, *filters = [*shlex.split(request), "", ""]
    if kind not in KINDS:
        raise InputError(f"marker 'table: {request}' names none of {', '.join(KINDS)}")
    make, known = KINDS[kind]
    table = make(rows, dataset, _filters(request, filters, known))
    if not table.cells:
        raise InputError(f"the rows have nothing for 'table: {request}'")
    return table.markdown()


def _number(request: str, rows: Sequence[Row]) -> str:
    words = shlex.split(request)
    if words == ["weights_mb"]:
        return number(sum(default(role).size for role in ROLES) / MB, 1)
    if len(words) >= 3 and words[0] == "bd":
        wanted = _filters(request, words[3:], ("anchor", "q"))
        table = bd_table(_at(rows, wanted["q"]), anchor=_anchor(wanted))
        rates = [bd.rate for bd in table if [bd.dataset, bd.codec] == words[1:3]]
        return number(_only(rates, request), 1, sign=True)
    if len(words) != 4 or words[0] not in DECIMALS:
        raise InputError(f"marker 'number: {request}' is neither 'bd SET CODEC' nor 'METRIC SET CODEC SETTING'")
    name = words[0]
    chosen = [m for m in means(rows) if [m.dataset, m.codec, m.setting] == words[1:]]
    values = [m.values[name] if name in METRICS else float(getattr(m, name)) for m in chosen]
    return number(_only(values, request), DECIMALS[name])


def _filters(request: str, items: Sequence[str], known: Sequence[str]) -> Filters:
    wanted: Filters = {name: [] for name in known}
    for item in filter(None, items):
        key, _, value = item.partition("=")
        if key not in wanted:
            raise InputError(f"marker '{request}' has no filter {key!r}, only {', '.join(known)}")
        wanted[key] += value.split(",") if key == "q" else [value]
    return wanted


def _anchor(wanted: Filters) -> str:
    return wanted["anchor"][-1] if wanted["anchor"] else ANCHOR


def _at(rows: Sequence[Row], settings: Sequence[str]) -> list[Row]:
    """The rows at these settings; all if none is named."""
    return [row for row in rows if not settings or row.setting in settings]


def _only(values: Sequence[float], request: str) -> float:
    if len(values) != 1:
        raise InputError(f"the rows have {len(values)} answers to 'number: {request}', not one")
    return values[0]
