"""Metrics against independent implementations on real pictures, and by hand where there is none."""

import io
import math
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.color import rgb2ycbcr
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from carcodec.datasets.cards import open_dataset
from carcodec.pixels import metrics


@pytest.fixture(scope="module")
def pairs():
    """A colour picture with odd sides cut from it, and a gray one; each with its JPEG at quality 20."""
    loaded = {entry.name: entry.load() for entry in open_dataset("samples", None)}
    pictures = [loaded["coffee"], loaded["coffee"][:231, :253], loaded["camera"][:256, :320]]
    return [(picture, _through_jpeg(picture)) for picture in pictures]


def _through_jpeg(picture, quality=20):
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=quality)
    return np.array(Image.open(file))


def test_psnr_agrees_with_scikit_image(pairs):
    for reference, image in pairs:
        expected = peak_signal_noise_ratio(reference, image, data_range=255)
        assert metrics.psnr(reference, image) == pytest.approx(expected, abs=1e-9)


def test_y_psnr_is_the_psnr_of_the_luma_of_scikit_image_in_full_range(pairs):
    reference, image = pairs[0]
    lumas = [(rgb2ycbcr(picture)[..., 0] - 16) * 255 / 219 for picture in (reference, image)]
    assert metrics.y_psnr(reference, image) == pytest.approx(peak_signal_noise_ratio(*lumas, data_range=255), abs=1e-9)


def test_ssim_agrees_with_scikit_image(pairs):
    for reference, image in pairs:
        expected = structural_similarity(
            reference,
            image,
            channel_axis=2 if reference.ndim == 3 else None,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            data_range=255,
        )
        assert metrics.ssim(reference, image) == pytest.approx(expected, abs=1e-5)


def test_ms_ssim_agrees_with_pytorch_msssim(pairs):
    peer = pytest.importorskip("pytorch_msssim")
    torch = pytest.importorskip("torch")
    for (reference, image), tolerance in zip(pairs, (1e-5, 5e-3, 1e-5), strict=True):
        tensors = [torch.from_numpy(np.atleast_3d(p)).permute(2, 0, 1)[None].float() for p in (reference, image)]
        expected = peer.ms_ssim(*tensors, data_range=255).item()
        # The second has odd sides at every scale: padded with zeros there, cropped here.
        assert metrics.ms_ssim(reference, image) == pytest.approx(expected, abs=tolerance)


def test_ssimulacra2_agrees_with_its_package_on_files(pairs, tmp_path):
    peer = pytest.importorskip("ssimulacra2")
    reference, image = pairs[0]
    for name, picture in (("a.png", reference), ("b.png", image)):
        Image.fromarray(picture).save(tmp_path / name)
    expected = peer.compute_ssimulacra2(str(tmp_path / "a.png"), str(tmp_path / "b.png"))
    assert metrics.ssimulacra2(reference, image) == pytest.approx(expected)


def _psnr_b_step_by_step(reference, image):
    """The paper's definition, pair by pair of neighbours, on one plane."""
    height, width = image.shape
    values = image.tolist()
    across = [(values[y][x], values[y][x + 1], x % 8 == 7) for y in range(height) for x in range(width - 1)]
    down = [(values[y][x], values[y + 1][x], y % 8 == 7) for y in range(height - 1) for x in range(width)]
    edge = [(a - b) ** 2 for a, b, at_edge in across + down if at_edge]
    other = [(a - b) ** 2 for a, b, at_edge in across + down if not at_edge]
    excess = sum(edge) / len(edge) - sum(other) / len(other)
    penalty = math.log2(8) / math.log2(min(height, width)) * excess if excess > 0 else 0.0
    error = sum((a - b) ** 2 for a, b in zip(reference.ravel().tolist(), image.ravel().tolist(), strict=True))
    return 10 * math.log10(255**2 / (error / image.size + penalty))


def test_psnr_b_agrees_with_its_definition_taken_step_by_step(pairs):
    reference, image = (picture[:123, :141] for picture in pairs[2])
    expected = _psnr_b_step_by_step(reference, image)
    assert expected < metrics.y_psnr(reference, image) - 0.1, "the penalty counts here"
    assert metrics.psnr_b(reference, image) == pytest.approx(expected, abs=1e-9)


