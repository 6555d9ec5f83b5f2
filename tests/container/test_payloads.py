import pytest

from carcodec.container.payloads import (
    PAYLOADS,
    DescriptorPayload,
    JpegPayload,
    ModelRef,
    NotePayload,
    Payload,
    RestorePayload,
)
from carcodec.errors import DamagedError, UsageError
from carcodec.ids import ChunkKind, Packing

MODEL = ModelRef(300, b"sha256")


@pytest.mark.parametrize(
    ("payload", "data"),
    [
        (JpegPayload(Packing.LEPTON, b"abc"), b"\xa9\x20\x9d\x53\x01abc"),
        (RestorePayload(MODEL, 255), b"\xac\x02sha256\xff"),
        (DescriptorPayload(MODEL, 0x1234, b"abc"), b"\xac\x02sha256\x34\x12abc"),
        (DescriptorPayload(MODEL, 0, b""), b"\xac\x02sha256\x00\x00"),
        (NotePayload("a\nß"), b"a\n\xc3\x9f"),
    ],
)
def test_payload_has_these_bytes_and_comes_back(payload: Payload, data: bytes) -> None:
    assert payload.pack() == data
    assert type(payload).unpack(data) == payload


def test_each_chunk_that_is_known_has_a_payload() -> None:
    assert PAYLOADS.keys() == set(ChunkKind)
    assert all(kind == payload.KIND for kind, payload in PAYLOADS.items())


def test_each_changed_byte_of_a_packed_jpeg_is_damage() -> None:
    data = JpegPayload(Packing.LEPTON, b"0123456789").pack()
    for at in range(len(data)):
        changed = data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :]
        with pytest.raises(DamagedError):
            JpegPayload.unpack(changed)


@pytest.mark.parametrize("text", ["n" * 1025, "é" * 513, "\x1b[31m", "\r\n", "\x85", "\x00"])
def test_note_that_readers_would_refuse_is_not_written(text: str) -> None:
    with pytest.raises(UsageError):
        NotePayload(text).pack()


@pytest.mark.parametrize("reference", [ModelRef(0, b"sha256"), ModelRef(1, b"sha25"), ModelRef(2**32, b"sha256")])
def test_model_reference_that_readers_would_refuse_is_not_written(reference: ModelRef) -> None:
    with pytest.raises(UsageError):
        reference.pack()
