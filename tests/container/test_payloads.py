import pytest

from carcodec.container.payloads import (
    PAYLOADS,
    BasePayload,
    CompactPayload,
    DescriptorPayload,
    ExifPayload,
    IccPayload,
    JpegPayload,
    ModelRef,
    NotePayload,
    Payload,
    PicturePayload,
    RestorePayload,
    SamplesPayload,
    TransformPayload,
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
        (CompactPayload(8, None, b"abc"), bytes.fromhex("0c24373c") + b"\x08\x00abc"),
        (CompactPayload(32, MODEL, b"abc"), bytes.fromhex("18148a00") + b"\x20\x01\xac\x02sha256abc"),
        (BasePayload(MODEL, ModelRef(1, b"others")), b"\xac\x02sha256\x01others"),
        (TransformPayload(b"abc"), bytes.fromhex("c2412435") + b"abc"),
        (
            SamplesPayload(MODEL, 127, 0x12345678, b"abc"),
            bytes.fromhex("aeedd76e") + b"\xac\x02sha256\x7f\x78\x56\x34\x12abc",
        ),
        (PicturePayload(1, 0x12345678, b"abc"), bytes.fromhex("d3b30cc8") + b"\x01\x78\x56\x34\x12abc"),
        (NotePayload("a\nß"), b"a\n\xc3\x9f"),
        (IccPayload(b"profile"), b"profile"),
        (ExifPayload(b""), b""),
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


@pytest.mark.parametrize(
    "payload",
    [
        CompactPayload(16, MODEL, b"0123456789"),
        TransformPayload(b"0123456789"),
        SamplesPayload(MODEL, 3, 0, b"0123456789"),
        PicturePayload(3, 0, b"0123456789"),
    ],
)
def test_each_changed_byte_of_a_layer_is_damage(payload: Payload) -> None:
    data = payload.pack()
    for at in range(len(data)):
        changed = data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :]
        with pytest.raises(DamagedError):
            type(payload).unpack(changed)


@pytest.mark.parametrize(
    "payload",
    [
        *(CompactPayload(scale, None, b"") for scale in (0, 4, 64, 256)),
        *(SamplesPayload(MODEL, step, 0, b"") for step in (-1, 0, 2, 129)),
        PicturePayload(1, 2**32, b""),
    ],
)
def test_layer_that_readers_would_refuse_is_not_written(payload: Payload) -> None:
    with pytest.raises(UsageError):
        payload.pack()


@pytest.mark.parametrize("text", ["n" * 1025, "é" * 513, "\x1b[31m", "\r\n", "\x85", "\x00"])
def test_note_that_readers_would_refuse_is_not_written(text: str) -> None:
    with pytest.raises(UsageError):
        NotePayload(text).pack()


@pytest.mark.parametrize("reference", [ModelRef(0, b"sha256"), ModelRef(1, b"sha25"), ModelRef(2**32, b"sha256")])
def test_model_reference_that_readers_would_refuse_is_not_written(reference: ModelRef) -> None:
    with pytest.raises(UsageError):
        reference.pack()
