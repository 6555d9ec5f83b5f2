"""What the modes promise, with networks whose quality is set by the test."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from carcodec.container.file import Container, parse, serialise, to_chunk
from carcodec.container.payloads import DescriptorPayload, JpegPayload, ModelRef, RestorePayload
from carcodec.errors import DamagedError, ModelMissing
from carcodec.jpeg.front import JpegSettings, decode_jpeg, encode_jpeg
from carcodec.modes.base import Options, base_of, best_strength, blend, squared_error, unpacked
from carcodec.modes.blind import BlindMode
from carcodec.modes.side import SideMode
from tests.stubs.networks import GUIDING_SYMBOL, OracleRestorer, StubNetworks

SIDE, BLIND = SideMode(), BlindMode()


def picture(height: int = 72, width: int = 100, gray: bool = False) -> np.ndarray:
    rng = np.random.default_rng(height * width)
    y, x = np.mgrid[:height, :width]
    shape = (height, width) if gray else (height, width, 3)
    smooth = 128 + 60 * np.sin(x / 9) * np.cos(y / 7)
    values = (smooth if gray else smooth[..., None]) + rng.normal(0, 12, shape)
    return np.clip(values, 0, 255).astype(np.uint8)


def decoded_by(mode, container: Container, networks, strength: float | None) -> np.ndarray:
    return mode.decode(container, base_of(container), networks, strength)


def made(image: np.ndarray, quality: int = 20) -> bytes:
    return encode_jpeg(image, JpegSettings(quality))


@pytest.mark.parametrize("mode", [SIDE, BLIND])
@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (33, 16), (72, 100)])
@pytest.mark.parametrize("gray", [False, True])
def test_round_trip_keeps_the_jpeg_and_restores(mode, shape, gray):
    image = picture(*shape, gray)
    networks = StubNetworks(OracleRestorer(image))
    jpeg = made(image)
    container = parse(serialise(mode.encode(jpeg, image, networks, Options())))
    decoded = decoded_by(mode, container, networks, None)
    assert unpacked(container) == jpeg
    assert decoded.shape == image.shape
    assert decoded.dtype == np.uint8
    assert squared_error(image, decoded) <= squared_error(image, decode_jpeg(jpeg))


def test_a_descriptor_that_helps_much_is_kept_and_used():
    image = picture()
    networks = StubNetworks(OracleRestorer(image))
    jpeg = made(image)
    guided = SIDE.encode(jpeg, image, networks, Options())
    blind = SIDE.encode(jpeg, image, networks, Options(side="off"))
    assert guided.find(DescriptorPayload) is not None
    assert blind.find(DescriptorPayload) is None
    error = {
        name: squared_error(image, decoded_by(SIDE, c, networks, None))
        for name, c in (("guided", guided), ("blind", blind))
    }
    assert error["guided"] * len(serialise(guided)) < error["blind"] * len(serialise(blind))


def test_a_descriptor_that_helps_nothing_is_left_out_unless_forced():
    image = picture()
    networks = StubNetworks(OracleRestorer(image, guided_share=0.0))
    assert SIDE.encode(made(image), image, networks, Options()).find(DescriptorPayload) is None
    assert SIDE.encode(made(image), image, networks, Options(side="on")).find(DescriptorPayload) is not None


def test_the_extractor_is_believed_when_nothing_is_searched():
    image = picture()
    networks = StubNetworks(OracleRestorer(image))
    container = SIDE.encode(made(image), image, networks, Options(side="on", search=False))
    descriptor = container.find(DescriptorPayload)
    assert descriptor is not None
    decoded = decoded_by(SIDE, container, networks, 1.0)
    full = np.full((5, 7), GUIDING_SYMBOL, np.uint8)
    base = decode_jpeg(unpacked(container))
    assert np.array_equal(
        decoded, blend(base, networks.the_restorer.restore(base, np.zeros(131, np.float32), full), 1.0)
    )


@pytest.mark.parametrize("mode", [SIDE, BLIND])
def test_a_restoration_that_harms_is_bypassed(mode):
    image = picture()
    networks = StubNetworks(OracleRestorer(image, blind_share=-1.0, guided_share=-2.0))
    jpeg = made(image)
    for side in ("auto", "on", "off"):
        container = mode.encode(jpeg, image, networks, Options(side=side))
        assert container.find(RestorePayload) is None
        assert np.array_equal(decoded_by(mode, container, networks, None), decode_jpeg(jpeg))


def test_a_jpeg_without_original_is_restored_in_full():
    image = picture()
    networks = StubNetworks(OracleRestorer(image))
    for mode in (SIDE, BLIND):
        container = mode.encode(made(image), None, networks, Options())
        restoration = container.find(RestorePayload)
        assert restoration is not None
        assert restoration.strength == 128
        assert container.find(DescriptorPayload) is None


def test_a_fine_jpeg_without_original_is_restored_with_care_or_not_at_all():
    image = picture()
    networks = StubNetworks(OracleRestorer(image))
    for mode in (SIDE, BLIND):
        found = [mode.encode(made(image, q), None, networks, Options()).find(RestorePayload) for q in (85, 93, 96, 100)]
        strengths = [restoration.strength if restoration else 0 for restoration in found]
        assert strengths[0] == 128
        assert strengths == sorted(strengths, reverse=True)
        assert 0 < strengths[1] < 128
        assert found[3] is None


def test_strength_of_the_caller_overrides_the_file():
    image = picture()
    networks = StubNetworks(OracleRestorer(image))
    container = BLIND.encode(made(image), image, networks, Options())
    base = decode_jpeg(unpacked(container))
    assert np.array_equal(decoded_by(BLIND, container, networks, 0.0), base)
    assert not np.array_equal(decoded_by(BLIND, container, networks, 1.0), decoded_by(BLIND, container, networks, None))


def test_best_strength_is_the_least_squares_one():
    rng = np.random.default_rng(5)
    base = rng.integers(60, 190, (32, 32, 3), dtype=np.uint8)
    image = (base + rng.integers(-20, 20, base.shape)).astype(np.uint8)
    restored = base + 2.0 * (image.astype(np.float32) - base)
    assert best_strength(image, base, restored) == 64
    assert best_strength(image, base, base.astype(np.float32)) == 0


def test_a_wrong_check_value_is_damage():
    image = picture()
    networks = StubNetworks(OracleRestorer(image))
    container = SIDE.encode(made(image), image, networks, Options(side="on"))
    descriptor = container.find(DescriptorPayload)
    assert descriptor is not None
    wrong = to_chunk(replace(descriptor, check=descriptor.check ^ 1))
    chunks = tuple(wrong if chunk.kind == DescriptorPayload.KIND else chunk for chunk in container.chunks)
    with pytest.raises(DamagedError, match="symbols"):
        decoded_by(SIDE, replace(container, chunks=chunks), networks, None)


def test_a_jpeg_of_another_size_than_the_header_is_damage():
    image = picture()
    networks = StubNetworks(OracleRestorer(image))
    container = BLIND.encode(made(image), image, networks, Options())
    header = replace(container.header, width=container.header.width + 1)
    with pytest.raises(DamagedError):
        decoded_by(BLIND, replace(container, header=header), networks, None)


def test_a_model_that_is_not_installed_is_named():
    image = picture()
    container = BLIND.encode(made(image), image, StubNetworks(OracleRestorer(image)), Options())
    other = StubNetworks(OracleRestorer(image, reference=ModelRef(9, b"others")))
    with pytest.raises(ModelMissing):
        decoded_by(BLIND, container, other, None)


def test_framing_of_a_side_file_is_at_most_48_bytes():
    image = picture()
    container = SIDE.encode(made(image), image, StubNetworks(OracleRestorer(image)), Options(side="on"))
    payloads = [container.find(JpegPayload), container.find(DescriptorPayload)]
    assert len(serialise(container)) - sum(len(p.data) for p in payloads if p) <= 48
    assert isinstance(container, Container)
