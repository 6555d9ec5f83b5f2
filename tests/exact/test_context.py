"""Frequencies and payloads in child processes with other threads and instruction sets: equal to the bit."""

import ctypes
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
FEATURES = np._core._multiarray_umath.__cpu_features__  # type: ignore[attr-defined]
DISPATCHED = [name for name in np._core._multiarray_umath.__cpu_dispatch__ if FEATURES.get(name)]  # type: ignore[attr-defined]
X86 = FEATURES.get("SSE2", False)


def openblas() -> ctypes.CDLL | None:
    """The BLAS that numpy's wheel brings, to ask it what it really uses."""
    found = sorted((Path(np.__file__).parents[1] / "numpy.libs").glob("*openblas*"))
    return ctypes.CDLL(str(found[0])) if found else None


def state() -> dict[str, object]:
    """What this process runs with, and a digest of what it computes."""
    from carcodec.descriptor.coding import decode_symbols, encode_symbols
    from tests.stubs.context import toy_model
    from tests.stubs.grids import markov_grid

    model = toy_model(24)
    digest = hashlib.sha256()
    for klass, shape in enumerate([(33, 48), (5, 70), (64, 3)]):
        symbols = markov_grid(np.random.default_rng(klass), *shape)
        payload = encode_symbols(symbols, model, klass)
        assert (decode_symbols(payload, *shape, model, klass) == symbols).all()
        digest.update(model.frequencies(symbols, klass).astype("<i8").tobytes() + payload)
    blas = openblas()
    core = None
    threads = None
    if blas is not None:
        blas.scipy_openblas_get_corename64_.restype = ctypes.c_char_p
        core = blas.scipy_openblas_get_corename64_().decode()
        threads = blas.scipy_openblas_get_num_threads64_()
    return {
        "digest": digest.hexdigest(),
        "features": [name for name, on in FEATURES.items() if on],
        "core": core,
        "threads": threads,
    }


def child(**setting: str) -> dict[str, object]:
    kept = {name: value for name, value in os.environ.items() if "THREADS" not in name}
    done = subprocess.run(
        [sys.executable, __file__],
        env=kept | {"PYTHONPATH": str(ROOT)} | setting,
        capture_output=True,
        text=True,
        check=True,
    )
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


@pytest.fixture(scope="module")
def here() -> dict[str, object]:
    return state()


@pytest.mark.skipif(openblas() is None, reason="numpy brings no OpenBLAS here")
@pytest.mark.parametrize("threads", [1, 2])
def test_thread_counts_change_nothing(here: dict[str, object], threads: int) -> None:
    if (os.cpu_count() or 1) < threads:
        pytest.skip("not that many cores")
    answer = child(OMP_NUM_THREADS=str(threads))
    assert answer["threads"] == threads
    assert answer["digest"] == here["digest"]


@pytest.mark.skipif(not X86 or openblas() is None, reason="the names of x86 kernels")
@pytest.mark.parametrize("core", ["Prescott", "Haswell"])
def test_blas_kernels_change_nothing(here: dict[str, object], core: str) -> None:
    if here["core"] == core:
        pytest.skip(f"this BLAS runs {core} anyway")
    answer = child(OPENBLAS_CORETYPE=core)
    assert answer["core"] != here["core"]  # older names stand for families: Prescott reports itself as Katmai
    assert answer["digest"] == here["digest"]


@pytest.mark.skipif(not DISPATCHED, reason="numpy dispatches nothing here")
def test_instruction_sets_change_nothing(here: dict[str, object]) -> None:
    answer = child(NPY_DISABLE_CPU_FEATURES=" ".join(DISPATCHED))
    features = answer["features"]
    assert isinstance(features, list)
    assert not set(features) & set(DISPATCHED)
    assert answer["digest"] == here["digest"]


if __name__ == "__main__":
    print(json.dumps(state()))
