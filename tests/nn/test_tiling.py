from __future__ import annotations

import numpy as np
import pytest
import torch

from carcodec.nn.restorer import Restorer
from carcodec.nn.tiling import Array, Tiling, run_tiled, spans
from tests.stubs.models import seeded
from tests.stubs.reach import trunk_reach

SMALL = Tiling(tile=32, overlap=16, align=16)


def picture_of(height: int, width: int) -> Array:
    return np.random.default_rng(5).integers(0, 256, (height, width, 3), np.uint8)


def neighbour_sum(picture: Array) -> list[Array]:
    """Sums over 31x31 pixels, zeros outside: a function that reaches 15 pixels far."""
    padded = np.pad(picture.astype(np.int64), ((16, 15), (16, 15), (0, 0))).cumsum(0).cumsum(1)
    return [padded[31:, 31:] - padded[:-31, 31:] - padded[31:, :-31] + padded[:-31, :-31]]


@pytest.mark.parametrize("length", [1, 16, 31, 32, 33, 100, 128, 641])
def test_spans_cover_an_axis_once_and_begin_aligned(length: int) -> None:
    found = spans(length, SMALL)
    covered = [place for span in found for place in range(length)[span.kept]]
    assert covered == list(range(length))
    for span in found:
        assert span.seen.start % 16 == 0
        assert span.kept.start % 16 == 0
        assert span.kept.stop - span.kept.start <= 32
        assert span.seen.start == max(0, span.kept.start - 16)
        assert span.seen.stop == min(length, -(-span.kept.stop // 16) * 16 + 16)


@pytest.mark.parametrize("size", [(1, 1), (16, 16), (64, 64), (65, 65), (90, 200), (33, 400), (400, 17)])
def test_pieces_make_the_whole_of_a_function_within_the_overlap(size: tuple[int, int]) -> None:
    picture = picture_of(*size)
    (result,) = run_tiled(neighbour_sum, [picture], tiling=SMALL)
    height, width = size
    filled = np.pad(picture, ((0, -height % 16), (0, -width % 16), (0, 0)), mode="edge")
    (whole,) = neighbour_sum(filled)
    assert np.array_equal(result, whole[:height, :width])


def test_pieces_show_where_the_overlap_is_too_small() -> None:
    picture = picture_of(200, 200)
    (result,) = run_tiled(neighbour_sum, [picture], tiling=Tiling(tile=32, overlap=0, align=16))
    (whole,) = neighbour_sum(np.pad(picture, ((0, 8), (0, 8), (0, 0)), mode="edge"))
    assert not np.array_equal(result, whole[:200, :200])


def test_maps_and_results_by_cell_keep_step_with_the_pixels() -> None:
    height, width = 150, 131
    sites = np.arange(10 * 9, dtype=np.uint8).reshape(10, 9)
    pixels = sites.repeat(16, 0).repeat(16, 1)[:height, :width, None]

    def function(piece: Array, other: Array, piece_sites: Array) -> list[Array]:
        assert np.array_equal(piece, other)
        assert np.array_equal(piece[::16, ::16, 0], piece_sites)
        return [piece, piece_sites[..., None], piece[::4, ::4]]

    whole, by_site, by_four = run_tiled(function, [pixels, pixels], [sites], (1, 16, 4), SMALL)
    assert np.array_equal(whole, pixels)
    assert np.array_equal(by_site[..., 0], sites)
    assert np.array_equal(by_four, pixels[::4, ::4])


def test_a_picture_of_one_piece_takes_one_call() -> None:
    calls = []

    def function(piece: Array) -> list[Array]:
        calls.append(piece.shape)
        return [piece]

    run_tiled(function, [picture_of(60, 68)], tiling=SMALL)
    assert calls == [(64, 80, 3)]


def test_sizes_that_do_not_go_together_are_refused() -> None:
    picture = picture_of(20, 20)
    with pytest.raises(ValueError, match="different sizes"):
        run_tiled(neighbour_sum, [picture, picture[1:]])
    with pytest.raises(ValueError, match="needs maps"):
        run_tiled(neighbour_sum, [picture], [np.zeros((1, 2), np.uint8)])
    with pytest.raises(ValueError, match="without pixels"):
        run_tiled(neighbour_sum, [picture[:0]])
    with pytest.raises(ValueError, match="multiples of 16"):
        Tiling(tile=100)


def test_reach_of_the_shipped_depths() -> None:
    # By hand: 8 + 4 + 8 convolutions at 2, 4 and 8 pixels a step make 112, and the cells add up to 7.
    assert trunk_reach((1, 2, 4, 2, 2)) == 119


@pytest.mark.parametrize("depths", [(1, 1, 1, 1, 1), (0, 2, 1, 0, 1)])
def test_a_restored_pixel_depends_on_no_input_beyond_reach_and_on_some_just_within(depths: tuple[int, ...]) -> None:
    network = seeded(Restorer, (4, 4, 4), depths).double()
    distance = trunk_reach(depths)
    length = 2 * (distance + 8 - distance % 8) + 16
    base = torch.rand(1, 3, 16, length, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    base.requires_grad_(True)
    condition = torch.zeros(1, 131, dtype=torch.float64)
    farthest = 0
    middle = length // 2 // 8 * 8
    restored = network(base, condition)
    for place in range(middle, middle + 8):
        (gradient,) = torch.autograd.grad(restored[0, :, :, place].sum(), base, retain_graph=True)
        touched = gradient.abs().sum(dim=(0, 1, 2)).nonzero().flatten()
        farthest = max(farthest, place - int(touched.min()), int(touched.max()) - place)
    assert farthest == distance


def test_a_restorer_in_pieces_that_overlap_by_its_reach_equals_the_whole() -> None:
    depths = (1, 1, 1, 1, 1)
    network = seeded(Restorer, (8, 8, 8), depths)
    condition = torch.zeros(1, 131)

    def function(piece: Array) -> list[Array]:
        base = torch.from_numpy(piece).permute(2, 0, 1)[None] / 255
        with torch.inference_mode():
            return [network(base, condition)[0].permute(1, 2, 0).numpy() * 255]

    picture = picture_of(100, 300)
    overlap = -(-trunk_reach(depths) // 16) * 16
    (pieces,) = run_tiled(function, [picture], tiling=Tiling(32, overlap))
    (whole,) = run_tiled(function, [picture])
    assert np.abs(whole - picture).max() > 2
    assert np.abs(pieces - whole).max() < 1e-3
