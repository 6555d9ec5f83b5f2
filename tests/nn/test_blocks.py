"""Blocks: one picture and many go different ways to the same features."""

from __future__ import annotations

import torch
from torch import nn

from carcodec.nn.blocks import ModulatedBlock


def test_one_picture_whose_code_goes_into_the_kernel_is_modulated_as_many_are() -> None:
    torch.manual_seed(5)
    block = ModulatedBlock(6, 4)
    for weight in block.modulation.parameters():
        nn.init.normal_(weight, std=0.5)
    x, code = torch.randn(3, 6, 8, 10), torch.randn(3, 4)
    together = block(x, code)
    alone = torch.cat([block(x[i : i + 1], code[i : i + 1]) for i in range(3)])
    assert torch.allclose(together, alone, atol=1e-5)
    assert not torch.allclose(block(x, code.flip(0)), together, atol=1e-2)
