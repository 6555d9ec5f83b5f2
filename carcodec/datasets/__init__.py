"""Sets of pictures that benchmarks run on, known by the SHA-256 of their pixels."""
