"""A second reader, written from docs/format.md alone: it shares no line with the package.

`read(data)` takes a file apart to plain dictionaries, or raises `Refused` with the class of
error that the document names. Sections of the document stand in brackets.
"""

from __future__ import annotations

from typing import Any

MAX_SIDE_PX = 65_535  # [9]
MAX_PIXELS = 268_435_456
MAX_CHUNKS = 64
MAX_METADATA_BYTES = 1_048_576

CHUNKS_OF_MODE = {1: ({1}, {2, 3}), 2: ({1}, {2}), 3: ({16}, {17, 18, 19})}  # [3] must have, may have
CRITICAL = {1, 2, 3, 16, 17, 18, 19, 20}  # [4]


class Refused(Exception):
    """The file is refused; `kind` is format, damaged, unsupported or limit."""

    def __init__(self, kind: str, why: str) -> None:
        super().__init__(f"{kind}: {why}")
        self.kind = kind


def crc32(data: bytes) -> int:
    """[1] Bit by bit, from the polynomial."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xEDB88320 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def u(data: bytes) -> int:
    return sum(byte << 8 * i for i, byte in enumerate(data))


def split(data: bytes, n: int) -> tuple[bytes, bytes]:
    if len(data) < n:
        raise Refused("format", "too short")
    return data[:n], data[n:]


def varint(data: bytes) -> tuple[int, bytes]:
    """[1] The number, and what follows it."""
    groups: list[int] = []
    while True:
        byte, data = split(data, 1)
        groups.append(byte[0] % 128)
        if byte[0] < 128:
            break
        if len(groups) == 5:
            raise Refused("format", "varint too long")
    if groups[-1] == 0 and len(groups) > 1:
        raise Refused("format", "varint not shortest")
    value = sum(group * 128**i for i, group in enumerate(groups))
    if value >= 2**32:
        raise Refused("format", "varint too large")
    return value, data


def positive(data: bytes) -> tuple[int, bytes]:
    value, data = varint(data)
    if value == 0:
        raise Refused("format", "0 where 1 or more belongs")
    return value, data


def header(data: bytes) -> tuple[dict[str, int], bytes]:
    """[3]"""
    mode, data = split(data, 1)
    if mode[0] not in CHUNKS_OF_MODE:
        raise Refused("unsupported", "mode")
    width, data = positive(data)
    height, data = positive(data)
    colour, data = split(data, 1)
    if colour[0] not in (1, 3):
        raise Refused("unsupported", "colour")
    if max(width, height) > MAX_SIDE_PX or width * height > MAX_PIXELS:
        raise Refused("limit", "picture")
    return {"mode": mode[0], "width": width, "height": height, "colour": colour[0]}, data


def chunks(data: bytes) -> list[tuple[int, bytes]]:
    """[4]"""
    found: list[tuple[int, bytes]] = []
    while data:
        kind, data = split(data, 1)
        if kind[0] <= (found[-1][0] if found else 0):
            raise Refused("format", "order of chunks")
        n, data = varint(data)
        payload, data = split(data, n)
        found.append((kind[0], payload))
        if len(found) > MAX_CHUNKS:
            raise Refused("limit", "chunks")
        if sum(len(content) for number, content in found if number >= 128) > MAX_METADATA_BYTES:
            raise Refused("limit", "metadata")
    return found


def check_contents(mode: int, kinds: set[int]) -> None:
    """[3] and [4]"""
    unknown = {kind for kind in kinds if kind < 128} - CRITICAL
    if unknown:
        raise Refused("unsupported", f"chunk {min(unknown)}")
    must, may = CHUNKS_OF_MODE[mode]
    critical = {kind for kind in kinds if kind < 128}
    if mode == 3 and critical == {20}:
        return
    if must - kinds or critical - must - may:
        raise Refused("format", "chunks of the mode")
    if {18, 19} <= kinds:
        raise Refused("format", "two residuals")
    if 3 in kinds and 2 not in kinds:
        raise Refused("format", "descriptor without restoration")


def model(data: bytes) -> tuple[dict[str, Any], bytes]:
    """[5]"""
    number, data = positive(data)
    digest, data = split(data, 6)
    return {"number": number, "digest6": digest}, data


def jpeg(data: bytes) -> dict[str, Any]:
    """[5.1]"""
    check, data = split(data, 4)
    if crc32(data) != u(check):
        raise Refused("damaged", "JPEG")
    packing, data = split(data, 1)
    if packing[0] > 1:
        raise Refused("unsupported", "packing")
    return {"packing": packing[0], "data": data}


def checked(data: bytes) -> bytes:
    """[5.5] What follows a check that holds."""
    check, data = split(data, 4)
    if crc32(data) != u(check):
        raise Refused("damaged", "layer")
    return data


def compact(data: bytes) -> dict[str, Any]:
    """[5.5]"""
    scale, data = split(checked(data), 1)
    if scale[0] not in (8, 16, 32):
        raise Refused("unsupported", "scale")
    coding, data = split(data, 1)
    if coding[0] > 1:
        raise Refused("unsupported", "compact coding")
    reference, data = model(data) if coding[0] == 1 else (None, data)
    return {"scale": scale[0], "model": reference, "data": data}


def base(data: bytes) -> dict[str, Any]:
    """[5.6]"""
    fine, data = model(data)
    segmenter, data = model(data)
    if data:
        raise Refused("format", "length of BASE")
    return {"fine": fine, "segmenter": segmenter}


def transform(data: bytes) -> dict[str, Any]:
    """[5.7]"""
    return {"data": checked(data)}


def step_and_pixels(data: bytes) -> dict[str, Any]:
    """[5.8] and [5.9]"""
    step, data = split(data, 1)
    if step[0] % 2 == 0 or step[0] > 127:
        raise Refused("format", "step")
    pixels, data = split(data, 4)
    return {"step": step[0], "check": u(pixels), "data": data}


def samples(data: bytes) -> dict[str, Any]:
    """[5.8]"""
    reference, data = model(checked(data))
    return {"model": reference} | step_and_pixels(data)


def picture(data: bytes) -> dict[str, Any]:
    """[5.9]"""
    return step_and_pixels(checked(data))


def metadata(data: bytes) -> dict[str, Any]:
    """[5.10]"""
    return {"data": data}


def restore(data: bytes) -> dict[str, Any]:
    """[5.2]"""
    reference, data = model(data)
    if len(data) != 1:
        raise Refused("format", "length of RESTORE")
    return {"model": reference, "strength": data[0]}


def descriptor(data: bytes) -> dict[str, Any]:
    """[5.3]"""
    reference, data = model(data)
    check, data = split(data, 2)
    return {"model": reference, "check": u(check), "data": data}


def note(data: bytes) -> dict[str, Any]:
    """[5.4]"""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("format", "NOTE is no text") from None
    if len(data) > 1024 or any((ord(ch) < 32 and ch != "\n") or 0x7F <= ord(ch) <= 0x9F for ch in text):
        raise Refused("format", "NOTE")
    return {"text": text}


PAYLOADS = {1: jpeg, 2: restore, 3: descriptor, 129: note, 130: metadata, 131: metadata}
PAYLOADS |= {16: compact, 17: base, 18: transform, 19: samples, 20: picture}


def read(data: bytes) -> dict[str, Any]:
    """[2] The file as {"header": ..., "chunks": [(type, payload)], "known": {type: fields}}."""
    if data[:4] != b"\x89CAR":
        raise Refused("format", "signature")
    if len(data) < 8 or crc32(data[:-4]) != u(data[-4:]):
        raise Refused("damaged", "checksum")
    version, body = split(data[4:-4], 1)
    if version[0] != 1:
        raise Refused("unsupported", "version")
    head, body = header(body)
    found = chunks(body)
    check_contents(head["mode"], {kind for kind, _ in found})
    known = {kind: PAYLOADS[kind](payload) for kind, payload in found if kind in PAYLOADS}
    return {"header": head, "chunks": found, "known": known}
