"""Mode `blind`: a packed JPEG, and a restoration that needs no side information."""

from __future__ import annotations

from carcodec.container.file import Container, to_chunk
from carcodec.container.payloads import RestorePayload
from carcodec.ids import Mode
from carcodec.modes.base import (
    Base,
    Options,
    best_strength,
    blend,
    packed,
    read_base,
    restorer_of,
    strength_of,
    usual_strength,
)
from carcodec.ports import Image, Networks


class BlindMode:
    """Encode: JPEG, restoration strength. Decode: JPEG, restored."""

    number = Mode.BLIND

    def encode(self, jpeg: bytes, image: Image | None, networks: Networks, options: Options) -> Container:
        base = read_base(jpeg)
        header, packed_jpeg = packed(base, self.number)
        restorer = networks.restorer()
        if image is None:
            strength = usual_strength(base.header)
        else:
            strength = best_strength(image, base.pixels, restorer.restore(base.pixels, base.condition))
        if strength == 0:
            return Container(header, (to_chunk(packed_jpeg),))
        restoration = RestorePayload(restorer.reference, strength)
        return Container(header, (to_chunk(packed_jpeg), to_chunk(restoration)))

    def decode(self, container: Container, base: Base, networks: Networks, strength: float | None) -> Image:
        share = strength_of(container, strength)
        if share == 0:
            return base.pixels
        restored = restorer_of(container, networks).restore(base.pixels, base.condition)
        return blend(base.pixels, restored, share)
