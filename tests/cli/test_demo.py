"""The JPEG that the demo calls equal in bytes."""

import numpy as np
import pytest

from carcodec.cli.demo import _jpeg, _jpeg_of_bytes
from carcodec.datasets.cards import open_dataset


@pytest.fixture(scope="module")
def picture():
    sample = next(entry for entry in open_dataset("samples", None) if entry.name == "astronaut")
    return np.ascontiguousarray(sample.load()[:96, :96])


def test_jpeg_of_equal_bytes_is_the_least_that_is_not_smaller(picture):
    sizes = [len(_jpeg(picture, quality)) for quality in range(1, 101)]
    for n_bytes in (sizes[9], sizes[9] + 1, sizes[39] - 1):
        chosen = len(_jpeg_of_bytes(picture, n_bytes))
        assert chosen == min(size for size in sizes if size >= n_bytes)


def test_where_no_jpeg_is_as_large_it_is_the_best(picture):
    assert _jpeg_of_bytes(picture, 10**6) == _jpeg(picture, 100)
