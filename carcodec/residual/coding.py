"""A picture's levels <-> bytes, exactly, along lines of samples that can be decoded together.

A sample needs the neighbours in `NEIGHBOURS`, none of which has a larger x + 2y: so all samples with one value of
x + 2y are decoded at once, in arrays, W + 2(H - 1) times.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from carcodec.entropy.ranges import RangeReader, RangeWriter
from carcodec.errors import DamagedError, LimitError
from carcodec.residual.logistic import SHARE
from carcodec.residual.model import AROUND, NEIGHBOURS, PLANES, RECENT, Contexts, Errors, Ints, SampleModel

Image = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int16]

T = TypeVar("T")
R = TypeVar("R")

SLOPE = 2  # columns that a line of samples gains with each row above
REACH = 3  # rows above and columns on either side that neighbours lie in
CODING_ORDER = (1, 0, 2)  # green first, since red and blue follow it most
OUTSIDE = 128
LARGEST_SYMBOLS_BYTES = 6  # of a sample: two symbols of at most 24 bits
SPARE_BYTES = 8
LARGEST_PICTURE_PX = 1 << 26  # 50 bytes are kept for each: a file of a few bytes must not ask for more
_BLOCK = 2048  # samples worked on at once: a few MB for each array


def encode_samples(levels: Image, base: Image | None, model: SampleModel, step: int = 1, threads: int = 1) -> bytes:
    """The bytes of a picture; the same for any number of threads.

    Args:
        levels: uint8[H,W,3] or [H,W], coded levels: 0..255 for step 1, else 0..round(255 / step).
        base: uint8 of the same shape, what is expected; None where nothing is.
        model: the model that the decoder will have.
        step: levels of the full range that a coded level stands for, 1..127.
    """
    canvas = Canvas(levels.shape, base, step, model)
    canvas.fill(levels)
    planes = [plane.ravel() for plane in _planes(levels)]
    writer = RangeWriter()
    for symbols, frequencies in ahead(lambda lines: _symbols(canvas, model, planes, lines), _blocks(canvas), threads):
        writer.write(symbols, frequencies)
    return writer.finish()


def decode_samples(data: bytes, shape: tuple[int, ...], base: Image | None, model: SampleModel, step: int = 1) -> Image:
    """The levels that `encode_samples` made bytes of; arguments as there.

    Raises:
        DamagedError: no encoder wrote these bytes.
    """
    if len(data) > LARGEST_SYMBOLS_BYTES * math.prod(shape) + SPARE_BYTES:
        raise DamagedError("more bytes than samples could take")
    canvas = Canvas(shape, base, step, model)
    reader = RangeReader(data)
    found = np.zeros((canvas.n_planes, shape[0] * shape[1]), np.uint8)
    for sites in canvas.lines():
        shared = model.shared(canvas.contexts(sites))
        reference = shared.contexts.reference
        known = np.zeros((len(sites), PLANES), np.int64)
        for plane in range(canvas.n_planes):
            mixtures = model.mixtures(plane, shared, known)
            coarse = reader.read(mixtures.coarse())
            level = coarse * SHARE + reader.read(mixtures.fine(coarse))
            found[plane, sites] = level
            known[:, plane] = canvas.values(level) - reference[:, plane]
        known[:, canvas.n_planes :] = known[:, :1]  # gray: three equal planes
        canvas.put(sites, known + reference, model.errors_of(shared, known))
    reader.finish()
    return _image(found, shape)


def check_size(height: int, width: int) -> None:
    """Pass if a picture of this size can be coded sample by sample.

    Raises:
        LimitError: it has more than `LARGEST_PICTURE_PX` pixels.
    """
    if height * width > LARGEST_PICTURE_PX:
        raise LimitError(f"pictures coded sample by sample have at most {LARGEST_PICTURE_PX:,} pixels")


class Canvas:
    """Decoded planes inside a border, and the base inside another.

    Args:
        shape: of the picture.
        base, step: as `encode_samples`.
        model: whose predictors' errors are kept.

    The border: 128 above the picture; left of a row, the first sample of the row above; right of it, its own last.
    Errors are 0 there.
    """

    def __init__(self, shape: tuple[int, ...], base: Image | None, step: int, model: SampleModel) -> None:
        self.height, self.width = shape[:2]
        check_size(self.height, self.width)
        self.n_planes = PLANES if len(shape) == 3 else 1
        self.step = step
        stride = self.width + 2 * REACH
        self._stride = stride
        # A row more: the border of the row below the last follows, too.
        n_places = (self.height + REACH + 1) * stride
        self._decoded = np.full((PLANES, n_places), OUTSIDE, np.int16)
        self._errors = np.zeros((n_places, model.n_predictors), np.uint16)
        self._base = None if base is None else _bordered(_planes(base))
        self._model = model
        self._near = np.array([dy * stride + dx for dy, dx in NEIGHBOURS])[:, None]
        self._recent = [(dy * stride + dx, weight) for (dy, dx), weight in RECENT.items()]
        self._around = np.array([dy * (self.width + 2) + dx for dy, dx in AROUND])[:, None]

    def lines(self) -> Iterator[Ints]:
        """Raster numbers of the samples that are decoded together, in the order of decoding."""
        for line in range(self.width + SLOPE * (self.height - 1)):
            rows = np.arange(max(0, -(-(line - self.width + 1) // SLOPE)), min(self.height - 1, line // SLOPE) + 1)
            if len(rows):  # one column alone leaves every second line empty
                yield rows * self.width + (line - SLOPE * rows)

    def fill(self, levels: Image) -> None:
        """All levels at once, as if decoded."""
        values = np.stack([self.values(plane.ravel().astype(np.int64)).astype(np.int16) for plane in _planes(levels)])
        values = np.broadcast_to(values, (PLANES, values.shape[1])).T
        for start in range(0, len(values), _BLOCK):
            sites = np.arange(start, min(len(values), start + _BLOCK))
            self._put_values(sites, values[sites])
        for start in range(0, len(values), _BLOCK):
            sites = np.arange(start, min(len(values), start + _BLOCK))
            relative, reference = self._relative(sites)
            self._errors[self._places(sites)] = self._model.errors(relative, values[sites] - reference)

    def put(self, sites: Ints, values: Ints, errors: Errors) -> None:
        """What was decoded: values int64[m, 3] of 0..255 at raster numbers int64[m], and the predictors' errors."""
        self._put_values(sites, values)
        self._errors[self._places(sites)] = errors

    def _put_values(self, sites: Ints, values: Ints | Places) -> None:
        places = self._places(sites)
        self._decoded[:, places] = values.T
        columns = sites % self.width
        for edge, beyond in ((0, self._stride - REACH), (self.width - 1, 1)):
            (side,) = np.nonzero(columns == edge)
            if len(side):
                beside = (places[side] + beyond)[:, None] + np.arange(REACH)
                self._decoded[:, beside] = values[side].T[:, :, None]

    def _places(self, sites: Ints) -> Ints:
        """Raster numbers -> places inside the border."""
        return sites + (sites // self.width) * (2 * REACH) + REACH * (self._stride + 1)

    def values(self, levels: Ints) -> Ints:
        """Levels of the full range that coded levels stand for."""
        return np.minimum(levels * self.step, 255)

    def contexts(self, sites: Ints) -> Contexts:
        """What is known of the samples at raster numbers int64[m] before they are decoded."""
        relative, reference = self._relative(sites)
        places = self._places(sites)
        errors = np.zeros((len(sites), self._model.n_predictors), np.int64)
        for offset, weight in self._recent:
            errors += self._errors[places + offset] * np.int64(weight)
        return Contexts(relative, reference, errors, self._base is not None, self.step)

    def _relative(self, sites: Ints) -> tuple[Ints, Ints]:
        """Neighbours and base less the reference, int64[m, N_RELATIVE], and the reference, int64[m, 3]."""
        near = self._decoded[:, self._places(sites) + self._near]
        reference = (near[:, 0] + near[:, 1] + 1) >> 1
        found = np.zeros((len(sites), len(NEIGHBOURS) + len(AROUND), PLANES), np.int64)
        found[:, : len(NEIGHBOURS)] = (near - reference[:, None]).transpose(2, 1, 0)
        if self._base is not None:
            places = sites + 2 * (sites // self.width) + self.width + 3
            around = self._base[:, places + self._around]
            found[:, len(NEIGHBOURS) :] = (around - reference[:, None]).transpose(2, 1, 0)
        return found.reshape(len(sites), -1), reference.T.astype(np.int64)


def _symbols(canvas: Canvas, model: SampleModel, planes: list[Places], lines: list[Ints]) -> tuple[Ints, Ints]:
    """Symbols and frequencies of whole lines, in the order in which they are read: line, plane, coarse before fine."""
    sites = np.concatenate(lines)
    shared = model.shared(canvas.contexts(sites))
    reference = shared.contexts.reference
    known = np.zeros((len(sites), PLANES), np.int64)
    symbols, tables = [], []
    for plane in range(canvas.n_planes):
        levels = planes[plane][sites].astype(np.int64)
        mixtures = model.mixtures(plane, shared, known)
        coarse = levels // SHARE
        symbols += [coarse, levels % SHARE]
        tables += [mixtures.coarse(), mixtures.fine(coarse)]
        known[:, plane] = canvas.values(levels) - reference[:, plane]
    # Sorted by line; what is already in order within a line stays so.
    of_line = np.repeat(np.arange(len(lines)), [len(line) for line in lines])
    order = np.argsort(np.tile(of_line, len(symbols)), kind="stable")
    return np.concatenate(symbols)[order], np.concatenate(tables)[order]


def _blocks(canvas: Canvas) -> Iterator[list[Ints]]:
    """Whole lines, some thousand samples at a time."""
    block: list[Ints] = []
    n_samples = 0
    for line in canvas.lines():
        block.append(line)
        n_samples += len(line)
        if n_samples >= _BLOCK:
            yield block
            block, n_samples = [], 0
    if block:
        yield block


def ahead(work: Callable[[T], R], items: Iterable[T], threads: int) -> Iterator[R]:
    """Results in order, some computed ahead; numpy lets threads run side by side in its loops."""
    waiting: deque[Future[R]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _planes(image: Image) -> list[Places]:
    """int16[H,W] each, in the order of coding; one for a gray picture."""
    if image.ndim == 2:
        return [image.astype(np.int16)]
    return [image[..., channel].astype(np.int16) for channel in CODING_ORDER]


def _bordered(planes: list[Places]) -> Places:
    """int16[3, (H+2) * (W+2)], edges repeated; a gray plane three times."""
    padded = np.stack([np.pad(plane, 1, "edge").ravel() for plane in planes])
    return np.broadcast_to(padded, (PLANES, padded.shape[1]))


def _image(found: Image, shape: tuple[int, ...]) -> Image:
    planes = found.reshape(-1, *shape[:2])
    return planes[0] if len(shape) == 2 else np.stack([planes[CODING_ORDER.index(c)] for c in range(PLANES)], axis=-1)
