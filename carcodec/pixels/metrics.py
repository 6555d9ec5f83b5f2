"""How far a picture is from its reference: PSNR in three forms, SSIM, MS-SSIM, SSIMULACRA2.

Pictures are uint8[H,W,3] (RGB) or uint8[H,W] (gray) of equal shape. Conventions, because published
numbers differ by them:

* RGB PSNR takes the mean squared error over all samples of all channels.
* Luma is Y of JFIF (BT.601 weights, full range 0..255), not rounded.
* PSNR-B looks at luma, with blocks of 8x8 pixels.
* SSIM and MS-SSIM are computed on each RGB channel and averaged.

Only numpy is needed; SSIMULACRA2 comes from the package of that name and is left out without it.
Not here: means over sets of pictures (carcodec.report) and plots.

>>> import numpy as np
>>> round(psnr(np.zeros((2, 2), np.uint8), np.full((2, 2), 255, np.uint8)), 3)
0.0
"""

from __future__ import annotations

import importlib.util
import io
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage

from carcodec.pixels import Image

Plane = npt.NDArray[np.float32]

PEAK = 255.0
LUMA_WEIGHTS = (0.299, 0.587, 0.114)  # ITU-T T.871 (JFIF), section 7
BLOCK_PX = 8  # of the JPEG grid that PSNR-B watches
WINDOW_SIGMA = 1.5  # Wang et al. 2004: 11x11 Gaussian window
WINDOW_RADIUS = 5
C1 = (0.01 * PEAK) ** 2
C2 = (0.03 * PEAK) ** 2
SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # Wang et al. 2003, table of MS-SSIM
WINDOW_PX = 2 * WINDOW_RADIUS + 1
MIN_SIDE_MS_SSIM_PX = WINDOW_PX * 2 ** (len(SCALE_WEIGHTS) - 1)


@dataclass(frozen=True)
class Scores:
    """Every metric of one picture against its reference; nan where one does not apply.

    Attributes:
        rgb_psnr, y_psnr, psnr_b: dB, infinite for equal pictures.
        ssim, ms_ssim: up to 1; they need a shorter side of 11 and of 176 pixels.
        ssimulacra2: up to 100; needs the package `ssimulacra2`.
        max_error: greatest difference of two samples, 0..255.
    """

    rgb_psnr: float
    y_psnr: float
    psnr_b: float
    ssim: float
    ms_ssim: float
    ssimulacra2: float
    max_error: int


def score(reference: Image, image: Image, perceptual: bool = True) -> Scores:
    """All metrics at once; `perceptual=False` leaves out SSIMULACRA2, the slowest.

    Raises:
        ValueError: the pictures differ in shape.
    """
    _check(reference, image)
    shorter_px = min(reference.shape[:2])
    large = shorter_px >= MIN_SIDE_MS_SSIM_PX
    fits = shorter_px >= WINDOW_PX
    scales = _similarities(reference, image, len(SCALE_WEIGHTS) if large else 1) if fits else []
    return Scores(
        rgb_psnr=psnr(reference, image),
        y_psnr=y_psnr(reference, image),
        psnr_b=psnr_b(reference, image),
        ssim=_mean_ssim(scales) if fits else math.nan,
        ms_ssim=_combine(scales) if large else math.nan,
        ssimulacra2=ssimulacra2(reference, image) if perceptual else math.nan,
        max_error=max_error(reference, image),
    )


def psnr(reference: Image, image: Image) -> float:
    """Peak signal-to-noise ratio in dB over all samples; infinite for equal pictures."""
    _check(reference, image)
    difference = reference.astype(np.int32) - image
    return _decibel(float(np.mean(np.square(difference))))


def y_psnr(reference: Image, image: Image) -> float:
    """PSNR of luma in dB."""
    _check(reference, image)
    return _decibel(float(np.mean(np.square(luma(reference) - luma(image)))))


