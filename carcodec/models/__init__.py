"""Installed models: a card (TOML) and a weight file for each, both inside the package. No torch here."""
