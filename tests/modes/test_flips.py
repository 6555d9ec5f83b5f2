"""Restoring from four orientations: the grid stays in step, symbols stay upright, other networks pass through."""

from __future__ import annotations

import io
from dataclasses import dataclass, field

import numpy as np
import pytest
from PIL import Image as PillowImage

from carcodec import api
from carcodec.container.payloads import ModelRef
from carcodec.jpeg.conditioning import condition
from carcodec.jpeg.tables import quantization_tables
from carcodec.modes.flips import FlippingNetworks, FlippingRestorer, mean_over_flips
from carcodec.ports import Condition, Image, Levels, Restorer, Symbols
from tests.stubs.networks import OracleRestorer, StubNetworks

CONDITION = condition(*quantization_tables(20), (2, 2))


def picture_of(*shape: int) -> Image:
    return np.random.default_rng(6).integers(0, 256, shape, np.uint8)


@dataclass
class LopsidedRestorer:
    """Darkens what lies left in each block and, where there are symbols, lightens the whole picture by 8."""

    reference: ModelRef = field(default_factory=lambda: ModelRef(1, b"slanty"))
    seen: list[Image] = field(default_factory=list)

    def restore(self, base: Image, condition: Condition, symbols: Symbols | None = None) -> Levels:
        self.seen.append(base)
        levels = base.astype(np.float32)
        levels[:, np.arange(base.shape[1]) % 8 < 4] -= 10
        return levels if symbols is None else levels + 8

    analyse = OracleRestorer.analyse


def test_a_restorer_without_a_side_is_left_as_it_is() -> None:
    base = picture_of(40, 53, 3)

    def restore(picture: Image) -> Levels:
        return picture.astype(np.float32) * np.float32(0.5)

    assert np.array_equal(mean_over_flips(restore, base, restore(base)), restore(base))


@pytest.mark.parametrize("shape", [(40, 53, 3), (40, 53), (1, 1), (16, 32, 3)])
def test_errors_of_one_side_are_halved_and_the_grid_stays_in_step(shape: tuple[int, ...]) -> None:
    base, restorer = picture_of(*shape), LopsidedRestorer()
    levels = FlippingRestorer(restorer).restore(base, CONDITION)
    # Each column of a block is a left one in two orientations of four, if mirrored blocks stay whole blocks.
    assert levels == pytest.approx(base - 5.0)
    assert levels.dtype == np.float32
    assert [each.shape[0] % 16 or each.shape[1] % 16 for each in restorer.seen[1:]] == [0, 0, 0]


def test_what_symbols_add_is_added_once() -> None:
    base = picture_of(20, 20, 3)
    levels = FlippingRestorer(LopsidedRestorer()).restore(base, CONDITION, np.ones((2, 2), np.uint8))
    assert levels == pytest.approx(base + 3.0)


def test_all_else_passes_through() -> None:
    inner = StubNetworks(OracleRestorer(picture_of(16, 16)))
    networks = FlippingNetworks(inner)
    assert networks.context_coder() is inner.context_coder()
    restorer: Restorer = networks.restorer()
    assert restorer.reference == inner.the_restorer.reference
    image, base = picture_of(16, 16), picture_of(16, 16)[::-1]
    flipping, plain = (each.analyse(image, base, CONDITION) for each in (restorer, inner.the_restorer))
    assert np.array_equal(flipping.errors, plain.errors)


def test_the_best_effort_takes_four_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    restorer = LopsidedRestorer()
    monkeypatch.setattr("carcodec.runtime.networks", lambda *_: StubNetworks(restorer))  # type: ignore[arg-type]
    file = io.BytesIO()
    PillowImage.fromarray(np.full((24, 24, 3), 128, np.uint8)).save(file, "JPEG", quality=20)
    jpeg = file.getvalue()
    usual, best = (np.array(api.restore(jpeg, effort=effort)).astype(int) for effort in ("default", "best"))
    assert len(restorer.seen) == 1 + 4
    assert np.ptp(usual) == 10
    assert np.ptp(best) == 0
    coded = api.encode(jpeg, mode="blind")
    looks = len(restorer.seen)
    assert np.array_equal(np.array(api.decode(coded, effort="best", strength=1.0)), best)
    assert len(restorer.seen) == looks + 4
