"""Training: one loop, one task per network, one recipe (TOML) per run. Inference never imports this."""
