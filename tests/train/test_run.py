"""Where a run begins: an earlier checkpoint or a shipped weight file, in the part that takes it."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from carcodec.train.run import _begin_from


@pytest.mark.parametrize("shipped", [True, False])
def test_a_run_begins_from_the_weights_it_is_given(tmp_path, shipped):
    earlier, later = nn.Linear(3, 2), nn.Linear(3, 2)
    start = tmp_path / ("start.safetensors" if shipped else "start.pt")
    if shipped:
        save_file({name: weight.half() for name, weight in earlier.state_dict().items()}, start)
    else:
        torch.save({"network": earlier.state_dict()}, start)
    _begin_from(start, later)
    assert torch.allclose(earlier.weight, later.weight, atol=1e-3)
    assert later.weight.dtype == torch.float32


def test_weights_without_a_place_are_refused(tmp_path):
    torch.save({"network": {"strange": torch.zeros(1)}}, tmp_path / "start.pt")
    with pytest.raises(ValueError, match="strange"):
        _begin_from(tmp_path / "start.pt", nn.Linear(3, 2))
