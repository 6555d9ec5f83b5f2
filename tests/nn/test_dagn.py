"""DAGN's network: the trunk's weights carry over, and each part does what the paper has it for."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from carcodec.nn.cost import multiply_accumulates
from carcodec.nn.dagn import Dagn, GuidedDagn
from carcodec.nn.restorer import Restorer
from tests.stubs.models import DEPTHS, WIDTHS, seeded
from tests.stubs.reach import dagn_reach

REACHES_PX = [((1, 2, 4, 2, 2), 257), ((2, 3, 7, 3, 3), 317)]  # of shipped depths, as the module states them
PARTS = ("sensitive", "insensitive", "fusion")


def inputs(height: int = 32, width: int = 48) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(6)
    return torch.rand(1, 3, height, width, generator=generator), torch.rand(1, 131, generator=generator)


def dagn(**options: Any) -> Dagn:
    network = seeded(lambda: Dagn(WIDTHS, DEPTHS, 8, **options))
    assert isinstance(network, Dagn)
    return network


def awake(network: Dagn) -> Dagn:
    """With weights where training begins at zero."""
    torch.manual_seed(3)
    for name, layer in network.named_modules():
        if isinstance(layer, nn.Conv2d) and {"by", "merge"} & set(name.split(".")):
            nn.init.normal_(layer.weight, std=0.05)
    return network


def test_around_a_trained_trunk_it_begins_as_the_plain_restorer() -> None:
    plain, network = seeded(Restorer, WIDTHS, DEPTHS), dagn()
    found = network.load_state_dict(plain.state_dict(), strict=False)
    assert not found.unexpected_keys
    picture = inputs()
    assert torch.equal(network(*picture), plain(*picture))
    assert not torch.allclose(awake(network)(*picture), plain(*picture), atol=1e-4)


def test_in_mode_side_it_is_the_same_restorer_that_symbols_guide_further() -> None:
    network, guided = awake(dagn()), seeded(lambda: GuidedDagn(WIDTHS, DEPTHS, 8))
    assert not guided.load_state_dict(network.state_dict(), strict=False).unexpected_keys
    picture, symbols = inputs(), torch.full((1, 2, 3), 5)
    assert torch.equal(guided(*picture), network(*picture))
    assert torch.allclose(guided(*picture, torch.zeros_like(symbols)), network(*picture), atol=1e-6)
    assert not torch.allclose(guided(*picture, symbols), network(*picture), atol=1e-5)


def test_without_its_parts_it_has_the_weights_of_the_restorer_and_no_others() -> None:
    bare = dagn(**dict.fromkeys(PARTS, False))
    assert bare.state_dict().keys() == Restorer(WIDTHS, DEPTHS).state_dict().keys()


def test_inference_holds_no_discriminator() -> None:
    assert not any("discriminator" in name or "probe" in name for name, _ in dagn().named_modules())


def test_fusion_needs_what_it_merges() -> None:
    with pytest.raises(ValueError, match="insensitive"):
        Dagn(WIDTHS, DEPTHS, 8, insensitive=False)


@pytest.mark.parametrize(("part", "is_told"), [("sensitive", True), ("insensitive", False)])
def test_only_the_sensitive_encoder_is_told_the_tables(part: str, is_told: bool) -> None:
    trunk = dagn().trunk
    for block in trunk.sensitive.body.blocks:
        nn.init.normal_(block.modulation.weight, std=0.1)
    picture, condition = inputs()
    said = [getattr(trunk.perceive(picture, trunk.code(each)), part) for each in (condition, condition + 1)]
    assert said[0].shape == (1, 8, 4, 6)
    assert torch.equal(*said) is not is_told


@pytest.mark.parametrize("part", PARTS)
def test_each_part_reaches_the_picture(part: str) -> None:
    network, picture = awake(dagn()), inputs()
    whole = network(*picture)
    trunk = network.trunk
    guides = trunk.guide_coarse, trunk.guide_middle, trunk.guide_fine
    for layer in [trunk.fusion.merge] if part == "fusion" else [guide.by[part] for guide in guides]:
        nn.init.zeros_(layer.weight)
    assert not torch.allclose(network(*picture), whole, atol=1e-5)


def test_guidance_differs_from_place_to_place() -> None:
    guide = awake(dagn()).trunk.guide_fine
    said = dagn().trunk.perceive(inputs()[0], torch.rand(1, 128))
    change = guide(torch.ones(1, WIDTHS[0], 16, 24), said) - 1
    assert change.std(dim=(2, 3)).min() > 0
    assert change[..., :4, :4].std(dim=(2, 3)).min() > 0  # within a block of the JPEG, too


@pytest.mark.parametrize(("depths", "macs_per_px"), [((1, 2, 4, 2, 2), 0.16e6), ((2, 3, 7, 3, 3), 0.22e6)])
def test_the_shipped_sizes_cost_at_most_a_third_more_than_their_trunks(
    depths: tuple[int, ...], macs_per_px: float
) -> None:
    with torch.device("meta"):
        dagn_macs, trunk_macs = (multiply_accumulates(network(depths=depths)) for network in (Dagn, Restorer))
    assert trunk_macs < dagn_macs < 1.33 * trunk_macs
    assert dagn_macs < macs_per_px


@pytest.mark.parametrize(("depths", "reach_px"), REACHES_PX)
def test_a_pixel_depends_on_input_as_far_as_stated_and_no_farther(depths: tuple[int, ...], reach_px: int) -> None:
    torch.manual_seed(4)
    network = awake(Dagn(WIDTHS, depths, 8))
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.normal_(layer.weight, std=layer.weight[0].numel() ** -0.5)
    network = network.double()
    base, condition = (each.double() for each in inputs(16, 768))
    restored = network(base.requires_grad_(), condition)
    farthest = 0
    for place in range(384, 400):
        # By gradients: in a difference of two restorations, what comes from farthest is lost to rounding.
        (gradient,) = torch.autograd.grad(restored[..., place].sum(), base, retain_graph=True)
        heard = gradient.abs().amax(dim=(0, 1, 2)).nonzero()[:, 0]
        farthest = max(farthest, place - int(heard.min()), int(heard.max()) - place)
    assert farthest == dagn_reach(depths) == reach_px
