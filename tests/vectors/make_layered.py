"""Write the vectors of mode `layered` with the shipped models: `python -m tests.vectors.make_layered`.

Each case is a folder in `layered/`: `coded.car`, `pixels.png` (what it decodes to), `base.png` (what its networks
predict), `compact.png` and `case.toml`. A case that exists is left alone; a released one is never made again.
"""

from __future__ import annotations

import io
import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import carcodec
from carcodec.api import segment
from carcodec.container.file import Container, Header, parse, serialise, to_chunk
from carcodec.container.payloads import BasePayload, CompactPayload, Payload, TransformPayload
from carcodec.ids import Colour, Mode
from carcodec.pixels.av1 import encode_av1
from carcodec.pixels.io import save_picture
from carcodec.pixels.webp import encode_webp
from carcodec.runtime import networks
from tests.vectors.make_car import CARD, CODED, PIXELS, crop, toml, write_new

FOLDER = Path(__file__).parent / "layered"
BASE, COMPACT = "base.png", "compact.png"
LAYERS = {COMPACT: "compact", BASE: "base", PIXELS: "full"}

# Of lossy pixels, in levels: AV1 gives the same everywhere, its conversion to RGB may be rounded otherwise.
PEAK, RMSE = 2, 0.4


@dataclass(frozen=True)
class Layers:
    """Layers that an encoder might not choose for so small a picture.

    Attributes:
        scale: of the compact picture.
        quality: of the residual; None leaves it out.
        by_samples: whether the compact picture is coded by the model of samples.
    """

    scale: int
    quality: int | None = None
    by_samples: bool = False


@dataclass(frozen=True)
class Case:
    """What one vector is for.

    Attributes:
        about: the promise that it tests.
        source: picture to encode.
        needs: chunks that the file must have, or it would not test what it says.
        options: of `carcodec.encode`; or layers that are put together here.
    """

    about: str
    source: Callable[[], Image.Image]
    needs: tuple[str, ...]
    options: dict[str, Any] | Layers


def wide_picture() -> Image.Image:
    """Wider than a window of the networks."""
    return Image.fromarray(
        np.hstack([np.array(crop("coffee", 0, 150, 600, 24)), np.array(crop("astronaut", 0, 100, 480, 24))])
    )


def graphic() -> Image.Image:
    """Blocks of few colours."""
    colours = np.random.default_rng(1).integers(0, 4, (6, 9)).astype(np.uint8) * 85
    return Image.fromarray(np.kron(colours, np.ones((8, 8), np.uint8))).convert("RGB")


SAMPLED = ("COMPACT", "BASE", "SAMPLES")
CASES = {
    "lossless": Case("identical", lambda: crop("coffee", 90, 60, 96, 64), SAMPLED, {"lossless": True}),
    "lossless_gray": Case(
        "identical, one channel", lambda: crop("camera", 200, 100, 72, 56), SAMPLED, {"lossless": True}
    ),
    "odd_size": Case(
        "identical, sides that are no multiples", lambda: crop("rocket", 120, 40, 53, 37), SAMPLED, {"lossless": True}
    ),
    "near_lossless": Case("off by 2 at most", lambda: crop("chelsea", 90, 60, 80, 64), SAMPLED, {"max_error": 2}),
    "coarse_steps": Case("off by 20 at most", lambda: crop("chelsea", 90, 60, 80, 64), ("COMPACT",), {"max_error": 20}),
    "lossy": Case(
        "base and residual", lambda: crop("astronaut", 80, 20, 128, 96), ("COMPACT", "TRANSFORM"), {"quality": 60}
    ),
    "lossy_gray": Case("one channel", lambda: crop("camera", 200, 100, 90, 70), ("COMPACT",), {"quality": 60}),
    "predicted": Case(
        "residual of a predicted base, scale 8",
        lambda: crop("astronaut", 80, 20, 112, 80),
        ("COMPACT", "BASE", "TRANSFORM"),
        Layers(8, quality=50),
    ),
    "base_alone": Case(
        "nothing but a base, scale 16, compact picture by the model of samples",
        lambda: crop("coffee", 90, 60, 150, 100),
        ("COMPACT", "BASE"),
        Layers(16, by_samples=True),
    ),
    "base_gray": Case(
        "a gray base, odd sides", lambda: crop("camera", 200, 100, 75, 51), ("COMPACT", "BASE"), Layers(8)
    ),
    "windows": Case("wider than the networks' window", wide_picture, ("COMPACT", "BASE"), Layers(8)),
    "graphic": Case("no layers", graphic, ("PICTURE",), {"lossless": True}),
}


