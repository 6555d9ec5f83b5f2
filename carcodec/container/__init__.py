"""The `.car` container: bytes to typed chunks and back, standard library only."""

from carcodec.container.chunks import Chunk
from carcodec.container.file import Container, Header, parse, parse_arriving, parse_salvage, serialise, to_chunk
from carcodec.container.payloads import (
    BasePayload,
    CompactPayload,
    DescriptorPayload,
    ExifPayload,
    IccPayload,
    JpegPayload,
    ModelRef,
    NotePayload,
    PicturePayload,
    RestorePayload,
    SamplesPayload,
    TransformPayload,
)

__all__ = [
    "BasePayload",
    "Chunk",
    "CompactPayload",
    "Container",
    "DescriptorPayload",
    "ExifPayload",
    "Header",
    "IccPayload",
    "JpegPayload",
    "ModelRef",
    "NotePayload",
    "PicturePayload",
    "RestorePayload",
    "SamplesPayload",
    "TransformPayload",
    "parse",
    "parse_arriving",
    "parse_salvage",
    "serialise",
    "to_chunk",
]
