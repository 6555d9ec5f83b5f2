"""The ports of mode `layered`, with untrained networks from a folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save

from carcodec.container.payloads import ModelRef
from carcodec.errors import ModelMissing
from carcodec.intnn.frozen import dump_frozen
from carcodec.models.cards import card
from carcodec.nn.layered import FineNet
from carcodec.runtime import Engine, InstalledNetworks, layered
from carcodec.runtime.layered import LayeredPort, windows
from tests.stubs.installed_layers import COMPACT, FINE, SEGMENTER, drawn, install, install_layered
from tests.stubs.samples import soft_picture

SIZES = [(1, 1), (1, 1, 3), (1, 40, 3), (33, 1), (31, 45, 3), (64, 32)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install_layered(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def installed(folder: Path) -> InstalledNetworks:
    return InstalledNetworks(Engine("cpu", 1), folder)


@pytest.fixture(scope="module")
def port(installed: InstalledNetworks) -> LayeredPort:
    return installed.layered()


@pytest.mark.parametrize("shape", SIZES, ids=str)
@pytest.mark.parametrize("scale", [8, 16, 32])
def test_pictures_of_any_size_have_compact_pictures_bases_and_segments(
    port: LayeredPort, shape: tuple[int, ...], scale: int
) -> None:
    picture = soft_picture(1, *shape)
    compact = port.compact(picture, scale)
    assert compact.shape == (-(-shape[0] // scale), -(-shape[1] // scale), *shape[2:])
    base = port.base(compact, scale, *shape[:2])
    labels = port.segments(compact, scale, *shape[:2])
    assert (base.shape, labels.shape) == (shape, shape[:2])
    assert compact.dtype == base.dtype == labels.dtype == np.uint8
    assert labels.max() < len(port.classes)


def test_a_compact_picture_is_about_the_mean_of_squares(port: LayeredPort) -> None:
    picture = soft_picture(2, 64, 96, 3)
    means = picture.reshape(8, 8, 12, 8, 3).mean(axis=(1, 3))
    assert 0 < np.abs(port.compact(picture, 8) - means).max() < 40


def test_gray_goes_through_as_three_equal_channels(port: LayeredPort) -> None:
    compact = soft_picture(3, 4, 5)
    colour = port.base(np.stack([compact] * 3, axis=2), 8, 30, 37).astype(int)
    assert np.array_equal(port.base(compact, 8, 30, 37), (colour @ [1, 2, 1] + 2) // 4)
    assert np.array_equal(port.segments(compact, 8, 30, 37), port.segments(np.stack([compact] * 3, axis=2), 8, 30, 37))


def test_results_do_not_depend_on_how_many_threads_or_on_what_ran_before(folder: Path, port: LayeredPort) -> None:
    compact = soft_picture(4, 9, 11, 3)
    other = InstalledNetworks(Engine("cpu", 2), folder).layered()
    assert np.array_equal(other.segments(compact, 8, 70, 88), port.segments(compact, 8, 70, 88))
    assert np.array_equal(other.base(compact, 8, 70, 88), port.base(compact, 8, 70, 88))


@pytest.mark.parametrize(("height", "width"), [(32, 32), (1024, 1056), (2080, 3072)])
def test_windows_cover_the_picture_once_and_see_what_is_around(height: int, width: int) -> None:
    counted = np.zeros((height // 32, width // 32), int)
    for seen, given in windows(height, width):
        counted[tuple(slice(g.start // 32, g.stop // 32) for g in given)] += 1
        for s, g, size in zip(seen, given, (height, width), strict=True):
            assert (s.start, s.stop) == (max(0, g.start - 128), min(size, g.stop + 128))
            assert g.stop - g.start <= 1024
            assert s.start % 32 == s.stop % 32 == 0
    assert (counted == 1).all()


def test_windows_far_apart_do_not_see_each_other(port: LayeredPort, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layered, "WINDOW_PX", 64)
    monkeypatch.setattr(layered, "MARGIN_PX", 32)
    compact = soft_picture(5, 8, 32, 3)
    other = compact.copy()
    other[:, 24:] = 255 - other[:, 24:]
    before, after = (port.base(each, 8, 64, 256) for each in (compact, other))
    assert np.array_equal(before[:, :128], after[:, :128])
    assert not np.array_equal(before[:, 128:192], after[:, 128:192])


def test_compact_pictures_are_made_window_by_window(port: LayeredPort, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its network sees 16 pixels: no window shows."""
    picture = soft_picture(6, 100, 150, 3)
    whole = port.compact(picture, 16).astype(int)
    monkeypatch.setattr(layered, "WINDOW_PX", 64)
    monkeypatch.setattr(layered, "MARGIN_PX", 32)
    assert np.abs(port.compact(picture, 16) - whole).max() <= 1  # float sums of other sizes


