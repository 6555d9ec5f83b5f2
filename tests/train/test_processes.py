"""Several processes, with the variables that `torchrun` sets: all end with the same weights, and one writes."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.train.test_loop import PLAN, ToyTask

CHILD = """
import sys
from pathlib import Path

import torch

from carcodec.train.loop import Run
from carcodec.train.run import _joined
from tests.train.test_loop import PLAN, ToyTask

folder = Path(sys.argv[1])
device = _joined(torch.device("cpu"))
task = ToyTask()
run = Run(task, PLAN, folder, device)
run.go()
torch.save(task.network.state_dict(), folder / f"rank-{run.rank}.pt")
torch.distributed.destroy_process_group()
"""


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.mark.skipif(not torch.distributed.is_available(), reason="this torch was built without torch.distributed")
def test_two_processes_end_with_the_same_weights_and_one_of_them_writes(
    tmp_path: Path, child_environment: dict[str, str]
) -> None:
    shared = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    children = [
        subprocess.Popen(
            [sys.executable, "-c", CHILD, str(tmp_path)],
            env=child_environment | shared | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
            stderr=subprocess.PIPE,
        )
        for rank in range(2)
    ]
    for child in children:
        _, words = child.communicate(timeout=100)
        assert child.returncode == 0, words.decode()
    first, second = (torch.load(tmp_path / f"rank-{rank}.pt", weights_only=True) for rank in range(2))
    untrained = ToyTask().network.state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not any(torch.equal(first[name], untrained[name]) for name in first)
    last = torch.load(tmp_path / "last.pt", weights_only=True)
    assert last["step"] == PLAN.steps
    assert all(torch.equal(first[name], last["network"][name]) for name in first)
    assert (tmp_path / "log.jsonl").read_text().count("val_gain") == PLAN.steps // PLAN.validate_every
