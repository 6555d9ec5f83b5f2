"""Codecs that are trivially right or wrong; given to the benchmark as a user gives an own codec."""

import io
import time
from dataclasses import dataclass

import numpy as np

from carcodec.bench import Codec, Contents


@dataclass(frozen=True)
class Raw(Codec):
    """The samples themselves; `steps` coarser with a lower setting."""

    lossless: bool = True
    bias: int = 0

    def encode(self, image, setting):
        file = io.BytesIO()
        np.save(file, image)
        return file.getvalue()

    def decode(self, data):
        return np.load(io.BytesIO(data)) + np.uint8(self.bias)

    def contents(self, data):
        return Contents(jpeg_bytes=len(data) - 10, side_bytes=7, models=("one", "two"))

    def versions(self):
        return "raw 1"


class Coarse(Codec):
    """Drops low bits: setting 1..8 is the number of bits kept."""

    default_settings = (2, 4, 6, 8)
    jpeg_quality = True

    def encode(self, image, setting):
        file = io.BytesIO()
        np.save(file, image >> (8 - int(setting)) << (8 - int(setting)))
        return file.getvalue()

    def decode(self, data):
        return np.load(io.BytesIO(data))


class Unset(Coarse):
    """Has no settings."""

    default_settings = ()


class Empty(Coarse):
    """Writes nothing, and knows the picture all the same."""

    def encode(self, image, setting):
        self.image = image
        return b""

    def decode(self, data):
        return self.image


class Failing(Coarse):
    """Fails at setting 4."""

    def encode(self, image, setting):
        if setting == 4:
            raise RuntimeError("out of luck")
        return super().encode(image, setting)


class Cropping(Coarse):
    """Gives back too little."""

    def decode(self, data):
        return super().decode(data)[1:]


class Slow(Coarse):
    """Takes its time, so that a test can interrupt it."""

    def encode(self, image, setting):
        time.sleep(0.1)
        return super().encode(image, setting)