def psnr_b(reference: Image, image: Image) -> float:
    """PSNR of luma in dB with a penalty for steps at 8x8 block edges that exceed those elsewhere.

    Source: Yim and Bovik, "Quality assessment of deblocked images", IEEE TIP 20(1), 2011, equations
    for BEF and PSNR-B. The penalty looks at `image` alone.
    """
    _check(reference, image)
    luma_image = luma(image)
    error = float(np.mean(np.square(luma(reference) - luma_image)))
    return _decibel(error + _blocking_effect(luma_image))


def ssim(reference: Image, image: Image) -> float:
    """Structural similarity, Gaussian window 11x11 (sigma 1.5), mean over channels and positions.

    Equals scikit-image with gaussian_weights=True, sigma=1.5, use_sample_covariance=False.
    Source: Wang et al. 2004.

    Raises:
        ValueError: shapes differ, or a side is shorter than the window's 11 pixels.
    """
    _check(reference, image)
    return _mean_ssim(_similarities(reference, image, 1))


def ms_ssim(reference: Image, image: Image) -> float:
    """Multi-scale SSIM over five scales, mean over channels; halves by 2x2 means, odd edges dropped.

    Source: Wang et al. 2003. Equals pytorch-msssim where no scale has an odd side; packages differ
    in the fourth decimal elsewhere.

    Raises:
        ValueError: shapes differ, or a side is shorter than 176 pixels.
    """
    _check(reference, image)
    return _combine(_similarities(reference, image, len(SCALE_WEIGHTS)))


def ssimulacra2(reference: Image, image: Image) -> float:
    """SSIMULACRA2 by the package of that name; nan where it is not installed."""
    _check(reference, image)
    if importlib.util.find_spec("ssimulacra2") is None:
        return math.nan
    from ssimulacra2 import compute_ssimulacra2

    return float(compute_ssimulacra2(_as_file(reference), _as_file(image)))


def max_error(reference: Image, image: Image) -> int:
    """Greatest absolute difference of two samples, 0..255."""
    _check(reference, image)
    return int(np.max(np.abs(reference.astype(np.int32) - image)))


def luma(image: Image) -> npt.NDArray[np.float64]:
    """float64[H,W], 0..255: Y of JFIF, not rounded; a gray picture is its own luma."""
    if image.ndim == 2:
        return image.astype(np.float64)
    red, green, blue = np.moveaxis(image.astype(np.float64), -1, 0)
    y: npt.NDArray[np.float64] = LUMA_WEIGHTS[0] * red + LUMA_WEIGHTS[1] * green + LUMA_WEIGHTS[2] * blue
    return y


def _check(reference: Image, image: Image) -> None:
    if reference.shape != image.shape:
        raise ValueError(f"pictures differ in shape: {reference.shape} and {image.shape}")


def _decibel(mean_squared_error: float) -> float:
    if mean_squared_error == 0:
        return math.inf
    return 10 * math.log10(PEAK**2 / mean_squared_error)


def _blocking_effect(plane: npt.NDArray[np.float64]) -> float:
    """BEF of Yim and Bovik: mean squared step at block edges beyond that of all other neighbours."""
    edge_sum = other_sum = 0.0
    edge_count = other_count = 0
    for axis in (0, 1):
        steps = np.square(np.diff(plane, axis=axis))
        at_edge = np.arange(steps.shape[axis]) % BLOCK_PX == BLOCK_PX - 1
        edge = np.compress(at_edge, steps, axis=axis)
        edge_sum += float(edge.sum())
        edge_count += edge.size
        other_sum += float(steps.sum()) - float(edge.sum())
        other_count += steps.size - edge.size
    if edge_count == 0 or min(plane.shape) == 1 or edge_sum / edge_count <= other_sum / other_count:
        return 0.0
    weight = math.log2(BLOCK_PX) / math.log2(min(plane.shape))
    return weight * (edge_sum / edge_count - other_sum / other_count)


@dataclass(frozen=True)
class _Similarity:
    """Means over one channel at one scale: SSIM, and its contrast-structure part."""

    ssim: float
    contrast: float


