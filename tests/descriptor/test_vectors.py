import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from carcodec.descriptor.coding import decode_symbols, encode_symbols
from carcodec.descriptor.context import ContextModel
from carcodec.entropy.ranges import DEFAULT_ENGINE, PlainEngine

VECTORS = Path(__file__).parents[1] / "vectors" / "descriptor"
CASES: list[dict[str, Any]] = json.loads((VECTORS / "payloads.json").read_text())


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
@pytest.mark.parametrize("engine", [DEFAULT_ENGINE, PlainEngine()], ids=["default", "plain"])
def test_payloads_are_those_of_the_first_version(case: dict[str, Any], engine: Any) -> None:
    model = ContextModel.load(VECTORS / "toy.safetensors")
    symbols = np.array([[int(digit, 16) for digit in row] for row in case["symbols"]], np.uint8)
    payload = bytes.fromhex(case["payload"])
    assert encode_symbols(symbols, model, case["rate_class"], engine) == payload
    assert (decode_symbols(payload, *symbols.shape, model, case["rate_class"], engine) == symbols).all()


def test_the_vectors_use_every_symbol() -> None:
    assert set("".join(row for case in CASES for row in case["symbols"])) == set("0123456789abcdef")