@pytest.mark.slow
@pytest.mark.skipif("CARCODEC_DATA" not in os.environ, reason="LIVE1 may not be handed on; name its folder")
def test_psnr_and_psnr_b_give_the_published_means_on_live1():
    """JPEG of the luma of MATLAB's rgb2ycbcr, as the papers since ARCNN have it: FBCNN, table of LIVE1."""
    published = {10: (27.77, 25.33), 40: (32.35, 29.96)}
    entries = open_dataset("live1", Path(os.environ["CARCODEC_DATA"]))
    lumas = [np.round(rgb2ycbcr(entry.load())[..., 0]).astype(np.uint8) for entry in entries]
    for quality, expected in published.items():
        pairs = [(luma, _through_jpeg(luma, quality)) for luma in lumas]
        means = [np.mean([metric(*pair) for pair in pairs]) for metric in (metrics.psnr, metrics.psnr_b)]
        assert means == pytest.approx(expected, abs=0.02), quality


def test_psnr_b_counts_only_steps_at_block_edges():
    """Two flat blocks, one level apart: the only step is at the edge, so the penalty is exact."""
    image = np.zeros((8, 16), np.uint8)
    image[:, 8:] = 1
    reference = np.zeros((8, 16), np.uint8)
    # Eight pairs straddle the edge, each with a squared step of 1; 112 + 112 others have none.
    penalty = math.log2(8) / math.log2(8) * (1.0 - 0.0)
    assert metrics.psnr_b(reference, image) == pytest.approx(10 * math.log10(255**2 / (0.5 + penalty)))


def test_psnr_b_without_excess_at_edges_is_y_psnr():
    rng = np.random.default_rng(1)
    reference = rng.integers(0, 256, (64, 64), dtype=np.uint8)
    image = reference.copy()
    image[:, 3] = 255 - image[:, 3]  # away from the block edges, whose steps stay below the others' mean
    assert metrics.psnr_b(reference, image) == metrics.y_psnr(reference, image)
    smooth = np.tile(np.arange(64, dtype=np.uint8), (64, 1))  # the same step everywhere
    assert metrics.psnr_b(smooth, smooth + 1) == metrics.y_psnr(smooth, smooth + 1)


def test_psnr_b_falls_below_y_psnr_for_a_blocky_jpeg(pairs):
    reference, image = pairs[0]
    assert metrics.psnr_b(reference, image) < metrics.y_psnr(reference, image) - 0.5


def test_equal_pictures_are_perfect(pairs):
    scores = metrics.score(pairs[0][0], pairs[0][0])
    assert (scores.rgb_psnr, scores.y_psnr, scores.max_error) == (math.inf, math.inf, 0)
    assert scores.ssim == pytest.approx(1, abs=1e-6)
    assert scores.ms_ssim == pytest.approx(1, abs=1e-6)


def test_score_equals_the_single_metrics(pairs):
    reference, image = pairs[2]
    scores = metrics.score(reference, image, perceptual=False)
    assert scores.ssim == metrics.ssim(reference, image)
    assert scores.ms_ssim == metrics.ms_ssim(reference, image)
    assert scores.psnr_b == metrics.psnr_b(reference, image)
    assert math.isnan(scores.ssimulacra2)


def test_small_pictures_have_no_ms_ssim_and_tiny_ones_no_ssim():
    small = np.zeros((175, 300, 3), np.uint8)
    assert math.isnan(metrics.score(small, small, perceptual=False).ms_ssim)
    with pytest.raises(ValueError, match="too small"):
        metrics.ms_ssim(small, small)
    tiny = np.zeros((10, 10), np.uint8)
    assert math.isnan(metrics.score(tiny, tiny, perceptual=False).ssim)


def test_pictures_of_other_shape_are_refused():
    with pytest.raises(ValueError, match="shape"):
        metrics.psnr(np.zeros((4, 4), np.uint8), np.zeros((4, 5), np.uint8))


def test_max_error_does_not_wrap_around():
    assert metrics.max_error(np.array([[3]], np.uint8), np.array([[250]], np.uint8)) == 247
