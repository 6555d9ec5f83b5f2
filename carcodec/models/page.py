"""docs/models.md: its last part is the cards, as Markdown.

python -m carcodec.models.page docs/models.md
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from carcodec.models.cards import Card, cards

MARK = "<!-- from here on by: python -m carcodec.models.page docs/models.md -->\n"


def filled(page: str, installed: Sequence[Card]) -> str:
    """The page with everything behind its mark made anew.

    Raises:
        ValueError: the page has no mark.
    """
    head, mark, _ = page.partition(MARK)
    if not mark:
        raise ValueError("the page has no mark behind which cards could stand")
    return head + mark + "".join(f"\n{section(card)}" for card in installed)


def section(card: Card) -> str:
    """One card as a section with a table."""
    rows = {
        "number, role": f"{card.number}, {card.role}, {'exact (integers)' if card.exact else 'free (float)'}",
        "network": f"`{card.network}`" + "".join(f", {name} {_shown(value)}" for name, value in card.arguments.items()),
        "trained with": f"model {card.partner}" if card.partner else "-",
        "file": f"`{card.file}`, {card.size:,} bytes, {card.parameters:,} parameters",
        "SHA-256": f"`{card.sha256}`",
        "recipe": f"`{card.recipe}`, {card.training_hours:g} hours, {card.date.isoformat()}",
        "data": card.data,
        "licence of the weights": card.licence,
        "validation": ", ".join(f"{name} {value:g}" for name, value in card.validation.items()) or "-",
    }
    lines = [f"### {card.id}", "", "| | |", "| --- | --- |", *(f"| {name} | {text} |" for name, text in rows.items())]
    return "\n".join(lines) + "\n"


def _shown(value: object) -> str:
    return "/".join(map(str, value)) if isinstance(value, list) else str(value)


def main() -> None:
    """Fill the page named by the first argument."""
    path = Path(sys.argv[1])
    path.write_text(filled(path.read_text("utf-8"), cards()), "utf-8")


if __name__ == "__main__":
    main()
