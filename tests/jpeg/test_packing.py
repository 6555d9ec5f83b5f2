from __future__ import annotations

import builtins
import sys
import types
import zlib

import numpy as np
import pytest

from carcodec.errors import CarError, DamagedError, UnsupportedError
from carcodec.ids import Packing
from carcodec.jpeg import packing
from carcodec.jpeg.front import JpegSettings, encode_jpeg
from carcodec.jpeg.packing import pack, unpack
from carcodec.jpeg.syntax import read_frame

PACKED_BY_LEPTON = [
    *("baseline", "optimised", "progressive", "gray", "4:4:4", "4:2:2", "rgb", "restart markers", "custom tables"),
    *("16-bit tables", "q1", "q100", "1x1", "trailing junk", "truncated scan", "colour profile"),
]
STORED = ["EOI missing", "multi-scan"]


def unpacked(jpeg: bytes) -> bytes:
    frame = read_frame(jpeg, start=2)
    return unpack(*pack(jpeg), frame.width, frame.height)


@pytest.mark.parametrize("kind", PACKED_BY_LEPTON)
def test_lepton_gives_back_the_same_bytes_from_fewer(kind: str, jpegs: dict[str, bytes]) -> None:
    pytest.importorskip("lepton_jpeg_python")
    method, packed = pack(jpegs[kind])
    assert method == Packing.LEPTON
    assert len(packed) < len(jpegs[kind])
    assert unpacked(jpegs[kind]) == jpegs[kind]


@pytest.mark.parametrize("kind", STORED)
def test_what_lepton_refuses_or_mistakes_is_stored(kind: str, jpegs: dict[str, bytes]) -> None:
    assert pack(jpegs[kind]) == (Packing.STORED, jpegs[kind])
    assert unpacked(jpegs[kind]) == jpegs[kind]


@pytest.mark.parametrize("data", [b"", b"garbage", b"\xff\xd8\xff\xd9", b"\xff\xd8" + bytes(500)])
def test_packing_never_fails(data: bytes) -> None:
    assert pack(data) == (Packing.STORED, data)


def test_jpegs_of_many_sizes_and_settings_come_back() -> None:
    rng = np.random.default_rng(4)
    for _ in range(60):
        height, width = rng.integers(1, 70, 2)
        shape = (height, width) if rng.random() < 0.3 else (height, width, 3)
        image = np.clip(rng.normal(rng.uniform(0, 255), rng.uniform(0, 60), shape), 0, 255).astype(np.uint8)
        sampling = ("4:2:0", "4:2:2", "4:4:4")[rng.integers(3)]
        jpeg = encode_jpeg(image, JpegSettings(int(rng.integers(1, 101)), sampling=sampling))  # type: ignore[arg-type]
        assert unpacked(jpeg) == jpeg


def test_mutated_jpegs_come_back_whatever_lepton_makes_of_them(jpegs: dict[str, bytes]) -> None:
    rng = np.random.default_rng(9)
    methods = set()
    for _ in range(200):
        mutated = bytearray(jpegs["baseline"])
        for at in rng.integers(600, len(mutated), 2):
            mutated[at] = rng.integers(0, 256)
        method, packed = pack(bytes(mutated))
        methods.add(method)
        if method == Packing.LEPTON:
            assert unpack(method, packed, 83, 61) == mutated
        else:
            assert packed == mutated
    assert methods == {Packing.LEPTON, Packing.STORED}


