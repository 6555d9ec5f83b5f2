"""A run's log as rows."""

from __future__ import annotations

from carcodec.train.curve import as_tsv, validations

LOG = """{"step": 50, "loss": 1.5}
{"step": 100, "val_gain": 0.5, "val_q10": 0.6}
{"step": 100, "val_gain": 0.7, "val_q10": 0.8}
{"step": 200, "val_gain": 0.9, "val_q10": 1.0}
"""


def test_a_validation_that_was_run_again_counts_once():
    assert validations(LOG) == [{"step": 100, "gain": 0.7, "q10": 0.8}, {"step": 200, "gain": 0.9, "q10": 1.0}]


def test_rows_have_a_header():
    assert as_tsv(validations(LOG)) == "step\tgain\tq10\n100\t0.7\t0.8\n200\t0.9\t1.0\n"
