"""Reads files that were made to do harm, in a process of its own with bounded memory.

python -m tests.property.hostile VALID.car SEED COUNT

Each file is the valid one with one layer edited and every checksum above it made right again, so that the edits
reach that layer. Prints the number of each file before it is read, and in the end what happened, as JSON.
"""

from __future__ import annotations

import json
import random
import resource
import sys
import time
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import carcodec
from carcodec.container.file import PREFIX, Container, parse, to_chunk
from carcodec.container.payloads import (
    BasePayload,
    CompactPayload,
    DescriptorPayload,
    JpegPayload,
    Payload,
    PicturePayload,
    SamplesPayload,
    TransformPayload,
)
from carcodec.errors import CarError
from carcodec.ids import SCALES, Mode, Packing
from tests.property.test_container import edited, resealed

MOST_ADDRESSES_BYTES = 4 << 30
LEPTON_FIXED_BYTES = 28  # before the zlib stream; its length is the last number in them
READERS: dict[str, Callable[[bytes], object]] = {
    "info": carcodec.info,
    "extract": carcodec.extract,
    "decode": lambda data: carcodec.decode(data, threads=1).getpixel((0, 0)),
    "verify": lambda data: carcodec.verify(data, threads=1),
    "salvage": lambda data: carcodec.decode(data, salvage=True, threads=1).getpixel((0, 0)),
}


def replaced(container: Container, payload: Payload) -> bytes:
    """The file with another payload of that kind; nothing is checked, unlike by `serialise`."""
    chunks = [to_chunk(payload) if chunk.kind == payload.KIND else chunk for chunk in container.chunks]
    return resealed(PREFIX + container.header.pack() + b"".join(chunk.pack() for chunk in chunks) + bytes(4))


def edited_file(data: bytes, rng: random.Random) -> bytes:
    return resealed(edited(data, rng))


def edited_lepton(data: bytes, rng: random.Random) -> bytes:
    container = parse(data)
    jpeg = container.find(JpegPayload)
    assert jpeg is not None
    return replaced(container, replace(jpeg, data=edited(jpeg.data, rng)))


def edited_lepton_header(data: bytes, rng: random.Random) -> bytes:
    """The marker segments and sections that Lepton keeps deflated, edited and deflated again."""
    container = parse(data)
    jpeg = container.find(JpegPayload)
    assert jpeg is not None
    fixed, rest = jpeg.data[: LEPTON_FIXED_BYTES - 4], jpeg.data[LEPTON_FIXED_BYTES:]
    inflater = zlib.decompressobj()
    header = inflater.decompress(rest)
    deflated = zlib.compress(edited(header, rng))
    stream = fixed + len(deflated).to_bytes(4, "little") + deflated + inflater.unused_data
    return replaced(container, replace(jpeg, data=stream))


def edited_jpeg(data: bytes, rng: random.Random) -> bytes:
    jpeg = edited(carcodec.extract(data), rng)
    return replaced(parse(data), JpegPayload(Packing.STORED, jpeg))


def edited_descriptor(data: bytes, rng: random.Random) -> bytes:
    container = parse(data)
    descriptor = container.find(DescriptorPayload)
    assert descriptor is not None
    check = rng.choice((descriptor.check, rng.randrange(2**16)))
    return replaced(container, replace(descriptor, check=check, data=edited(descriptor.data, rng)))


def edited_layer(data: bytes, rng: random.Random) -> bytes:
    """What the coder of some layer reads."""
    container = parse(data)
    kinds = (CompactPayload, TransformPayload, SamplesPayload, PicturePayload)
    payload = rng.choice([payload for kind in kinds if (payload := container.find(kind))])
    return replaced(container, replace(payload, data=edited(payload.data, rng)))


def edited_fields(data: bytes, rng: random.Random) -> bytes:
    """What is said of some layer: its scale, its networks, its step."""
    container = parse(data)
    changed: list[Payload] = []
    if compact := container.find(CompactPayload):
        changed.append(replace(compact, scale=rng.choice(SCALES)))
    if base := container.find(BasePayload):
        changed.append(replace(base, fine=base.segmenter))
        changed.append(replace(base, segmenter=replace(base.segmenter, digest6=rng.randbytes(6))))
    for kind in (SamplesPayload, PicturePayload):
        if layer := container.find(kind):
            changed += [replace(layer, step=rng.randrange(1, 128, 2)), replace(layer, check=rng.randrange(2**32))]
    return replaced(container, rng.choice(changed))


OF_JPEG = (edited_file, edited_lepton, edited_lepton_header, edited_jpeg, edited_descriptor)
LAYERS = {
    Mode.SIDE: OF_JPEG,
    Mode.BLIND: OF_JPEG[:-1],
    Mode.LAYERED: (edited_file, edited_layer, edited_layer, edited_fields),
}


def hostile(data: bytes, seed: int, number: int) -> bytes:
    """One of the files; it depends on nothing but these arguments."""
    edits = LAYERS[parse(data).header.mode]
    return edits[number % len(edits)](data, random.Random(f"{seed} {number}"))


def outcome(read: Callable[[bytes], object], data: bytes) -> str:
    """Class name of the error, "" for none; any error but ours passes through."""
    try:
        read(data)
    except CarError as error:
        return type(error).__name__
    return ""


def main(path: str, seed: int, count: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MOST_ADDRESSES_BYTES, MOST_ADDRESSES_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    valid = Path(path).read_bytes()
    READERS["decode"](valid)  # loads the networks
    outcomes: dict[str, Counter[str]] = {name: Counter() for name in READERS}
    slowest_s = 0.0
    for number in range(count):
        print(number, flush=True)
        data = hostile(valid, seed, number)
        for name, read in READERS.items():
            start = time.perf_counter()
            outcomes[name][outcome(read, data)] += 1
            slowest_s = max(slowest_s, time.perf_counter() - start)
    time.sleep(0.5)  # for Lepton's threads: one that aborts does so late
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
    print(json.dumps({"outcomes": outcomes, "slowest_s": slowest_s, "peak_mb": peak_mb}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
