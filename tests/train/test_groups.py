from __future__ import annotations

import torch

from carcodec.train.groups import k_means, whitening


def test_k_means_finds_groups_that_lie_apart() -> None:
    generator = torch.Generator().manual_seed(1)
    true = torch.tensor([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])
    points = (true[:, None] + 0.3 * torch.randn(3, 50, 2, generator=generator)).flatten(0, 1)
    centres = k_means(points, 3, generator)
    assert torch.cdist(true, centres).amin(dim=1).max() < 0.3


def test_whitened_features_are_equally_wide_and_unrelated() -> None:
    generator = torch.Generator().manual_seed(1)
    features = torch.randn(500, 6, generator=generator) * torch.tensor([9.0, 5.0, 3.0, 1.0, 0.1, 0.01]) + 40
    mean, projection = whitening(features, 3)
    white = (features - mean) @ projection
    assert torch.allclose(torch.cov(white.T), torch.eye(3), atol=1e-3)
