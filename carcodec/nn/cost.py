"""What a restorer costs, whatever machine runs it: weights and multiply-accumulates."""

from __future__ import annotations

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from carcodec.jpeg.conditioning import CONDITION_SIZE

SIDE_PX = 256  # large enough that what is done once a picture hardly counts, small enough to be quick


def weights(network: nn.Module) -> int:
    """How many numbers were, or would be, trained."""
    return sum(parameter.numel() for parameter in network.parameters())


def multiply_accumulates(network: nn.Module) -> float:
    """Of convolutions and matrix products, per pixel of a picture of `SIDE_PX` squared; nothing is computed.

    Args:
        network: takes base float[N,3,H,W] and condition float[N,131]. It is left as it was.
    """
    tensors = dict(network.named_parameters()) | dict(network.named_buffers())
    on_meta = {name: tensor.to("meta") for name, tensor in tensors.items()}
    inputs = torch.empty(1, 3, SIDE_PX, SIDE_PX, device="meta"), torch.empty(1, CONDITION_SIZE, device="meta")
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        torch.func.functional_call(network, on_meta, inputs)
    return int(counter.get_total_flops()) / 2 / SIDE_PX**2
