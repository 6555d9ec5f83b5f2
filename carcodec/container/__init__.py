"""The `.car` container: bytes to typed chunks and back, standard library only."""

from carcodec.container.chunks import Chunk
from carcodec.container.file import Container, Header, parse, parse_salvage, serialise, to_chunk
from carcodec.container.payloads import DescriptorPayload, JpegPayload, ModelRef, NotePayload, RestorePayload

__all__ = [
    "Chunk",
    "Container",
    "DescriptorPayload",
    "Header",
    "JpegPayload",
    "ModelRef",
    "NotePayload",
    "RestorePayload",
    "parse",
    "parse_salvage",
    "serialise",
    "to_chunk",
]
