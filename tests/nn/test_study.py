"""Candidates of the trunk study: each starts as the plain JPEG, can learn, and is what its name says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.fft import dctn
from torch import nn

from carcodec.nn.study import PlanesHead, coefficients_of_unshuffled
from carcodec.runtime import NETWORKS, empty_network
from carcodec.train.export import recipe_arguments
from carcodec.train.loop import hidden_kernels
from carcodec.train.run import RECIPES, read_recipe

U_SHAPE = {"widths": [6, 8, 12], "depths": [1, 1, 1, 1, 1]}
FLAT = {"width": 6, "n_blocks": 1, "shrink": 2}
SMALL: dict[str, dict[str, Any]] = {
    "restorer": U_SHAPE,
    "untold": U_SHAPE,
    "gated": U_SHAPE,
    "planes": U_SHAPE,
    "flat": FLAT,
    "glancing": FLAT,
    "coefficients": {"width": 6, "n_blocks": 1},
}


def study_options() -> dict[str, dict[str, Any]]:
    """Of the recipes that train a restorer."""
    recipes = {path.stem: read_recipe(path) for path in RECIPES.glob("study-*.toml")}
    return {name: recipe["options"] for name, recipe in recipes.items() if recipe["task"] == "restorer"}


def test_every_candidate_of_a_recipe_is_tested_here() -> None:
    assert {options.get("network", "restorer") for options in study_options().values()} == set(SMALL)


@pytest.mark.parametrize("name", SMALL)
def test_a_candidate_begins_as_the_jpeg_and_learns_in_every_weight(name: str) -> None:
    torch.manual_seed(1)
    network = empty_network(name, SMALL[name]).to(memory_format=torch.channels_last)
    base, condition = torch.rand(2, 3, 32, 48), torch.rand(2, 131)
    optimiser = torch.optim.Adam(network.parameters(), 1e-2)
    losses = []
    for _ in range(4):
        with torch.autocast("cpu", torch.bfloat16):
            restored = network(base.to(memory_format=torch.channels_last), condition)
        loss = (restored - 0.5).square().mean()
        losses.append(loss.item())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert restored.dtype == torch.float32
    assert losses[0] == pytest.approx((base - 0.5).square().mean().item())
    assert losses[-1] < losses[0]
    idle = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert not idle or name == "untold"
    assert hidden_kernels(network)


@pytest.mark.parametrize("name", SMALL)
def test_only_the_one_told_nothing_does_without_the_tables(name: str) -> None:
    torch.manual_seed(1)
    network = empty_network(name, SMALL[name])
    for weight in network.parameters():
        nn.init.normal_(weight, std=0.1)
    base = torch.rand(1, 3, 32, 48)
    one, other = network(base, torch.zeros(1, 131)), network(base, torch.ones(1, 131))
    assert torch.equal(one, other) == (name == "untold")


def test_study_recipes_name_networks_and_arguments_that_exist() -> None:
    for options in study_options().values():
        name = options.get("network", "restorer")
        assert name in NETWORKS
        with torch.device("meta"):
            empty_network(name, recipe_arguments(name, options))


def test_coefficients_are_the_dct_of_each_block() -> None:
    picture = torch.rand(1, 3, 16, 24)
    transform = coefficients_of_unshuffled()
    assert torch.allclose(transform @ transform.T, torch.eye(192), atol=1e-5)
    found = F.conv2d(F.pixel_unshuffle(picture, 8), transform[:, :, None, None])[0, :, 1, 2].view(3, 8, 8)
    red, green, blue = (dctn(channel[8:, 16:].numpy(), norm="ortho") for channel in picture[0])
    assert found[0].numpy() == pytest.approx((red + green + blue) / 3**0.5, abs=1e-5)
    assert found[2].numpy() == pytest.approx((red - green) / 2**0.5, abs=1e-5)


def test_planes_are_luma_by_place_and_mean_chroma() -> None:
    head = PlanesHead(2)
    seen: list[torch.Tensor] = []
    head.conv.register_forward_hook(lambda _, inputs, output: seen.append(inputs[0]))
    picture = torch.rand(1, 3, 4, 6)
    head(F.pixel_unshuffle(picture, 2))
    red, green, blue = picture[0].numpy()
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    blue_chroma = (blue - luma) / 1.772
    planes = seen[0][0].numpy()
    assert planes[1] == pytest.approx(luma[0::2, 1::2], abs=1e-6)
    assert planes[2] == pytest.approx(luma[1::2, 0::2], abs=1e-6)
    assert planes[4] == pytest.approx(blue_chroma.reshape(2, 2, 3, 2).mean(axis=(1, 3)), abs=1e-4)
    assert planes.shape == (6, 2, 3)
    assert np.abs(planes[5]).max() < 0.5
