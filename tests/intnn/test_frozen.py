from pathlib import Path

import numpy as np
import pytest

from carcodec.intnn.frozen import dump_frozen, load_frozen

ARRAYS = {"table": np.arange(-3, 3, dtype=np.int16).reshape(2, 3), "bias": np.array([1 << 30, -5], np.int32)}
SHAPES = {"table": (2, None), "bias": (2,)}


def test_arrays_come_back_as_int64_from_path_and_bytes(tmp_path: Path) -> None:
    data = dump_frozen(ARRAYS)
    (tmp_path / "model.safetensors").write_bytes(data)
    for source in (data, tmp_path / "model.safetensors", str(tmp_path / "model.safetensors")):
        found = load_frozen(source, SHAPES)
        assert found.keys() == ARRAYS.keys()
        for name, array in ARRAYS.items():
            assert found[name].dtype == np.int64
            assert (found[name] == array).all()


def test_equal_arrays_give_equal_bytes_in_any_order() -> None:
    assert dump_frozen(ARRAYS) == dump_frozen(dict(reversed(ARRAYS.items())))


def test_fortran_order_is_not_kept() -> None:
    crossed = ARRAYS | {"table": np.asfortranarray(ARRAYS["table"])}
    assert dump_frozen(crossed) == dump_frozen(ARRAYS)


@pytest.mark.parametrize(
    ("arrays", "why"),
    [
        ({"table": ARRAYS["table"]}, "must hold"),
        (ARRAYS | {"more": np.zeros(1, np.int8)}, "must hold"),
        (ARRAYS | {"table": np.zeros((2, 3), np.float32)}, "not signed integers"),
        (ARRAYS | {"table": np.zeros((2, 3), np.uint8)}, "not signed integers"),
        (ARRAYS | {"table": np.zeros((3, 3), np.int8)}, "has shape"),
        (ARRAYS | {"table": np.zeros((2, 0), np.int8)}, "has shape"),
        (ARRAYS | {"bias": np.zeros((2, 1), np.int8)}, "has shape"),
    ],
)
def test_what_is_not_the_model_is_refused(arrays: dict[str, np.ndarray], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        load_frozen(dump_frozen(arrays), SHAPES)


def test_truncated_at_every_byte_is_refused() -> None:
    data = dump_frozen(ARRAYS)
    for end in range(len(data)):
        with pytest.raises(ValueError, match="safetensors"):
            load_frozen(data[:end], SHAPES)
