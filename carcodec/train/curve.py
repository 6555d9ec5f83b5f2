"""The curve of a run: what its log says, as a picture and as rows.

    python -m carcodec.train.curve runs/side/log.jsonl docs/curves/side

writes `side.svg` (needs the extra `report`) and `side.tsv` (step and validation figures).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

PREFIX = "val_"
Entries = list[dict[str, Any]]


def validations(log: str) -> Entries:
    """The log's validations, in order, each figure without its prefix; a step that was run again counts once.

    Args:
        log: text of a run's `log.jsonl`.
    """
    found = {}
    for line in log.splitlines():
        entry = json.loads(line)
        figures = {name.removeprefix(PREFIX): value for name, value in entry.items() if name.startswith(PREFIX)}
        if figures:
            found[entry["step"]] = {"step": entry["step"]} | figures
    return [found[step] for step in sorted(found)]


def as_tsv(entries: Entries) -> str:
    """A header and a row for each validation."""
    names = list(entries[0])
    rows = [names, *([str(row.get(name, "")) for name in names] for row in entries)]
    return "".join("\t".join(row) + "\n" for row in rows)


def draw(entries: Entries, path: Path) -> None:
    """Gains over steps: the restoration's at each quality, and what the descriptor adds, net of its bits."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.5), layout="constrained")
    groups = {"blind_q": "gain of the restoration, dB", "net_q": "net gain of the descriptor, dB"}
    if not any(name.startswith("blind_q") for name in entries[0]):
        groups = {"q": "gain of the restoration, dB"}
    for place, (prefix, title) in enumerate(groups.items(), start=1):
        axes = figure.add_subplot(1, len(groups), place)
        for name in (name for name in entries[0] if name.startswith(prefix)):
            points = [(row["step"], row[name]) for row in entries if name in row]
            axes.plot(*zip(*points, strict=True), marker=".", label="q" + name.removeprefix(prefix))
        axes.set(xlabel="step", title=title)
        axes.grid(alpha=0.3)
        axes.legend(fontsize="small")
    figure.savefig(path)


def main() -> None:
    """The command of the module's first lines."""
    log, target = Path(sys.argv[1]), Path(sys.argv[2])
    entries = validations(log.read_text("utf-8"))
    target.parent.mkdir(parents=True, exist_ok=True)
    target.with_suffix(".tsv").write_text(as_tsv(entries), "utf-8")
    draw(entries, target.with_suffix(".svg"))


if __name__ == "__main__":
    main()
