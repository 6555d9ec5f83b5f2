from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from carcodec import runtime
from carcodec.container.payloads import ModelRef
from carcodec.descriptor.context import ContextModel
from carcodec.errors import FormatError, ModelMissing, UsageError
from carcodec.models.cards import card
from carcodec.nn.dagn import Dagn, GuidedDagn
from carcodec.nn.tiling import SEAM_LEVELS, Tiling
from carcodec.ports import Condition, Image, Networks
from carcodec.runtime import Engine, InstalledNetworks, processor
from carcodec.train.export import export
from tests.stubs.context import toy_arrays
from tests.stubs.models import DEPTHS, WIDTHS, checkpoint, fields, install, seeded

PLAIN = 1
SMALL = Tiling(tile=64, overlap=64)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def installed(folder: Path) -> InstalledNetworks:
    return InstalledNetworks(Engine("cpu", 1, "float32"), folder)


@pytest.fixture(scope="module")
def condition() -> Condition:
    return np.random.default_rng(1).random(131, np.float32)


def picture_of(*shape: int) -> Image:
    return np.random.default_rng(2).integers(0, 256, shape, np.uint8)


def symbols_of(height: int, width: int) -> Image:
    return np.random.default_rng(3).integers(0, 16, (-(-height // 16), -(-width // 16)), np.uint8)


@pytest.mark.parametrize("shape", [(1, 1, 3), (37, 50, 3), (37, 50), (64, 48, 3)])
@pytest.mark.parametrize("guided", [False, True])
def test_a_restored_picture_has_the_shape_of_the_base_in_float_levels(
    installed: Networks, condition: Condition, shape: tuple[int, ...], guided: bool
) -> None:
    base = picture_of(*shape)
    levels = installed.restorer().restore(base, condition, symbols_of(*shape[:2]) if guided else None)
    assert levels.dtype == np.float32
    assert levels.shape == shape
    assert 0.5 < np.abs(levels - base).mean() < 100


def test_levels_are_what_the_network_says_times_255(folder: Path, installed: Networks, condition: Condition) -> None:
    base = picture_of(32, 48, 3)
    network = runtime.build(card(2, folder), folder).eval()
    tensor = torch.from_numpy(base).permute(2, 0, 1)[None] / 255
    with torch.inference_mode():
        expected = network(tensor, torch.from_numpy(condition)[None])[0].permute(1, 2, 0).numpy() * 255
    assert np.abs(installed.restorer().restore(base, condition) - expected).max() < 1e-3


def test_gray_is_restored_as_the_mean_of_three_equal_channels(installed: Networks, condition: Condition) -> None:
    base = picture_of(40, 40)
    in_colour = installed.restorer().restore(np.stack([base] * 3, axis=2), condition)
    assert np.allclose(installed.restorer().restore(base, condition), in_colour.mean(axis=2), atol=1e-3)


def test_symbol_zero_everywhere_is_the_restoration_without_descriptor(
    installed: Networks, condition: Condition
) -> None:
    base = picture_of(32, 32, 3)
    zeros = np.zeros((2, 2), np.uint8)
    restorer = installed.restorer()
    assert np.allclose(restorer.restore(base, condition, zeros), restorer.restore(base, condition), atol=1e-4)


def test_in_pieces_equals_at_once_within_the_stated_tolerance(
    folder: Path, installed: Networks, condition: Condition
) -> None:
    base, symbols = picture_of(250, 330, 3), symbols_of(250, 330)
    in_pieces = InstalledNetworks(Engine("cpu", 1, "float32", SMALL), folder).restorer()
    seams = in_pieces.restore(base, condition, symbols) - installed.restorer().restore(base, condition, symbols)
    assert np.abs(seams).max() < SEAM_LEVELS


def test_bfloat16_stays_within_a_share_of_the_correction(
    folder: Path, installed: Networks, condition: Condition
) -> None:
    base = picture_of(48, 64, 3)
    exact = installed.restorer().restore(base, condition)
    reduced = InstalledNetworks(Engine("cpu", 1, "bfloat16"), folder).restorer().restore(base, condition)
    error, correction = np.sqrt(np.mean((reduced - exact) ** 2)), np.sqrt(np.mean((exact - base) ** 2))
    assert 0 < error < 0.02 * correction


def test_analysis_predicts_the_error_of_each_symbol(installed: Networks, condition: Condition) -> None:
    image, base = picture_of(32, 48, 3), picture_of(32, 48, 3)[::-1].copy()
    restorer = installed.restorer()
    analysis = restorer.analyse(image, base, condition)
    assert analysis.errors.shape == (2, 3, 16)
    assert analysis.proposal.shape == (2, 3)
    assert analysis.proposal.dtype == np.uint8
    assert np.allclose(analysis.blind, restorer.restore(base, condition), atol=1e-3)
    for symbol in (0, 5):
        restored = restorer.restore(base, condition, np.full((2, 3), symbol, np.uint8))
        error = np.square(image - restored).reshape(2, 16, 3, 16, 3).sum(axis=(1, 3, 4))
        assert np.allclose(analysis.errors[..., symbol], error, rtol=1e-3)


def test_errors_of_a_gray_picture_count_one_sample_a_pixel(installed: Networks, condition: Condition) -> None:
    image, base = picture_of(32, 32), picture_of(32, 32)[::-1].copy()
    analysis = installed.restorer().analyse(image, base, condition)
    in_colour = installed.restorer().analyse(np.stack([image] * 3, 2), np.stack([base] * 3, 2), condition)
    assert np.allclose(3 * analysis.errors, in_colour.errors, rtol=1e-4)


def test_the_extractor_of_the_restorer_proposes_and_without_one_the_least_error_does(
    folder: Path, tmp_path: Path, installed: Networks, condition: Condition
) -> None:
    image, base = picture_of(64, 64, 3), picture_of(64, 64, 3)[::-1].copy()
    analysis = installed.restorer().analyse(image, base, condition)
    least = analysis.errors.argmin(axis=2)
    for name in ("guided-1.toml", "guided-1.safetensors", "defaults.toml"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    alone = InstalledNetworks(Engine("cpu", 1, "float32"), tmp_path).restorer().analyse(image, base, condition)
    assert np.array_equal(alone.proposal, least)
    assert not np.array_equal(analysis.proposal, least)


def test_a_restorer_without_guidance_takes_no_symbols(folder: Path, installed: Networks, condition: Condition) -> None:
    plain = installed.restorer(card(PLAIN, folder).reference)
    base = picture_of(16, 16, 3)
    plain.restore(base, condition)
    with pytest.raises(UsageError, match="plain-1"):
        plain.restore(base, condition, np.zeros((1, 1), np.uint8))
    with pytest.raises(UsageError, match="plain-1"):
        plain.analyse(base, base, condition)


@pytest.mark.parametrize(("name", "network_class"), [("dagn", Dagn), ("guided-dagn", GuidedDagn)])
def test_dagn_is_a_restorer_as_any_other(
    tmp_path: Path, condition: Condition, name: str, network_class: type[torch.nn.Module]
) -> None:
    arguments = {"widths": WIDTHS, "depths": DEPTHS, "guide_width": 8}
    made = checkpoint(seeded(network_class, WIDTHS, DEPTHS, 8), tmp_path / "trained.pt")
    reference = export(made, fields(5, name, "restorer", name, arguments), tmp_path).reference
    base, symbols = picture_of(197, 310, 3), symbols_of(197, 310)
    restorer = InstalledNetworks(Engine("cpu", 1, "float32"), tmp_path).restorer(reference)
    whole = restorer.restore(base, condition)
    assert whole.shape == base.shape
    assert np.abs(whole - base).max() > 1
    in_pieces = InstalledNetworks(Engine("cpu", 1, "float32", SMALL), tmp_path).restorer(reference)
    assert np.abs(in_pieces.restore(base, condition) - whole).max() < SEAM_LEVELS
    if name == "dagn":
        with pytest.raises(UsageError, match="dagn"):
            restorer.restore(base, condition, symbols)
    else:
        analysis = restorer.analyse(base, base, condition)
        assert np.allclose(analysis.blind, whole, atol=1e-3)


def test_the_context_model_is_the_one_in_the_file(folder: Path, installed: Networks) -> None:
    coder = installed.context_coder()
    symbols = symbols_of(64, 80)
    assert coder.reference == card(4, folder).reference
    expected = ContextModel(toy_arrays()).frequencies(symbols, 3)
    assert np.array_equal(coder.model.frequencies(symbols, 3), expected)


def test_networks_are_found_by_reference_and_read_once(folder: Path, installed: Networks) -> None:
    reference = card(2, folder).reference
    assert installed.restorer() is installed.restorer(reference)
    assert installed.restorer().reference == reference
    assert installed.context_coder() is installed.context_coder()
    with pytest.raises(ModelMissing, match="model 77"):
        installed.restorer(ModelRef(77, bytes(6)))
    with pytest.raises(FormatError, match="context-1"):
        installed.restorer(card(4, folder).reference)


def test_damaged_weights_are_a_missing_model(tmp_path: Path, condition: Condition) -> None:
    weights = install(tmp_path) / "guided-1.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\1")
    with pytest.raises(ModelMissing, match="damaged"):
        InstalledNetworks(Engine("cpu", 1), tmp_path).restorer().restore(picture_of(16, 16, 3), condition)


def test_devices_precisions_and_threads_that_do_not_exist_are_refused() -> None:
    wrongs: tuple[dict[str, Any], ...] = ({"device": "tpu"}, {"precision": "int4"}, {"threads": 0})
    for wrong in wrongs:
        with pytest.raises(UsageError):
            Engine(**wrong)
    with pytest.raises(UsageError, match="float16"):
        _ = Engine("cpu", precision="float16").precision


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_device_that_is_not_here_is_refused() -> None:
    with pytest.raises(UsageError, match="no cuda device"):
        _ = Engine("cuda").device


def test_threads_are_set_while_a_network_runs_and_put_back_after(folder: Path, condition: Condition) -> None:
    before = torch.get_num_threads()
    seen = []
    engine = Engine("cpu", before + 2)

    def function(picture: torch.Tensor) -> list[torch.Tensor]:
        seen.append(torch.get_num_threads())
        return [picture]

    engine.run(function, [picture_of(16, 16, 3)])
    assert seen == [before + 2]
    assert torch.get_num_threads() == before


def test_default_threads_are_the_environments_else_those_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert Engine("cpu").threads == torch.get_num_threads()
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert Engine("cpu").threads == len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("flags", "fast"), [("fma avx2 avx512f", False), ("avx512f avx512_bf16", True), ("amx_bf16", True)]
)
def test_bfloat16_follows_the_flags_of_the_cpu(monkeypatch: pytest.MonkeyPatch, flags: str, fast: bool) -> None:
    monkeypatch.setattr(processor, "_x86_flags", lambda: set(flags.split()))
    monkeypatch.setattr(processor, "_bfloat16_wins_a_trial", lambda: pytest.fail("no trial is needed"))
    assert runtime.cpu_is_fast_in_bfloat16.__wrapped__() is fast


@pytest.mark.parametrize("wins", [False, True])
def test_bfloat16_is_tried_where_flags_are_unknown_or_held_back(monkeypatch: pytest.MonkeyPatch, wins: bool) -> None:
    monkeypatch.setattr(processor, "_bfloat16_wins_a_trial", lambda: wins)
    monkeypatch.setattr(processor, "_x86_flags", set)
    assert runtime.cpu_is_fast_in_bfloat16.__wrapped__() is wins
    monkeypatch.setattr(processor, "_x86_flags", lambda: {"avx512_bf16"})
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    assert runtime.cpu_is_fast_in_bfloat16.__wrapped__() is wins


def test_overflow_in_float16_is_computed_again_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    # bfloat16 stands in for float16, which a CPU does not do; the first answer overflows, the second does not.
    engine = Engine("cpu", 1, "bfloat16")
    monkeypatch.setitem(engine.__dict__, "precision", "float16")
    monkeypatch.setattr(engine, "_reduced", lambda _: torch.autocast("cpu", torch.bfloat16))

    def function(picture: torch.Tensor) -> list[torch.Tensor]:
        return [picture * (float("inf") if torch.is_autocast_enabled("cpu") else 2)]

    (result,) = engine.run(function, [picture_of(16, 16, 3)])
    assert np.isfinite(result).all()


def test_the_same_arguments_give_the_same_networks() -> None:
    assert runtime.networks("cpu", 1) is runtime.networks("cpu", 1)
    assert runtime.networks("cpu", 1) is not runtime.networks("cpu", 2)


def child(code: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)


def test_runtime_and_context_model_need_no_torch(child_environment: dict[str, str], folder: Path) -> None:
    code = f"""
import sys
from pathlib import Path
from carcodec.runtime import Engine, InstalledNetworks
found = InstalledNetworks(Engine(), Path({str(folder)!r}))
found.context_coder(), found.restorer().reference
sys.exit("torch" in sys.modules)
"""
    done = child(code, child_environment)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="GNU's OpenMP tells its settings")
@pytest.mark.parametrize(("own", "policy"), [({}, "PASSIVE"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "ACTIVE")])
def test_waiting_threads_sleep_unless_the_user_says_otherwise(
    child_environment: dict[str, str], own: dict[str, str], policy: str
) -> None:
    code = "import os; from carcodec.runtime import load_torch; load_torch(); print(os.environ.get('OMP_WAIT_POLICY'))"
    done = child(code, child_environment | {"OMP_DISPLAY_ENV": "TRUE"} | own)
    assert f"OMP_WAIT_POLICY = '{policy}'" in done.stderr
    assert done.stdout.strip() == str(own.get("OMP_WAIT_POLICY"))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_gpu_in_half_precision_agrees_with_the_cpu(folder: Path, installed: Any, condition: Condition) -> None:
    base, symbols = picture_of(250, 330, 3), symbols_of(250, 330)
    engine = Engine("cuda")
    assert engine.precision == "float16"
    on_gpu = InstalledNetworks(engine, folder).restorer().restore(base, condition, symbols)
    exact = installed.restorer().restore(base, condition, symbols)
    error, correction = np.sqrt(np.mean((on_gpu - exact) ** 2)), np.sqrt(np.mean((exact - base) ** 2))
    assert error < 0.005 * correction
