"""Bases, segments and coded samples in child processes with other threads and instruction sets: equal to the bit.

Untrained networks, whose numbers are spread over the whole range; each child proves that its setting took effect.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.exact.test_context import DISPATCHED, X86, openblas
from tests.exact.test_pixels import HELD_BACK, in_child
from tests.stubs.installed_layers import install_layered

CHILD = """
import ctypes, hashlib, json, sys
from pathlib import Path
import numpy as np
from carcodec.runtime import Engine, InstalledNetworks, load_torch
from tests.exact.test_context import FEATURES, openblas
from tests.stubs.samples import soft_picture

folder, threads = Path(sys.argv[1]), int(sys.argv[2])
networks = InstalledNetworks(Engine("cpu", threads), folder)
port, coder = networks.layered(), networks.sample_coder()
found = {name: hashlib.sha256() for name in ("base", "segments", "samples")}
for scale, height, width in ((8, 70, 90), (32, 40, 97)):
    shape = -(-height // scale), -(-width // scale), 3
    compact = soft_picture(scale, *shape)
    base = port.base(compact, scale, height, width)
    found["base"].update(base.tobytes())
    found["segments"].update(port.segments(compact, scale, height, width).tobytes())
    piece = np.ascontiguousarray(base[:32, :40])
    data = coder.encode(soft_picture(scale, 32, 40, 3), piece, 1)
    assert np.array_equal(coder.decode(data, piece.shape, piece, 1), soft_picture(scale, 32, 40, 3))
    found["samples"].update(data)
blas = openblas()
if blas is not None:
    blas.scipy_openblas_get_corename64_.restype = ctypes.c_char_p
print(json.dumps({
    "digests": {name: digest.hexdigest() for name, digest in found.items()},
    "aten": load_torch().backends.cpu.get_cpu_capability(),
    "core": blas and blas.scipy_openblas_get_corename64_().decode(),
    "features": [name for name, on in FEATURES.items() if on],
}))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install_layered(tmp_path_factory.mktemp("models"))


def child(folder: Path, threads: int, setting: dict[str, str]) -> dict[str, object]:
    answer: dict[str, object] = json.loads(in_child(CHILD, setting, folder, str(threads)).splitlines()[-1])
    return answer


@pytest.fixture(scope="module")
def plain(folder: Path) -> dict[str, object]:
    return child(folder, min(2, os.cpu_count() or 1), {})


def test_one_thread_and_old_instructions_change_nothing(folder: Path, plain: dict[str, object]) -> None:
    held = child(folder, 1, HELD_BACK)
    assert held["aten"] == "DEFAULT"
    assert held["digests"] == plain["digests"]


@pytest.mark.skipif(not X86 or openblas() is None, reason="the names of x86 kernels")
def test_the_oldest_kernels_of_numpy_change_nothing(folder: Path, plain: dict[str, object]) -> None:
    setting = {"OPENBLAS_CORETYPE": "Prescott", "NPY_DISABLE_CPU_FEATURES": " ".join(DISPATCHED)}
    old = child(folder, 1, setting)
    assert old["core"] != plain["core"]
    assert not set(old["features"]) & set(DISPATCHED)  # type: ignore[call-overload]
    assert old["digests"] == plain["digests"]
