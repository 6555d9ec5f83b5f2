"""The descriptor: a grid of symbols, one for each 16 x 16 pixels, and its coding."""
