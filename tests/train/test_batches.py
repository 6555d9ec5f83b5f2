"""Batches are made beside the training: what makes them must leave torch's threads to it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stubs.photos import write_photos

# Of this process's threads, how many the making of a batch adds, as the thread that makes it sees them.
CHILD = """
import os, sys, threading
from pathlib import Path

import numpy as np
import torch

from carcodec.train.degrade import Mixture
from carcodec.train.tasks.restorer import CropSource

source = CropSource(Path(sys.argv[1]), 96, Mixture(), 1)
assert torch.get_num_threads() == 2
torch.rand(1 << 20).sin()  # the training's own pool


def count() -> int:
    return len(os.listdir("/proc/self/task"))


def make() -> None:
    before = count()
    source.batch(np.random.default_rng(1), 16)
    print(count() - before)


thread = threading.Thread(target=make)
thread.start()
thread.join()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="counts threads in /proc")
def test_a_batch_made_in_a_thread_starts_no_second_pool(tmp_path: Path) -> None:
    command = [sys.executable, "-c", CHILD, str(write_photos(tmp_path))]
    environment = os.environ | {"OMP_NUM_THREADS": "2", "MKL_NUM_THREADS": "2", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("0\n", 0), done.stderr
