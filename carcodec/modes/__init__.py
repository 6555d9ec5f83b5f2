"""Modes: each a composition of parts. They import no network and never each other; what they share is in `base`."""
