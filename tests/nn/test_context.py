import numpy as np
import torch

from carcodec.descriptor.context import NEIGHBOURS, OUTSIDE
from carcodec.nn.context import ContextNetwork, site_bits


def network(width: int = 8) -> ContextNetwork:
    torch.manual_seed(1)
    return ContextNetwork(width)


def test_only_later_sites_see_a_symbol() -> None:
    codes = torch.zeros(1, 7, 9, dtype=torch.int64)
    changed = codes.clone()
    changed[0, 3, 4] = 9
    with torch.no_grad():
        logits = [network()(grid, torch.tensor([2])) for grid in (codes, changed)]
    differs = (logits[0] != logits[1]).any(dim=1)[0]
    assert {(i - 3, j - 4) for i, j in differs.nonzero().tolist()} == {(-dy, -dx) for dy, dx in NEIGHBOURS}


def test_codes_outside_equal_the_border_of_the_array() -> None:
    grid = torch.randint(0, 16, (1, 5, 6))
    framed = torch.full((1, 11, 14), OUTSIDE)
    framed[:, 3:8, 4:10] = grid
    with torch.no_grad():
        inner, outer = network()(grid, torch.tensor([0])), network()(framed, torch.tensor([0]))
    torch.testing.assert_close(outer[:, :, 3:8, 4:10], inner)


def test_sites_outside_cost_nothing_and_others_their_surprise() -> None:
    logits = torch.randn(1, 16, 1, 2)
    bits = site_bits(logits, torch.tensor([[[5, OUTSIDE]]]))
    # The network's logits are to base 2.
    share = 2.0 ** logits[0, :, 0, 0].double()
    np.testing.assert_allclose(bits[0, 0, 0], -torch.log2(share[5] / share.sum()), rtol=1e-5)
    assert bits[0, 0, 1] == 0


def test_every_weight_learns_through_the_rounding() -> None:
    net = network()
    codes = torch.randint(0, 16, (4, 8, 8))
    site_bits(net(codes, torch.arange(4)), codes).mean().backward()
    for name, weight in net.named_parameters():
        assert weight.grad is not None
        assert weight.grad.abs().sum() > 0, name
    unseen = net.head.weight.grad
    assert unseen is not None
    assert unseen[:, :, 2, 2:].abs().sum() == 0
    assert unseen[:, :, 3:].abs().sum() == 0


def test_autocast_does_not_coarsen_the_rate() -> None:
    codes = torch.randint(0, 16, (2, 6, 6))
    net = network()
    with torch.no_grad():
        plain = net(codes, torch.tensor([1, 2]))
        with torch.autocast("cpu", torch.bfloat16):
            cast = net(codes, torch.tensor([1, 2]))
    assert cast.dtype == torch.float32
    assert torch.equal(plain, cast)
