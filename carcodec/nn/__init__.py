"""Networks. Arrays in, arrays out: nothing here knows chunks, paths or flags."""