def write_new_cases(folder: Path = FOLDER, names: tuple[str, ...] = tuple(CASES)) -> list[str]:
    """Write the cases that the folder lacks; names of those written."""
    return write_new(folder, names, lambda name: made(CASES[name]))


def made(case: Case) -> dict[str, bytes]:
    """The files of a case by name."""
    image = np.array(case.source())
    data = composed(image, case.options) if isinstance(case.options, Layers) else encoded(image, case.options)
    chunks = [chunk.name for chunk in parse(data).chunks]
    if not set(case.needs) <= set(chunks):
        raise SystemExit(f"{case.about}: the file has {', '.join(chunks)}: take another crop or option")
    exact = "TRANSFORM" not in chunks
    card = {
        "about": case.about,
        "made_by": f"carcodec {carcodec.__version__}",
        "chunks": chunks,
        "peak": 0 if exact else PEAK,
        "rmse": 0.0 if exact else RMSE,
    }
    if "BASE" in chunks:  # else it would be the newest segmenter that finds them
        card["segments_crc32"] = segments_crc32(data)
    return {CODED: data, CARD: toml(card).encode()} | {
        name: png(decoded(data, layer)) for name, layer in LAYERS.items()
    }


def encoded(image: np.ndarray, options: dict[str, Any]) -> bytes:
    return carcodec.encode(image, mode="layered", device="cpu", **options)


def composed(image: np.ndarray, wanted: Layers) -> bytes:
    """A file of just these layers."""
    installed = networks("cpu")
    layered, coder = installed.layered(), installed.sample_coder()
    compact = layered.compact(image, wanted.scale)
    coded = CompactPayload(wanted.scale, None, encode_webp(compact))
    if wanted.by_samples:
        coded = CompactPayload(wanted.scale, coder.reference, coder.encode(compact, None, 1))
    payloads: list[Payload] = [coded, BasePayload(layered.fine_reference, layered.segmenter_reference)]
    if wanted.quality is not None:
        base = layered.base(compact, wanted.scale, *image.shape[:2])
        residual = np.clip(image.astype(np.int16) - base + 128, 0, 255).astype(np.uint8)
        payloads.append(TransformPayload(encode_av1(residual, wanted.quality)))
    colour = Colour.GRAY if image.ndim == 2 else Colour.RGB
    header = Header(Mode.LAYERED, image.shape[1], image.shape[0], colour)
    return serialise(Container(header, tuple(map(to_chunk, payloads))))


def decoded(data: bytes, layer: str) -> np.ndarray:
    return np.array(carcodec.decode(data, layer=layer, device="cpu"))


def segments_crc32(data: bytes) -> int:
    """Of the classes' numbers in raster order."""
    return zlib.crc32(np.ascontiguousarray(segment(data, device="cpu").labels).tobytes())


def png(pixels: np.ndarray) -> bytes:
    target = io.BytesIO()
    save_picture(target, pixels)
    return target.getvalue()


if __name__ == "__main__":
    written = write_new_cases()
    kept = len(CASES) - len(written)
    print(f"written: {', '.join(written) or 'none'}; {kept} were there and are left alone", file=sys.stderr)
