"""Pictures as arrays: reading and writing them, and measuring how far apart two are."""