def test_ports_say_what_they_are(port: LayeredPort, folder: Path) -> None:
    assert port.segmenter_reference == card(1, folder).reference
    assert port.fine_reference == card(2, folder).reference
    assert port.classes == tuple(SEGMENTER["classes"])
    assert port.colours == ((1, 2, 3), (4, 5, 6), (7, 8, 9))


def test_networks_are_found_by_reference_and_read_once(installed: InstalledNetworks, port: LayeredPort) -> None:
    assert installed.layered(port.fine_reference, port.segmenter_reference) is port
    coder = installed.sample_coder()
    assert installed.sample_coder(coder.reference) is coder
    for missing in (ModelRef(2, b"others"), ModelRef(77, b"others")):
        with pytest.raises(ModelMissing):
            installed.layered(missing)
        with pytest.raises(ModelMissing):
            installed.layered(None, missing)
        with pytest.raises(ModelMissing):
            installed.sample_coder(missing)


def test_a_fine_network_has_the_compact_network_that_was_trained_with_it(folder: Path, tmp_path: Path) -> None:
    """Whatever the default is."""
    install_layered(tmp_path)
    zeros = {name: np.zeros_like(array) for name, array in load_file(folder / "compact-1.safetensors").items()}
    install(tmp_path, "compact", save(zeros), 5, "compnet", COMPACT, id="compact-2", exact=False)
    (tmp_path / "defaults.toml").write_text("segmenter = 1\nfine = 2\ncompact = 5\nsamples = 4\n")
    picture = soft_picture(7, 32, 32, 3)
    found = InstalledNetworks(Engine("cpu", 1), tmp_path).layered().compact(picture, 8)
    assert np.array_equal(found, InstalledNetworks(Engine("cpu", 1), folder).layered().compact(picture, 8))


def test_weights_that_are_gone_are_missing_when_they_are_needed(tmp_path: Path) -> None:
    install_layered(tmp_path)
    (tmp_path / "fine-1.safetensors").unlink()
    port = InstalledNetworks(Engine("cpu", 1), tmp_path).layered()
    compact = soft_picture(8, 4, 4, 3)
    assert port.segments(compact, 8, 32, 32).shape == (32, 32)
    with pytest.raises(ModelMissing, match="fine-1"):
        port.base(compact, 8, 32, 32)


def test_samples_come_back_through_the_port(installed: InstalledNetworks, folder: Path) -> None:
    coder = installed.sample_coder()
    assert coder.reference == card(4, folder).reference
    picture, base = soft_picture(9, 12, 13, 3), soft_picture(10, 12, 13, 3)
    levels = ((picture.astype(np.uint16) + 1) // 3).astype(np.uint8)
    data = coder.encode(levels, base, 3)
    assert np.array_equal(coder.decode(data, levels.shape, base, 3), levels)


def test_the_fine_network_of_another_number_of_classes_is_a_defect(tmp_path: Path) -> None:
    install_layered(tmp_path)
    other = FINE | {"n_classes": 4}
    install(tmp_path, "fine", dump_frozen(drawn(FineNet(**other), 6)), 2, "finenet", FINE)
    with pytest.raises(ValueError, match="do not fit"):
        InstalledNetworks(Engine("cpu", 1), tmp_path).layered().base(soft_picture(8, 4, 4, 3), 8, 32, 32)


def test_a_callers_autocast_changes_nothing(port: LayeredPort) -> None:
    compact = port.compact(soft_picture(4, 64, 96, 3), 8)
    base, labels = port.base(compact, 8, 64, 96), port.segments(compact, 8, 64, 96)
    with torch.autocast("cpu", torch.bfloat16):
        assert np.array_equal(port.base(compact, 8, 64, 96), base)
        assert np.array_equal(port.segments(compact, 8, 64, 96), labels)
