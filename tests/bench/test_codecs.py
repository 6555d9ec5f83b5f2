"""Every codec that can run here gives a picture like its input, real bytes and its version."""

import numpy as np
import pytest

from carcodec.bench.measure import like
from carcodec.bench.table import CODECS, VARIANTS, command_request, parse_codecs
from carcodec.datasets.cards import open_dataset
from carcodec.errors import CarError, ModelMissing
from carcodec.pixels.metrics import psnr
from carcodec.report.bd import bd_rate
from tests.conftest import ROOT

VECTORS = ROOT / "tests" / "vectors"
RIVALS = [name for name in [*CODECS, *VARIANTS] if not name.startswith("carcodec")]


@pytest.fixture(scope="module")
def crops():
    loaded = {entry.name: entry.load() for entry in open_dataset("samples", None)}
    photograph = loaded["coffee"]
    return {"photograph": photograph, "RGB": photograph[:61, :77], "gray": loaded["camera"][100:161, 200:277]}


def _codec(name):
    codec = parse_codecs(name)[0].build()
    if codec.missing():
        pytest.skip(codec.missing())
    return codec


@pytest.mark.parametrize("layout", ["RGB", "gray"])
@pytest.mark.parametrize("name", RIVALS)
def test_rival_round_trip(name, layout, crops):
    codec, image = _codec(name), crops[layout]
    settings = (0,) if codec.lossless else (codec.default_settings[0], codec.default_settings[-1])
    files = [codec.encode(image, setting) for setting in settings]
    decoded = [like(codec.decode(data), image) for data in files]
    assert all(picture.shape == image.shape and picture.dtype == np.uint8 for picture in decoded)
    if codec.lossless:
        assert np.array_equal(decoded[0], image)
        return
    assert len(files[0]) < len(files[1]), "a higher setting spends more bytes"
    assert psnr(image, decoded[0]) < psnr(image, decoded[1]), "and gives a better picture"
    assert psnr(image, decoded[1]) > 30


@pytest.mark.parametrize("name", RIVALS)
def test_rival_names_its_library_and_version(name):
    assert any(character.isdigit() for character in _codec(name).versions())


def test_lepton_holds_the_very_jpeg_of_the_anchor(crops):
    lepton, jpeg = _codec("lepton"), _codec("jpeg")
    image = crops["RGB"]
    packed, plain = lepton.encode(image, 50), jpeg.encode(image, 50)
    assert len(packed) < len(plain)
    assert np.array_equal(lepton.decode(packed), jpeg.decode(plain))


def test_parts_of_a_car_file_add_up():
    data = (VECTORS / "car" / "colour" / "coded.car").read_bytes()
    contents = parse_codecs("carcodec")[0].build().contents(data)
    assert contents.models[0] == "restorer-1"
    assert contents.jpeg_bytes > 100
    assert contents.jpeg_bytes + contents.side_bytes + contents.rest_of(len(data)) == len(data)


@pytest.mark.parametrize("layout", ["RGB", "gray"])
def test_jpeg_of_a_jpeg_shows_the_blocks_of_both(layout, crops):
    once, twice = _codec("jpeg"), _codec("jpeg:first=10,shift=3")
    image = crops[layout]
    decoded = once.decode(twice.encode(image, 95))
    assert decoded.shape == image.shape
    assert psnr(image, decoded) < psnr(image, once.decode(once.encode(image, 20)))
    levels = decoded.reshape(*image.shape[:2], -1)[..., 1 % (image.ndim - 1)].astype(int)
    steps = np.abs(np.diff(levels, axis=1)).mean(axis=0)
    edge = (np.arange(len(steps)) + 1) % 8 == 5  # three columns were cut off the first one's blocks of eight
    assert steps[edge].mean() > 1.3 * steps[~edge].mean()


@pytest.mark.parametrize("layout", ["RGB", "gray"])
def test_restored_file_is_the_very_jpeg_and_looks_better(layout, crops):
    restored, jpeg = _codec("carcodec-restore"), _codec("jpeg")
    image = crops[layout]
    data = restored.encode(image, 10)
    assert data == jpeg.encode(image, 10)
    assert psnr(image, restored.decode(data)) > psnr(image, jpeg.decode(data)) + 0.3
    assert "restorer-" in restored.versions()
    assert "Pillow" in restored.versions()


def test_car_file_of_layers_is_made_of_other_parts_and_names_each_model_once():
    data = (VECTORS / "container" / "valid" / "layered_lossless.car").read_bytes()
    contents = parse_codecs("carcodec:mode=layered")[0].build().contents(data)
    assert (contents.jpeg_bytes, contents.side_bytes, contents.rest_of(len(data))) == (None, None, None)
    assert len(contents.models) == 1, "all layers of this file name the same model"


def test_carcodec_without_the_models_of_its_mode_is_missing(monkeypatch):
    def none(role):
        raise ModelMissing(f"no model is installed for the role {role!r}")

    codec = parse_codecs("carcodec")[0].build()
    assert codec.missing() is None
    monkeypatch.setattr("carcodec.bench.codecs.car.default", none)
    assert codec.missing() == "no model is installed for the role 'restorer'"


def test_jpeg_xl_distance_of_quality_follows_libjxl():
    from carcodec.bench.codecs.jxl import distance_of_quality

    assert [round(distance_of_quality(q), 3) for q in (100, 90, 75, 30, 10)] == [0.0, 1.0, 2.35, 6.4, 15.267]


def test_missing_package_is_named(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    for name, package in (("jxl", "pyjpegxl"), ("heic", "pillow-heif"), ("lepton", "lepton-jpeg-python")):
        assert package in parse_codecs(name)[0].build().missing()


def test_commands_code_pictures_by_files(crops):
    codec = command_request("copy", "cp {png} {out}", "cp {out} {png}").build()
    assert codec.missing() is None
    assert np.array_equal(codec.decode(codec.encode(crops["RGB"], 1)), crops["RGB"])


def test_failing_command_says_what_it_printed(crops):
    codec = command_request("broken", "cat {ppm} /no/such/file {out}", "true {ppm} {out}").build()
    with pytest.raises(CarError, match=r"cat failed with exit code 1.*no/such/file"):
        codec.encode(crops["gray"], 1)


def test_absent_program_is_named():
    codec = command_request("none", "no-such-program {ppm} {out}", "cp {out} {ppm}").build()
    assert codec.missing() == "no program no-such-program"


@pytest.mark.parametrize("name", ["webp", "avif", "jxl", "jpeg2000", "heic", "lepton"])
def test_rival_needs_fewer_bits_than_jpeg(name, crops):
    """A package that drives its library badly (no colour transform, say) must not pass for a rival."""
    image, curves = crops["photograph"], []
    for codec in (_codec("jpeg"), _codec(name)):
        files = [codec.encode(image, setting) for setting in codec.default_settings[:5]]
        curves.append([(8 * len(data) / image[..., 0].size, psnr(image, codec.decode(data))) for data in files])
    assert bd_rate(*curves) < -10
