"""The JPEG front end: tables, encoding, syntax and lossless packing. No networks here."""
