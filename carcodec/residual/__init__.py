"""Lossless and near-lossless coding of a picture's samples, in integers throughout."""
