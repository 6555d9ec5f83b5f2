"""From measured rows to means, BD-rates, tables, curves and a page. Types no number of its own."""
