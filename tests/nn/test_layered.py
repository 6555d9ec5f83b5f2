from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from carcodec.nn.exact import frozen, load_frozen
from carcodec.nn.layered import SCALES, CompNet, FineNet, bilinear
from carcodec.pixels.upsample import upsampled

N_CLASSES = 3


def whole(*shape: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(sum(shape)).integers(0, 256, shape).astype(np.float32))


def fine_net(seed: int = 2) -> FineNet:
    torch.manual_seed(seed)
    network = FineNet(N_CLASSES, width=8, depth=2)
    nn.init.normal_(network.tail.weight, std=0.1)
    return network


@pytest.mark.parametrize("factor", [1, 2, 4, 8, 16, 32])
def test_tensors_are_up_sampled_as_pictures_are(factor: int) -> None:
    compact = whole(1, 3, 3, 5)
    found = bilinear(compact, factor)[0].permute(1, 2, 0).numpy()
    expected = upsampled(compact[0].permute(1, 2, 0).numpy().astype(np.uint8), factor, 3 * factor, 5 * factor)
    assert np.array_equal(found, expected)


@pytest.mark.parametrize("scale", SCALES)
def test_an_untrained_compact_picture_is_the_mean_of_squares(scale: int) -> None:
    picture = whole(1, 3, 64, 96)
    with torch.no_grad():
        found = CompNet(compact_width=8)(picture, scale)
    means = picture[0].numpy().reshape(3, 64 // scale, scale, 96 // scale, scale).mean(axis=(2, 4))
    assert found.shape == (1, 3, 64 // scale, 96 // scale)
    assert np.abs(found[0].numpy() - means).max() <= 0.51


def test_a_compact_picture_is_whole_and_within_a_byte() -> None:
    torch.manual_seed(1)
    network = CompNet(compact_width=8)
    nn.init.normal_(network.tail.weight, std=3.0)
    with torch.no_grad():
        found = network(whole(1, 3, 64, 64), 8)
    assert torch.equal(found, found.round())
    assert (found.min(), found.max()) == (0, 255)


@pytest.mark.parametrize("scale", SCALES)
def test_an_untrained_base_is_the_up_sampled_picture(scale: int) -> None:
    up = whole(1, 3, 32, 64)
    with torch.no_grad():
        base = FineNet(N_CLASSES, width=8, depth=1).eval()(whole(1, 3, 4, 8), whole(1, N_CLASSES, 8, 16), up, scale)
    assert torch.equal(base, up)


def test_the_base_depends_on_all_it_is_told() -> None:
    network = fine_net().eval()
    told = [whole(1, 3, 4, 8), whole(1, N_CLASSES, 8, 16), whole(1, 3, 32, 64)]
    with torch.no_grad():
        bases = [network(*told, scale) for scale in SCALES]
        bases += [
            network(*(255 - each if i == place else each for i, each in enumerate(told)), 8) for place in range(3)
        ]
    assert len({base.numpy().tobytes() for base in bases}) == len(bases)
    assert all(torch.equal(base, base.round()) for base in bases)


def test_training_computes_what_will_run_and_freezing_changes_nothing() -> None:
    network = fine_net()
    told = [whole(1, 3, 4, 8), whole(1, N_CLASSES, 8, 16), whole(1, 3, 32, 64)]
    with torch.no_grad():
        trained, run = network.train()(*told, 16), network.eval()(*told, 16)
    other = FineNet(N_CLASSES, width=8, depth=2)
    load_frozen(other, frozen(network))
    assert torch.equal(trained, run)
    assert torch.equal(other(*told, 16), run)
