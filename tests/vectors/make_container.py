"""Write the container vectors: `python tests/vectors/make_container.py`.

The bytes are put together here by hand, without the package: what it must read was not written
by it. A case whose file exists is left alone; a released file is never made again.
"""

from __future__ import annotations

import zlib
from pathlib import Path

FOLDER = Path(__file__).parent / "container"

PREFIX = b"\x89CAR\x01"
SIDE = b"\x01" + b"\x30\x20" + b"\x03"  # mode, 48 x 32 pixels, RGB
BLIND = b"\x02" + b"\x30\x20" + b"\x03"
MODEL = b"\x01" + b"abcdef"
RESTORE = b"\x02\x08" + MODEL + b"\x80"
DESCRIPTOR = b"\x03\x0d" + MODEL + b"\x34\x12" + b"\xde\xad\xbe\xef"


def sealed(body: bytes) -> bytes:
    """A file: signature, version, `body`, checksum."""
    return with_check(PREFIX + body)


def with_check(data: bytes) -> bytes:
    return data + zlib.crc32(data).to_bytes(4, "little")


def jpeg_chunk(body: bytes = b"\x00\xff\xd8\xff\xd9") -> bytes:
    """A JPEG chunk of under 128 bytes: type, length, check, packing, data."""
    return bytes([1, 4 + len(body)]) + zlib.crc32(body).to_bytes(4, "little") + body


def chunk(kind: int, payload: bytes) -> bytes:
    """A chunk of under 16,384 bytes."""
    n = len(payload)
    return bytes([kind]) + (bytes([n]) if n < 128 else bytes([n & 127 | 128, n >> 7])) + payload


def checked(body: bytes) -> bytes:
    """A payload with its check before it."""
    return zlib.crc32(body).to_bytes(4, "little") + body


LAYERED = b"\x03" + b"\x30\x20" + b"\x03"
COMPACT_BODY = b"\x08\x00" + b"\x2f\x05\xc0\x00\x00"  # scale 8, WebP, its head: 6 x 4 pixels
COMPACT = chunk(16, checked(COMPACT_BODY))
COMPACT_BY_SAMPLES = chunk(16, checked(b"\x20\x01" + MODEL + b"\x12\x34"))
BASE = chunk(17, MODEL + MODEL)
TRANSFORM = chunk(18, checked(b"\x0a\x01\x38"))
SAMPLES = chunk(19, checked(MODEL + b"\x01" + b"\x11\x22\x33\x44" + b"\xde\xad"))
NEAR_SAMPLES = chunk(19, checked(MODEL + b"\x7f" + b"\x11\x22\x33\x44"))
PICTURE_BODY = b"\x01" + b"\x11\x22\x33\x44" + b"\x2f\x2f\xc0\x07\x00"
PICTURE = chunk(20, checked(PICTURE_BODY))

JPEG = jpeg_chunk()
WHOLE = sealed(SIDE + JPEG + RESTORE + DESCRIPTOR)

VALID = {
    "side_with_all_chunks": WHOLE,
    "side_without_descriptor": sealed(SIDE + JPEG + RESTORE),
    "side_without_restoration": sealed(SIDE + JPEG),
    "blind": sealed(BLIND + JPEG + RESTORE),
    "blind_without_restoration": sealed(BLIND + JPEG),
    "blind_strength_0": sealed(BLIND + JPEG + b"\x02\x08" + MODEL + b"\x00"),
    "gray_1x1": sealed(b"\x02\x01\x01\x01" + JPEG),
    "sides_of_two_and_three_bytes": sealed(b"\x02\x80\x06\xff\xff\x03\x03" + JPEG),  # 768 x 65,535
    "lepton": sealed(BLIND + jpeg_chunk(b"\x01\xcf\x84")),
    "model_number_300": sealed(BLIND + JPEG + b"\x02\x09\xac\x02abcdef\x80"),
    "note": sealed(BLIND + JPEG + chunk(0x81, "höre\nzu".encode())),
    "note_of_1024_bytes": sealed(BLIND + JPEG + chunk(0x81, b"n" * 1024)),
    "unknown_ancillary_chunks": sealed(BLIND + JPEG + chunk(0x82, b"") + chunk(0xFF, b"anything")),
    "layered_lossy": sealed(LAYERED + COMPACT + BASE + TRANSFORM),
    "layered_lossless": sealed(LAYERED + COMPACT_BY_SAMPLES + BASE + SAMPLES),
    "layered_near_lossless": sealed(LAYERED + COMPACT + BASE + NEAR_SAMPLES),
    "layered_base_alone": sealed(LAYERED + COMPACT + BASE),
    "layered_compact_alone": sealed(LAYERED + COMPACT),
    "layered_without_networks": sealed(LAYERED + COMPACT + TRANSFORM),
    "layered_picture": sealed(LAYERED + PICTURE),
    "layered_metadata": sealed(LAYERED + COMPACT + chunk(0x81, b"n") + chunk(0x82, b"icc") + chunk(0x83, b"Exif\0\0")),
    "chunks_64": sealed(BLIND + JPEG + b"".join(chunk(kind, b"") for kind in range(0x82, 0x82 + 63))),
}

