"""Integer networks in numpy: equal results on every machine, because whole numbers do not round."""
