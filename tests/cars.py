"""Small `.car` files that need no network to make or to decode."""

from __future__ import annotations

import io
import zlib

import numpy as np
from PIL import Image

from carcodec.container.file import Container, Header, serialise, to_chunk
from carcodec.container.payloads import BasePayload, CompactPayload, JpegPayload, ModelRef, PicturePayload
from carcodec.ids import Colour, Mode, Packing
from carcodec.jpeg.packing import pack
from carcodec.pixels.webp import encode_webp


def small_jpeg(width: int = 48, height: int = 32) -> bytes:
    """A JPEG with a little texture in all channels."""
    ramp = Image.linear_gradient("L").resize((width, height))
    picture = Image.merge("RGB", (ramp, ramp.rotate(90).resize((width, height)), ramp.rotate(180)))
    target = io.BytesIO()
    picture.save(target, "JPEG", quality=40)
    return target.getvalue()


def lepton_car(width: int = 48, height: int = 32) -> bytes:
    """The same with the JPEG packed by Lepton."""
    packing, data = pack(small_jpeg(width, height))
    assert packing == Packing.LEPTON
    return serialise(Container(Header(Mode.BLIND, width, height, Colour.RGB), (to_chunk(JpegPayload(packing, data)),)))


def plain_car(jpeg: bytes | None = None, width: int = 48, height: int = 32, colour: Colour = Colour.RGB) -> bytes:
    """A file of mode `blind` whose JPEG is stored as it is and not restored."""
    payload = JpegPayload(Packing.STORED, small_jpeg(width, height) if jpeg is None else jpeg)
    return serialise(Container(Header(Mode.BLIND, width, height, colour), (to_chunk(payload),)))


def layered_car(width: int = 48, height: int = 32) -> bytes:
    """A file of mode `layered` whose compact picture is there, and whose networks are not installed."""
    compact = np.arange(height // 8 * (width // 8) * 3, dtype=np.uint8).reshape(height // 8, width // 8, 3)
    absent = ModelRef(60_000, b"absent")
    payloads = (CompactPayload(8, None, encode_webp(compact)), BasePayload(absent, absent))
    return serialise(Container(Header(Mode.LAYERED, width, height, Colour.RGB), tuple(map(to_chunk, payloads))))


def picture_car(width: int = 48, height: int = 32, step: int = 1) -> bytes:
    """A file of mode `layered` without layers."""
    pixels = np.arange(height * width, dtype=np.uint16).reshape(height, width).astype(np.uint8)
    payload = PicturePayload(step, zlib.crc32(pixels.tobytes()), encode_webp(pixels))
    return serialise(Container(Header(Mode.LAYERED, width, height, Colour.GRAY), (to_chunk(payload),)))