# The error's class, then the rule that is broken. What is unknown here stays unknown: format.md 8.
INVALID = {
    "FormatError-empty": b"",
    "FormatError-signature_cut": b"\x89CA",
    "FormatError-signature_in_text_mode": with_check(b"\x09CAR\x01" + BLIND + JPEG),
    "DamagedError-only_signature": b"\x89CAR",
    "DamagedError-only_prefix": PREFIX,
    "DamagedError-bit_changed": bytes([*WHOLE[:20], WHOLE[20] ^ 4, *WHOLE[21:]]),
    "DamagedError-version_changed": b"\x89CAR\xff" + WHOLE[5:],
    "DamagedError-last_byte_cut": WHOLE[:-1],
    "DamagedError-byte_appended": WHOLE + b"\x00",
    "DamagedError-checksum_big_endian": WHOLE[:-4] + WHOLE[:-5:-1],
    "UnsupportedError-version_0": with_check(b"\x89CAR\x00" + BLIND + JPEG),
    "UnsupportedError-version_255": with_check(b"\x89CAR\xff" + BLIND + JPEG),
    "UnsupportedError-mode_0": sealed(b"\x00" + BLIND[1:] + JPEG),
    "UnsupportedError-mode_255": sealed(b"\xff" + BLIND[1:] + JPEG),
    "UnsupportedError-colour_0": sealed(b"\x02\x30\x20\x00" + JPEG),
    "UnsupportedError-colour_255": sealed(b"\x02\x30\x20\xff" + JPEG),
    "UnsupportedError-chunk_127": sealed(BLIND + JPEG + chunk(127, b"")),
    "UnsupportedError-packing_255": sealed(BLIND + jpeg_chunk(b"\xff\xff\xd8\xff\xd9")),
    "FormatError-no_version": with_check(b"\x89CAR"),
    "FormatError-no_header": sealed(b""),
    "FormatError-header_cut": sealed(BLIND[:-1]),
    "FormatError-width_0": sealed(b"\x02\x00\x20\x03" + JPEG),
    "FormatError-height_0": sealed(b"\x02\x30\x00\x03" + JPEG),
    "FormatError-number_not_shortest": sealed(b"\x02\xb0\x00\x20\x03" + JPEG),
    "FormatError-number_of_6_bytes": sealed(b"\x02\xb0\x80\x80\x80\x80\x01\x20\x03" + JPEG),
    "FormatError-number_over_32_bits": sealed(b"\x02\x80\x80\x80\x80\x10\x20\x03" + JPEG),
    "FormatError-chunk_0": sealed(BLIND + chunk(0, b"") + JPEG),
    "FormatError-chunk_twice": sealed(SIDE + JPEG + JPEG),
    "FormatError-ancillary_chunk_twice": sealed(SIDE + JPEG + chunk(0x90, b"") + chunk(0x90, b"")),
    "FormatError-chunks_out_of_order": sealed(SIDE + RESTORE + JPEG),
    "FormatError-chunk_without_length": sealed(BLIND + JPEG + b"\x81"),
    "FormatError-chunk_longer_than_file": sealed(BLIND + b"\x01\x0a" + JPEG[2:]),
    "FormatError-chunk_of_4_gigabytes": sealed(BLIND + JPEG + b"\x81\xff\xff\xff\xff\x0f"),
    "FormatError-jpeg_missing": sealed(SIDE),
    "FormatError-jpeg_missing_behind_restore": sealed(BLIND + RESTORE),
    "FormatError-jpeg_check_cut": sealed(BLIND + b"\x01\x03\x00\x00\x00"),
    "FormatError-jpeg_without_packing": sealed(BLIND + b"\x01\x04\x00\x00\x00\x00"),
    "FormatError-restore_cut": sealed(BLIND + JPEG + b"\x02\x07" + MODEL),
    "FormatError-restore_too_long": sealed(BLIND + JPEG + b"\x02\x09" + MODEL + b"\x80\x00"),
    "FormatError-restore_model_0": sealed(BLIND + JPEG + b"\x02\x08\x00abcdef\x80"),
    "FormatError-descriptor_cut": sealed(SIDE + JPEG + RESTORE + b"\x03\x08" + MODEL + b"\x34"),
    "FormatError-descriptor_model_0": sealed(SIDE + JPEG + RESTORE + b"\x03\x09\x00abcdef\x34\x12"),
    "FormatError-descriptor_in_blind": sealed(BLIND + JPEG + RESTORE + DESCRIPTOR),
    "FormatError-descriptor_without_restore": sealed(SIDE + JPEG + DESCRIPTOR),
    "FormatError-note_not_utf8": sealed(BLIND + JPEG + chunk(0x81, b"\xff")),
    "FormatError-note_with_escape": sealed(BLIND + JPEG + chunk(0x81, b"\x1b[2J")),
    "FormatError-note_with_c1_control": sealed(BLIND + JPEG + chunk(0x81, "\x9b".encode())),
    "FormatError-note_of_1025_bytes": sealed(BLIND + JPEG + chunk(0x81, b"n" * 1025)),
    "DamagedError-jpeg_check": sealed(BLIND + JPEG[:-1] + b"\xd8"),
    "DamagedError-packing_changed": sealed(BLIND + JPEG[:6] + b"\x01" + JPEG[7:]),
    "FormatError-layered_with_jpeg": sealed(LAYERED + JPEG),
    "FormatError-layered_without_layers": sealed(LAYERED),
    "FormatError-layered_without_compact": sealed(LAYERED + BASE + TRANSFORM),
    "FormatError-layered_two_residuals": sealed(LAYERED + COMPACT + BASE + TRANSFORM + SAMPLES),
    "FormatError-layered_picture_beside_compact": sealed(LAYERED + COMPACT + PICTURE),
    "FormatError-layered_picture_beside_base": sealed(LAYERED + BASE + PICTURE),
    "FormatError-side_with_compact": sealed(SIDE + JPEG + COMPACT),
    "FormatError-blind_with_picture": sealed(BLIND + JPEG + PICTURE),
    "FormatError-compact_check_cut": sealed(LAYERED + chunk(16, b"\x00\x00\x00")),
    "FormatError-compact_without_coding": sealed(LAYERED + chunk(16, checked(b"\x08"))),
    "FormatError-compact_model_cut": sealed(LAYERED + chunk(16, checked(b"\x08\x01\x01abc"))),
    "FormatError-base_cut": sealed(LAYERED + COMPACT + chunk(17, MODEL)),
    "FormatError-base_too_long": sealed(LAYERED + COMPACT + chunk(17, MODEL + MODEL + b"\x00")),
    "FormatError-samples_step_even": sealed(LAYERED + COMPACT + chunk(19, checked(MODEL + b"\x02" + bytes(4)))),
    "FormatError-samples_step_0": sealed(LAYERED + COMPACT + chunk(19, checked(MODEL + b"\x00" + bytes(4)))),
    "FormatError-samples_step_129": sealed(LAYERED + COMPACT + chunk(19, checked(MODEL + b"\x81" + bytes(4)))),
    "FormatError-samples_pixels_cut": sealed(LAYERED + COMPACT + chunk(19, checked(MODEL + b"\x01" + bytes(3)))),
    "FormatError-picture_step_128": sealed(LAYERED + chunk(20, checked(b"\x80" + PICTURE_BODY[1:]))),
    "UnsupportedError-compact_scale_255": sealed(LAYERED + chunk(16, checked(b"\xff" + COMPACT_BODY[1:]))),
    "UnsupportedError-compact_coding_255": sealed(LAYERED + chunk(16, checked(b"\x08\xff"))),
    "DamagedError-compact_check": sealed(LAYERED + COMPACT[:-1] + b"\x01"),
    "DamagedError-compact_scale_changed": sealed(LAYERED + COMPACT[:6] + b"\x10" + COMPACT[7:]),
    "DamagedError-transform_check": sealed(LAYERED + COMPACT + TRANSFORM[:-1] + b"\x39"),
    "DamagedError-samples_check": sealed(LAYERED + COMPACT + SAMPLES[:-1] + b"\xae"),
    "DamagedError-picture_check": sealed(LAYERED + PICTURE[:-1] + b"\x01"),
    "LimitError-width_65536": sealed(b"\x02\x80\x80\x04\x01\x03" + JPEG),
    "LimitError-height_65536": sealed(b"\x02\x01\x80\x80\x04\x03" + JPEG),
    "LimitError-pixels": sealed(b"\x02\x80\x80\x01\x81\x80\x01\x03" + JPEG),  # 16,384 x 16,385
    "LimitError-chunks_65": sealed(BLIND + JPEG + b"".join(chunk(kind, b"") for kind in range(0x82, 0x82 + 64))),
}


def write_new_cases() -> None:
    for kind, cases in (("valid", VALID), ("invalid", INVALID)):
        for name, data in cases.items():
            path = FOLDER / kind / f"{name}.car"
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)


if __name__ == "__main__":
    write_new_cases()
