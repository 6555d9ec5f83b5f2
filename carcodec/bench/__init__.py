"""Measuring codecs: real files, written, closed, read back and decoded, one row for each.

Not here: means, BD-rates, plots and pages (carcodec.report), and the command (carcodec.cli.bench).
"""

from carcodec.bench.codec import Codec, Contents

__all__ = ["Codec", "Contents"]
