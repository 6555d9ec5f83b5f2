"""Small honest networks of mode `layered`: box means down, bilinear up, and DEFLATE for samples."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field

import numpy as np

from carcodec.container.payloads import ModelRef
from carcodec.errors import DamagedError, ModelMissing
from carcodec.pixels.upsample import upsampled
from carcodec.ports import Image, Labels
from tests.stubs.networks import OracleRestorer, UniformCoder

CLASSES = ("dark", "bright")
COLOURS = ((10, 20, 30), (240, 230, 220))


@dataclass
class BoxNetworks:
    """The base is a smoothed up-sampling, segments are what is dark and what is bright."""

    fine_reference: ModelRef = field(default_factory=lambda: ModelRef(11, b"fine-1"))
    segmenter_reference: ModelRef = field(default_factory=lambda: ModelRef(12, b"segm-1"))
    classes: tuple[str, ...] = CLASSES
    colours: tuple[tuple[int, int, int], ...] = COLOURS

    def compact(self, image: Image, scale: int) -> Image:
        height, width = image.shape[:2]
        rest = [(0, 0)] * (image.ndim - 2)
        padded = np.pad(image, [(0, -height % scale), (0, -width % scale), *rest], "edge")
        boxes = padded.reshape(padded.shape[0] // scale, scale, padded.shape[1] // scale, scale, *image.shape[2:])
        return np.rint(boxes.mean(axis=(1, 3))).astype(np.uint8)

    def base(self, compact: Image, scale: int, height: int, width: int) -> Image:
        up = upsampled(compact, scale, height, width).astype(np.uint16)
        return ((up + np.roll(up, 1, axis=0) + np.roll(up, 1, axis=1) + 1) // 3).astype(np.uint8)

    def segments(self, compact: Image, scale: int, height: int, width: int) -> Labels:
        up = upsampled(compact, scale, height, width)
        return ((up if up.ndim == 2 else up.mean(axis=2)) >= 128).astype(np.uint8)


@dataclass
class DeflateCoder:
    """Differences from the base, in levels, deflated."""

    reference: ModelRef = field(default_factory=lambda: ModelRef(13, b"sample"))

    def encode(self, levels: Image, base: Image | None, step: int) -> bytes:
        return zlib.compress((levels - self._expected(levels.shape, base, step)).tobytes(), 9)

    def decode(self, data: bytes, shape: tuple[int, ...], base: Image | None, step: int) -> Image:
        n_samples = int(np.prod(shape))
        try:
            differences = zlib.decompressobj().decompress(data, n_samples)
        except zlib.error as error:
            raise DamagedError(str(error)) from error
        if len(differences) != n_samples:
            raise DamagedError("the samples are incomplete")
        return np.frombuffer(differences, np.uint8).reshape(shape) + self._expected(shape, base, step)

    @staticmethod
    def _expected(shape: tuple[int, ...], base: Image | None, step: int) -> Image:
        if base is None:
            return np.zeros(shape, np.uint8)
        assert base.shape == shape
        return ((base.astype(np.uint16) + step // 2) // step).astype(np.uint8)


@dataclass
class BoxedNetworks:
    """Exactly these models are installed; counts how often each is asked for."""

    box: BoxNetworks = field(default_factory=BoxNetworks)
    coder: DeflateCoder = field(default_factory=DeflateCoder)
    asked: list[str] = field(default_factory=list)

    def restorer(self, reference: ModelRef | None = None) -> OracleRestorer:
        raise ModelMissing("no restorer is installed")

    def context_coder(self, reference: ModelRef | None = None) -> UniformCoder:
        raise ModelMissing("no context model is installed")

    def layered(self, fine: ModelRef | None = None, segmenter: ModelRef | None = None) -> BoxNetworks:
        self.asked.append("layered")
        if fine not in (None, self.box.fine_reference) or segmenter not in (None, self.box.segmenter_reference):
            raise ModelMissing(f"model {fine} or {segmenter} is not installed")
        return self.box

    def sample_coder(self, reference: ModelRef | None = None) -> DeflateCoder:
        self.asked.append("sample_coder")
        if reference not in (None, self.coder.reference):
            raise ModelMissing(f"model {reference} is not installed")
        return self.coder
