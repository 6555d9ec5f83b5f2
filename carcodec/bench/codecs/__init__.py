"""One codec in each module, loaded by name through carcodec.bench.table."""
