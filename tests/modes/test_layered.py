"""What mode `layered` promises, with small honest networks."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from typing import Never

import numpy as np
import pytest

from carcodec.container.file import Container, parse, serialise, to_chunk
from carcodec.container.payloads import (
    BasePayload,
    CompactPayload,
    ModelRef,
    Payload,
    PicturePayload,
    SamplesPayload,
    TransformPayload,
)
from carcodec.errors import DamagedError, LimitError, ModelMissing, UsageError, VerifyError
from carcodec.ids import SCALES, CompactCoding
from carcodec.modes.base import Options, Wanted, squared_error
from carcodec.modes.layered import LOSSLESS_SCALE, LayeredMode, segments_of
from carcodec.pixels.io import Picture
from carcodec.pixels.upsample import upsampled
from carcodec.pixels.webp import encode_webp
from carcodec.ports import Image
from tests.stubs.layered import BoxedNetworks, BoxNetworks, DeflateCoder
from tests.stubs.metadata import RGB_PROFILE

LAYERED = LayeredMode()
FULL = Wanted()
SHAPES = [(1, 1), (1, 1, 3), (1, 40, 3), (33, 1), (35, 26), (40, 52, 3)]


class Installed(BoxedNetworks):
    """Networks whose base is the original but for noise, and a sample coder that knows how small such noise is."""

    def __init__(self, original: Image, noise: int = 2) -> None:
        super().__init__(box=OracleBox(original, noise))


class OracleBox(BoxNetworks):
    """Knows the original, so that layers pay."""

    def __init__(self, original: Image, noise: int) -> None:
        super().__init__()
        shifts = np.random.default_rng(4).integers(-noise, noise + 1, original.shape)
        self.prediction = np.clip(original + shifts, 0, 255).astype(np.uint8)

    def base(self, compact: Image, scale: int, height: int, width: int) -> Image:
        return self.prediction


def picture(*shape: int, noise: float = 12.0) -> Image:
    rng = np.random.default_rng(shape[0])
    y, x = np.mgrid[: shape[0], : shape[1]]
    smooth = 128 + 90 * np.sin(x / 9) * np.cos(y / 7)
    smooth = smooth if len(shape) == 2 else smooth[..., None] * (1.0, 0.8, 0.6)
    return np.clip(smooth + rng.normal(0, noise, shape), 0, 255).astype(np.uint8)


def encoded(image: Image, networks: BoxedNetworks, **options: int) -> Container:
    """Through the bytes of a file."""
    return parse(serialise(LAYERED.encode(Picture(image), networks, Options(**options))))


def decoded(container: Container, networks: BoxedNetworks, layer: str = "full") -> Image:
    return LAYERED.decode(container, networks, Wanted(layer=layer)).array


def with_payload(container: Container, payload: Payload) -> Container:
    chunks = (to_chunk(payload) if chunk.kind == payload.KIND else chunk for chunk in container.chunks)
    return replace(container, chunks=tuple(chunks))


def found(container: Container, kind: type[Payload]) -> Payload:
    payload = container.find(kind)
    assert payload is not None
    return payload


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("max_error", [0, 1, 63])
@pytest.mark.parametrize("predicts", [True, False], ids=["layers", "plain"])
def test_no_sample_is_off_by_more_than_promised(shape: tuple[int, ...], max_error: int, predicts: bool) -> None:
    image = picture(*shape)
    networks = Installed(image) if predicts else BoxedNetworks()
    result = decoded(encoded(image, networks, max_error=max_error), networks)
    assert result.shape == image.shape
    assert np.abs(result.astype(int) - image).max() <= max_error


@pytest.mark.parametrize("step", range(1, 128, 2))
def test_every_level_is_within_half_a_step(step: int) -> None:
    image = np.arange(256, dtype=np.uint8).reshape(16, 16)
    networks = BoxedNetworks()
    result = decoded(encoded(image, networks, max_error=step // 2), networks)
    assert np.abs(result.astype(int) - image).max() <= step // 2


def test_levels_reach_as_far_as_the_port_says() -> None:
    """Largest level of a step, which a model of samples must hold: not floor(255 / step)."""
    seen = {}

    class Watching(DeflateCoder):
        def encode(self, levels: Image, base: Image | None, step: int) -> bytes:
            seen[step] = max(seen.get(step, 0), int(levels.max()))
            return super().encode(levels, base, step)

    networks = BoxedNetworks(coder=Watching())
    for step in (3, 13, 127):
        encoded(np.full((4, 4), 255, np.uint8), networks, max_error=step // 2)
        assert seen[step] == (255 + step // 2) // step
    assert seen[13] > 255 // 13


def test_layers_are_taken_where_they_are_smaller_and_a_plain_picture_where_not() -> None:
    image = picture(64, 80, 3)
    layers = encoded(image, Installed(image), max_error=0)
    assert layers.find(SamplesPayload) is not None
    assert found(layers, CompactPayload).scale == LOSSLESS_SCALE
    assert found(layers, BasePayload) == BasePayload(ModelRef(11, b"fine-1"), ModelRef(12, b"segm-1"))
    graphic = np.kron(np.random.default_rng(1).integers(0, 2, (12, 16)), np.full((8, 8), 255)).astype(np.uint8)
    plain = encoded(graphic, BoxedNetworks(), max_error=0)
    assert [chunk.name for chunk in plain.chunks] == ["PICTURE"]
    assert len(serialise(layers)) < len(serialise(encoded(image, BoxedNetworks(), max_error=0)))


def test_near_lossless_is_smaller_than_lossless() -> None:
    image = picture(64, 80, 3)
    networks = Installed(image)
    sizes = [len(serialise(encoded(image, networks, max_error=n))) for n in (0, 1, 3, 10)]
    assert sorted(sizes, reverse=True) == sizes


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("quality", [1, 100])
def test_lossy_files_of_any_size_have_all_layers(shape: tuple[int, ...], quality: int) -> None:
    image, networks = picture(*shape), BoxedNetworks()
    container = encoded(image, networks, quality=quality)
    scale = found(container, CompactPayload).scale
    small = (-(-shape[0] // scale), -(-shape[1] // scale), *shape[2:])
    assert [decoded(container, networks, layer).shape for layer in ("compact", "base", "full")] == [small, shape, shape]
    assert len(list(LAYERED.verify(container, networks))) == 2


def test_better_quality_is_nearer_and_larger() -> None:
    image, networks = picture(64, 80, 3), BoxedNetworks()
    containers = [encoded(image, networks, quality=quality) for quality in (10, 40, 70, 95)]
    sizes = [len(serialise(container)) for container in containers]
    errors = [squared_error(image, decoded(container, networks)) for container in containers]
    assert sorted(sizes) == sizes
    assert sorted(errors, reverse=True) == errors


def test_the_split_that_costs_least_is_taken() -> None:
    """Of three scales, the one that tells everything for its bytes; where none tells anything, the smallest."""
    image = picture(64, 80, 3)

    @dataclass
    class OneGoodScale(BoxNetworks):
        good: int = 0

        def base(self, compact: Image, scale: int, height: int, width: int) -> Image:
            return image if scale == self.good else np.full_like(image, 128)

    for scale in SCALES:
        container = encoded(image, BoxedNetworks(box=OneGoodScale(good=scale)), quality=50)
        assert found(container, CompactPayload).scale == scale
        assert container.find(TransformPayload) is None  # nothing is left to say
    container = encoded(image, BoxedNetworks(box=OneGoodScale()), quality=50)
    assert found(container, CompactPayload).scale == max(SCALES)
    assert container.find(TransformPayload) is not None


def test_networks_that_predict_wrongly_are_left_out() -> None:
    image = picture(64, 80, 3)

    class Wrong(BoxNetworks):
        def base(self, compact: Image, scale: int, height: int, width: int) -> Image:
            return np.random.default_rng(scale).integers(0, 256, image.shape, dtype=np.uint8)

    container = encoded(image, BoxedNetworks(box=Wrong()), quality=50)
    assert [chunk.name for chunk in container.chunks] == ["COMPACT", "TRANSFORM"]
    assert squared_error(image, decoded(container, BoxedNetworks())) < 200


def test_the_compact_picture_is_coded_by_the_coder_that_takes_fewer_bytes() -> None:
    flat = encoded(np.full((64, 64, 3), 77, np.uint8), BoxedNetworks(), quality=50)
    assert found(flat, CompactPayload).coding == CompactCoding.WEBP

    class Knowing(DeflateCoder):
        def encode(self, levels: Image, base: Image | None, step: int) -> bytes:
            self.levels = levels
            return b""

        def decode(self, data: bytes, shape: tuple[int, ...], base: Image | None, step: int) -> Image:
            return self.levels

    known = encoded(picture(64, 64, 3), BoxedNetworks(coder=Knowing()), quality=5)
    assert found(known, CompactPayload).model == DeflateCoder().reference


def test_the_compact_picture_needs_no_networks() -> None:
    image, networks = picture(64, 64, 3), BoxedNetworks()
    container = encoded(image, networks, quality=50)
    payload = found(container, CompactPayload)
    if payload.model is not None:
        container = with_payload(container, recoded(payload, (-(-64 // payload.scale),) * 2 + (3,)))
    networks.asked.clear()
    decoded(container, networks, "compact")
    assert networks.asked == []


def recoded(payload: CompactPayload, shape: tuple[int, ...]) -> CompactPayload:
    return replace(payload, model=None, data=encode_webp(DeflateCoder().decode(payload.data, shape, None, 1)))


def test_a_plain_picture_shows_its_boxes_as_compact_and_itself_as_base() -> None:
    image = np.arange(20 * 18, dtype=np.uint16).reshape(20, 18).astype(np.uint8)
    check = zlib.crc32(image.tobytes())
    container = replace(
        encoded(image, BoxedNetworks(), max_error=0),
        chunks=(to_chunk(PicturePayload(1, check, encode_webp(image))),),
    )
    networks = BoxedNetworks()
    compact = decoded(container, networks, "compact")
    assert compact.shape == (3, 3)
    assert compact[0, 0] == int(image[:8, :8].mean() + 0.5)
    assert compact[2, 2] == int(image[16:, 16:].mean() + 0.5)
    assert np.array_equal(decoded(container, networks, "base"), image)
    assert networks.asked == []
    assert segments_of(container, networks)[0].shape == image.shape


def test_without_a_base_chunk_the_base_is_the_compact_picture_at_full_size() -> None:
    image, networks = picture(50, 70, 3), BoxedNetworks()
    container = encoded(image, networks, quality=30)
    alone = replace(container, chunks=container.chunks[:1])
    scale = found(container, CompactPayload).scale
    compact = decoded(alone, networks, "compact")
    assert np.array_equal(decoded(alone, networks), upsampled(compact, scale, 50, 70))


def test_colour_profile_and_exif_are_kept() -> None:
    image, networks = picture(20, 30, 3), BoxedNetworks()
    original = Picture(image, RGB_PROFILE, b"Exif\0\0data")
    container = parse(serialise(LAYERED.encode(original, networks, Options(max_error=0))))
    result = LAYERED.decode(container, networks, FULL)
    assert (result.icc, result.exif) == (RGB_PROFILE, b"Exif\0\0data")


class Untouched(BoxedNetworks):
    """Fails if it is asked for anything."""

    def layered(self, *_: object) -> Never:
        raise AssertionError("work was begun")

    sample_coder = layered


@pytest.mark.parametrize("options", [Options(max_error=0), Options(quality=50)])
def test_too_large_a_picture_is_refused_before_any_work(options: Options, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, limit in (("layered.LARGEST_PICTURE_PX", 599), ("layered.MAX_SIDE_PX", 29)):
        monkeypatch.setattr(f"carcodec.modes.{name}", limit)
    monkeypatch.setattr("carcodec.pixels.av1.MAX_SIDE_PX", 29)
    with pytest.raises(LimitError, match=r"sides of at most 29"):
        LAYERED.encode(Picture(picture(20, 30, 3)), Untouched(), options)


def test_file_of_too_many_samples_is_refused_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    image = picture(40, 52, 3)
    container = encoded(image, Installed(image), max_error=0)
    assert container.find(SamplesPayload)
    monkeypatch.setattr("carcodec.residual.coding.LARGEST_PICTURE_PX", 2079)
    with pytest.raises(LimitError, match="2,079 pixels"):
        decoded(container, Untouched())


def test_picture_too_large_for_layers_is_lossless_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("carcodec.modes.layered.LARGEST_PICTURE_PX", 599)
    image = picture(20, 30, 3)
    container = encoded(image, Untouched(), max_error=0)
    assert np.array_equal(decoded(container, Untouched()), image)


@pytest.mark.parametrize("options", [Options(max_error=0), Options(quality=50)])
def test_too_much_metadata_is_refused_before_any_work(options: Options) -> None:
    large = Picture(picture(20, 30, 3), bytes(600_000), b"Exif\0\0" + bytes(600_000))
    with pytest.raises(LimitError, match=r"metadata .* more than a file may hold, 1,048,576 bytes"):
        LAYERED.encode(large, Untouched(), options)


def test_another_check_of_the_pixels_is_damage() -> None:
    image = picture(64, 64, 3)
    for networks in (Installed(image), BoxedNetworks()):
        container = encoded(image, networks, max_error=0)
        payload = container.find(SamplesPayload) or container.find(PicturePayload)
        assert payload is not None
        with pytest.raises(DamagedError, match="pixels"):
            decoded(with_payload(container, replace(payload, check=payload.check ^ 1)), networks)
        with pytest.raises(DamagedError, match="pixels"):
            list(LAYERED.verify(with_payload(container, replace(payload, check=payload.check ^ 1)), networks))


def test_a_network_that_predicts_otherwise_when_decoding_is_found_out_before_the_file_leaves() -> None:
    image = picture(64, 64, 3)

    class Fickle(OracleBox):
        calls = 0

        def base(self, compact: Image, scale: int, height: int, width: int) -> Image:
            self.calls += 1
            return super().base(compact, scale, height, width) ^ np.uint8(self.calls > 1)

    with pytest.raises(VerifyError):
        LAYERED.encode(Picture(image), BoxedNetworks(box=Fickle(image, 2)), Options(max_error=0))


def test_a_coder_that_loses_the_compact_picture_is_found_out() -> None:
    class Forgetful(DeflateCoder):
        def encode(self, levels: Image, base: Image | None, step: int) -> bytes:
            return b""

        def decode(self, data: bytes, shape: tuple[int, ...], base: Image | None, step: int) -> Image:
            return np.zeros(shape, np.uint8)

    with pytest.raises(VerifyError, match="compact"):
        LAYERED.encode(Picture(picture(64, 64)), BoxedNetworks(coder=Forgetful()), Options())


def test_models_that_are_not_installed_are_missed() -> None:
    image = picture(64, 64, 3)
    container = encoded(image, Installed(image), max_error=0)
    other = BoxedNetworks(box=BoxNetworks(fine_reference=ModelRef(11, b"others")))
    for layer in ("base", "full"):
        with pytest.raises(ModelMissing):
            decoded(container, other, layer)


def test_a_strength_is_refused() -> None:
    networks = BoxedNetworks()
    with pytest.raises(UsageError, match="strength"):
        LAYERED.decode(encoded(picture(9, 9), networks), networks, Wanted(strength=1.0))


def test_salvage_goes_down_to_what_can_be_decoded() -> None:
    image = picture(64, 64, 3)
    networks = Installed(image)
    container = encoded(image, networks, max_error=0)
    samples = found(container, SamplesPayload)
    broken = with_payload(container, replace(samples, data=samples.data[:-9]))
    problems: list[str] = []
    salvaged = LAYERED.salvage(broken, networks, problems)
    assert [chunk.name for chunk in salvaged.chunks] == ["COMPACT", "BASE"]
    assert len(problems) == 1
    assert "SAMPLES is left out" in problems[0]
    assert np.array_equal(decoded(salvaged, networks), networks.box.prediction)  # type: ignore[attr-defined]


def test_salvage_without_the_networks_shows_the_compact_picture_at_full_size() -> None:
    image = picture(64, 64, 3)
    container = encoded(image, Installed(image), max_error=0)
    other = BoxedNetworks(box=BoxNetworks(fine_reference=ModelRef(11, b"others")))
    problems: list[str] = []
    salvaged = LAYERED.salvage(container, other, problems)
    assert [chunk.name for chunk in salvaged.chunks] == ["COMPACT"]
    assert [problem.split()[0] for problem in problems] == ["SAMPLES", "BASE"]
    assert decoded(salvaged, other).shape == image.shape


def test_salvage_of_nothing_is_damage() -> None:
    container = replace(encoded(picture(9, 9), BoxedNetworks()), chunks=())
    with pytest.raises(DamagedError, match="no whole layer"):
        LAYERED.salvage(container, BoxedNetworks(), [])
