from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest

from carcodec.nn.dagn import GuidedDagn
from carcodec.train.export import export
from tests.stubs.models import checkpoint, fields, seeded

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="measured as Linux and glibc do")

# Shipped widths, so that a piece takes what it takes in life; few blocks, since more take time and no memory.
SHAPE = {"widths": (48, 96, 192), "depths": (1, 0, 0, 0, 1), "guide_width": 64}

RESTORE = """
import resource, sys
from pathlib import Path
import numpy as np
from carcodec.runtime import Engine, InstalledNetworks
base = np.random.default_rng(1).integers(0, 256, (4000, 6000, 3), np.uint8)
restorer = InstalledNetworks(Engine("cpu", precision="float32"), Path(sys.argv[1])).restorer()
levels = restorer.restore(base, np.zeros(131, np.float32))
assert levels.shape == base.shape
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""

KEEP = """
import resource
from carcodec.runtime import keep_freed_memory
keep_freed_memory()
block = bytearray(64 << 20)
del block
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
block = bytearray(64 << 20)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def number_printed_by(code: str, environment: dict[str, str], *arguments: str) -> int:
    done = subprocess.run([sys.executable, "-c", code, *arguments], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.slow
def test_24_megapixels_restore_in_less_than_2_gb(tmp_path: Path, child_environment: dict[str, str]) -> None:
    trained = checkpoint(seeded(lambda: GuidedDagn(**SHAPE)), tmp_path / "trained.pt")
    export(trained, fields(1, "wide-1", "restorer", "guided-dagn", SHAPE), tmp_path)
    (tmp_path / "defaults.toml").write_text("restorer = 1\n")
    peak_mb = number_printed_by(RESTORE, child_environment, str(tmp_path))
    assert peak_mb < 2000, f"{peak_mb} MB"


def test_memory_that_was_freed_is_kept_for_the_next_block(child_environment: dict[str, str]) -> None:
    assert number_printed_by(KEEP, child_environment) < 100  # 64 MB are 16,384 pages
