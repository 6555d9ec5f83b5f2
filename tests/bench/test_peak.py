"""A process tells its own peak memory, whatever the one that started it holds."""

import subprocess
import sys

import numpy as np
import pytest

from carcodec.bench.peak import command_line, own_peak_mib
from carcodec.bench.stages import command_cost

BALLAST_MIB = 200
SPENDER = """
import sys
held = b"x" * (int(sys.argv[1]) << 20)
sys.exit(int(sys.argv[2]))
"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell")


@pytest.fixture
def spend(tmp_path):
    """Runs a module that holds so many MiB and ends with a code; gives the code and the peak that it told."""
    (tmp_path / "spender.py").write_text(SPENDER)

    def run(n_mib, code=0):
        told = tmp_path / "told"
        command = command_line(told, "spender", [str(n_mib), str(code)])
        done = subprocess.run(command, env={"PYTHONPATH": str(tmp_path)})
        return done.returncode, float(told.read_text())

    return run


def test_peak_is_what_the_module_held(spend):
    _, least = spend(0)
    _, most = spend(50)
    assert most - least == pytest.approx(50, abs=2)


def test_exit_code_of_the_module_is_kept_and_the_peak_told_all_the_same(spend):
    code, peak = spend(1, code=7)
    assert code == 7
    assert peak > 1


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the starting process counts")
def test_memory_of_the_process_that_measures_does_not_count():
    ballast = np.ones(BALLAST_MIB << 20, np.uint8)
    assert own_peak_mib() > BALLAST_MIB
    cost = command_cost(["--version"])
    assert ballast.nbytes > 0
    assert 0 < cost.peak_mib < BALLAST_MIB / 4
    assert cost.seconds > 0