def _similarities(reference: Image, image: Image, n_scales: int) -> list[list[_Similarity]]:
    """For each channel, the similarity at scale 0 (full size), 1 (half) ..."""
    if min(reference.shape[:2]) < WINDOW_PX * 2 ** (n_scales - 1):
        raise ValueError(f"picture of {reference.shape[:2]} is too small for {n_scales} scales of SSIM")
    channels = []
    for x, y in zip(_planes(reference), _planes(image), strict=True):
        scales = [_similarity(x, y)]
        for _ in range(1, n_scales):
            x, y = _halve(x), _halve(y)
            scales.append(_similarity(x, y))
        channels.append(scales)
    return channels


def _planes(image: Image) -> list[Plane]:
    channels = image[None] if image.ndim == 2 else np.moveaxis(image, -1, 0)
    return [np.ascontiguousarray(channel, dtype=np.float32) for channel in channels]


def _similarity(x: Plane, y: Plane) -> _Similarity:
    # Products about mid-gray keep float32 exact enough: variances do not change with the offset.
    u, v = x - np.float32(128), y - np.float32(128)
    mean_u, mean_v = _blur(u), _blur(v)
    variance_x = _blur(u * u) - mean_u * mean_u
    variance_y = _blur(v * v) - mean_v * mean_v
    covariance = _blur(u * v) - mean_u * mean_v
    mean_x, mean_y = mean_u + np.float32(128), mean_v + np.float32(128)
    contrast = (2 * covariance + C2) / (variance_x + variance_y + C2)
    similarity = contrast * (2 * mean_x * mean_y + C1) / (mean_x * mean_x + mean_y * mean_y + C1)
    return _Similarity(float(similarity.mean(dtype=np.float64)), float(contrast.mean(dtype=np.float64)))


def _window() -> npt.NDArray[np.float32]:
    offsets = np.arange(-WINDOW_RADIUS, WINDOW_RADIUS + 1)
    weights: npt.NDArray[np.float64] = np.exp(-(offsets**2) / (2 * WINDOW_SIGMA**2))
    return np.asarray(weights / weights.sum(), dtype=np.float32)


def _blur(plane: Plane) -> Plane:
    """Gaussian window over both axes, only where it fits: float32[H-10,W-10]."""
    return _blur_rows(_blur_rows(plane).T).T


def _blur_rows(plane: Plane) -> Plane:
    weights = _window()
    n_rows = plane.shape[0] - 2 * WINDOW_RADIUS
    result: Plane = weights[WINDOW_RADIUS] * plane[WINDOW_RADIUS : WINDOW_RADIUS + n_rows]
    for tap in range(WINDOW_RADIUS):
        mirrored = 2 * WINDOW_RADIUS - tap
        result += weights[tap] * (plane[tap : tap + n_rows] + plane[mirrored : mirrored + n_rows])
    return result


def _halve(plane: Plane) -> Plane:
    height, width = plane.shape[0] // 2 * 2, plane.shape[1] // 2 * 2
    even = plane[:height, :width]
    total: Plane = even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]
    return total * np.float32(0.25)


def _mean_ssim(channels: list[list[_Similarity]]) -> float:
    return sum(scales[0].ssim for scales in channels) / len(channels)


def _combine(channels: list[list[_Similarity]]) -> float:
    """Contrast of all scales but the last, SSIM of the last, each to its weight."""
    total = 0.0
    for scales in channels:
        factors = [scale.contrast for scale in scales[:-1]] + [scales[-1].ssim]
        total += math.prod(max(f, 0.0) ** w for f, w in zip(factors, SCALE_WEIGHTS, strict=True))
    return total / len(channels)


def _as_file(image: Image) -> io.BytesIO:
    """The picture as an uncompressed PNG in memory: the package reads files only."""
    file = io.BytesIO()
    PillowImage.fromarray(image).save(file, "PNG", compress_level=0)
    file.seek(0)
    return file
