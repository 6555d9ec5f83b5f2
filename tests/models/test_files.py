from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from carcodec.errors import ModelMissing
from carcodec.models.files import load_arrays, load_bytes
from tests.stubs.models import card_of

DATA = save({"weight": np.arange(6, dtype=np.float16).reshape(2, 3)})
CARD = card_of(DATA)


def test_arrays_come_back_in_half_precision(tmp_path: Path) -> None:
    (tmp_path / CARD.file).write_bytes(DATA)
    assert load_bytes(CARD, tmp_path) == DATA
    weight = load_arrays(CARD, tmp_path)["weight"]
    assert weight.dtype == np.float16
    assert weight.tolist() == [[0, 1, 2], [3, 4, 5]]


def test_a_missing_weight_file_is_a_missing_model(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match=CARD.file):
        load_bytes(CARD, tmp_path)


@pytest.mark.parametrize("change", [lambda d: d[:-1], lambda d: d + b"\0", lambda d: d[:-1] + b"\xff"])
def test_one_changed_byte_of_the_weights_is_found(tmp_path: Path, change: object) -> None:
    (tmp_path / CARD.file).write_bytes(change(DATA))  # type: ignore[operator]
    with pytest.raises(ModelMissing, match="damaged"):
        load_bytes(CARD, tmp_path)


def test_a_file_that_is_no_safetensors_file_is_refused(tmp_path: Path) -> None:
    card = card_of(b"weights")
    (tmp_path / card.file).write_bytes(b"weights")
    with pytest.raises(ModelMissing, match="safetensors"):
        load_arrays(card, tmp_path)


def test_reading_cards_and_weights_needs_no_torch(child_environment: dict[str, str]) -> None:
    code = "import sys, carcodec.models.files, carcodec.models.cards as c; c.cards(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env=child_environment).returncode == 0