def test_a_packer_that_gives_other_bytes_back_is_not_believed(
    jpegs: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    lepton = pytest.importorskip("lepton_jpeg_python")
    assert lepton.decompress_bytes(lepton.compress_bytes(jpegs["EOI missing"])) != jpegs["EOI missing"]
    wrong = jpegs["baseline"][:-1] + b"\xd8"
    fake = types.SimpleNamespace(compress_bytes=lepton.compress_bytes, decompress_bytes=lambda _: wrong)
    monkeypatch.setitem(sys.modules, "lepton_jpeg_python", fake)
    assert pack(jpegs["baseline"])[0] == Packing.STORED


def test_without_lepton_packing_stores_and_unpacking_names_the_package(
    jpegs: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("lepton_jpeg_python")
    _, packed = pack(jpegs["baseline"])
    real_import = builtins.__import__

    def without_lepton(name: str, *args: object, **kwargs: object) -> object:
        if name == "lepton_jpeg_python":
            raise ImportError(name)
        return real_import(name, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", without_lepton)
    assert pack(jpegs["baseline"]) == (Packing.STORED, jpegs["baseline"])
    with pytest.raises(UnsupportedError, match="lepton-jpeg-python"):
        unpack(Packing.LEPTON, packed, 83, 61)


class RustPanic(BaseException):
    """As pyo3's PanicException: no Exception."""


def test_a_panic_becomes_one_of_our_errors(jpegs: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("lepton_jpeg_python")
    _, packed = pack(jpegs["baseline"])

    def panic(_: bytes) -> bytes:
        raise RustPanic

    monkeypatch.setitem(
        sys.modules, "lepton_jpeg_python", types.SimpleNamespace(compress_bytes=panic, decompress_bytes=panic)
    )
    assert pack(jpegs["baseline"])[0] == Packing.STORED
    with pytest.raises(DamagedError):
        unpack(Packing.LEPTON, packed, 83, 61)


def test_ctrl_c_passes_through(jpegs: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: bytes) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "lepton_jpeg_python", types.SimpleNamespace(compress_bytes=interrupted))
    with pytest.raises(KeyboardInterrupt):
        pack(jpegs["baseline"])


def test_unknown_method_is_unsupported(jpegs: dict[str, bytes]) -> None:
    with pytest.raises(UnsupportedError, match="method 77"):
        unpack(77, jpegs["baseline"], 83, 61)


@pytest.mark.parametrize("kind", ["baseline", "EOI missing"])
@pytest.mark.parametrize("size", [(83, 60), (61, 83), (1, 1)])
def test_another_size_than_the_files_is_damage(kind: str, size: tuple[int, int], jpegs: dict[str, bytes]) -> None:
    with pytest.raises(DamagedError, match="83 x 61"):
        unpack(*pack(jpegs[kind]), *size)


@pytest.fixture
def never_called(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: bytes) -> bytes:
        pytest.fail("Lepton was called on a stream that its header gives away")

    monkeypatch.setitem(sys.modules, "lepton_jpeg_python", types.SimpleNamespace(decompress_bytes=refuse))


def lepton_stream(header: bytes, size: int = 1000, start: bytes = b"\xcf\x84") -> bytes:
    compressed = zlib.compress(header)
    return start + bytes(18) + size.to_bytes(4, "little") + len(compressed).to_bytes(4, "little") + compressed


FRAME = b"\xff\xc0\0\x0b\x08\0\x3d\0\x53\x01\1\x11\0"  # 83 x 61, gray
SCAN = b"\xff\xda\0\x08\x01\x01\0\0\x3f\0"
GIGABYTES = b"\xff\xff\xff\xff"


def hdr(segments: bytes, scan: bytes = SCAN) -> bytes:
    segments += scan
    return b"HDR" + len(segments).to_bytes(4, "little") + segments


@pytest.mark.usefixtures("never_called")
@pytest.mark.parametrize(
    "stream",
    {
        "empty": b"",
        "short": b"\xcf\x84" + bytes(20),
        "other signature": lepton_stream(hdr(FRAME), start=b"\xcf\x85"),
        "size of gigabytes": lepton_stream(hdr(FRAME), size=2**32 - 1),
        "zlib cut off": lepton_stream(hdr(FRAME))[:-3],
        "zlib damaged": lepton_stream(hdr(FRAME))[:28] + bytes(40),
        "zlib bomb": lepton_stream(hdr(FRAME) + bytes(2**24)),
        "no HDR": lepton_stream(FRAME),
        "HDR longer than itself": lepton_stream(b"HDR" + (999).to_bytes(4, "little") + FRAME),
        "no frame": lepton_stream(hdr(b"\xff\xfe\0\2")),
        "two frames": lepton_stream(hdr(FRAME * 2)),
        "other size": lepton_stream(hdr(FRAME.replace(b"\x3d", b"\x3e"))),
        "frame outside HDR": lepton_stream(hdr(b"\xff\xfe\0\2") + FRAME),
        "no scan": lepton_stream(hdr(FRAME, scan=b"")),
        "scan behind the end": lepton_stream(hdr(FRAME + b"\xff\xd9")),
        "trailing bytes of gigabytes": lepton_stream(hdr(FRAME) + b"GRB" + GIGABYTES + b"\xff\xd9"),
        "restart errors of gigabytes": lepton_stream(hdr(FRAME) + b"FRS" + GIGABYTES),
        "restart counts of gigabytes": lepton_stream(hdr(FRAME) + b"CRS" + GIGABYTES),
        "threads cut off": lepton_stream(hdr(FRAME) + b"HH\2" + bytes(31)),
        "section cut off in its name": lepton_stream(hdr(FRAME) + b"HH"),
        "section that is not known": lepton_stream(hdr(FRAME) + b"XYZ"),
    }.items(),
    ids=lambda item: item[0],
)
def test_streams_that_could_be_bombs_never_reach_lepton(stream: tuple[str, bytes]) -> None:
    with pytest.raises(DamagedError):
        unpack(Packing.LEPTON, stream[1], 83, 61)


def test_streams_whose_header_is_whole_reach_lepton(monkeypatch: pytest.MonkeyPatch) -> None:
    called = []
    monkeypatch.setitem(sys.modules, "lepton_jpeg_python", types.SimpleNamespace(decompress_bytes=called.append))
    sections = b"P0D\0HH\1" + bytes(16) + b"CRS\1\0\0\0" + bytes(4) + b"FRS\1\0\0\0\0EEE" + bytes(28) + b"GRB\0\0\0\0"
    for stream in (lepton_stream(hdr(FRAME)), lepton_stream(hdr(FRAME) + sections)):
        with pytest.raises(DamagedError, match="damaged"):
            unpack(Packing.LEPTON, stream, 83, 61)
        assert called.pop() == stream


def test_mutated_and_cut_streams_raise_only_our_errors(jpegs: dict[str, bytes]) -> None:
    pytest.importorskip("lepton_jpeg_python")
    rng = np.random.default_rng(6)
    method, packed = pack(jpegs["baseline"])
    assert method == Packing.LEPTON
    streams = [packed[:length] for length in range(0, len(packed), 7)]
    for _ in range(300):
        mutated = bytearray(packed)
        mutated[rng.integers(0, len(packed))] ^= 1 << rng.integers(8)
        streams.append(bytes(mutated))
    n_refused = 0
    for stream in streams:
        try:
            unpack(method, stream, 83, 61)
        except CarError:
            n_refused += 1
    assert n_refused > 100


def test_limit_of_the_header_leaves_room_for_real_ones(jpegs: dict[str, bytes]) -> None:
    with_film = jpegs["baseline"] + np.random.default_rng(0).bytes(300_000)  # as phones put behind a picture
    assert unpacked(with_film) == with_film
    assert packing.MAX_HEADER_BYTES > 255 * 65_535
