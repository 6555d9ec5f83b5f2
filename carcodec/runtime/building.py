"""Networks by the names that cards call them by, with and without their weights."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from carcodec.models.cards import SHIPPED, Card
from carcodec.models.files import load_arrays
from carcodec.runtime.processor import load_torch

if TYPE_CHECKING:
    from torch import nn
NETWORKS = {
    "restorer": "carcodec.nn.restorer:Restorer",
    "dagn": "carcodec.nn.dagn:Dagn",
    "guided": "carcodec.nn.descriptor:GuidedRestorer",
    "guided-dagn": "carcodec.nn.dagn:GuidedDagn",
    "flat": "carcodec.nn.flat:FlatRestorer",
    "untold": "carcodec.nn.study:UntoldRestorer",
    "gated": "carcodec.nn.study:GatedRestorer",
    "glancing": "carcodec.nn.study:GlancingRestorer",
    "planes": "carcodec.nn.study:PlanesRestorer",
    "coefficients": "carcodec.nn.study:CoefficientRestorer",
    "fbcnn": "carcodec.nn.published:Fbcnn",
    "edsr": "carcodec.nn.published:EdsrBaseline",
    "extractor": "carcodec.nn.descriptor:Extractor",
    "segmenter": "carcodec.nn.segmentation:Segmenter",
    "compnet": "carcodec.nn.layered:CompNet",
    "finenet": "carcodec.nn.layered:FineNet",
}
GUIDED = {"guided", "guided-dagn"}  # networks that take symbols


def build(card: Card, folder: Path = SHIPPED) -> nn.Module:
    """The network of a card with its weights, float32, on the CPU.

    Raises:
        ModelMissing: the weight file is missing or damaged.
        ValueError: weights that do not fit the card's network and arguments.
    """
    torch = load_torch()
    network = empty_network(card.network, card.arguments)
    if card.exact:
        return _frozen(network, card, folder)
    weights = {name: torch.from_numpy(array.astype(np.float32)) for name, array in load_arrays(card, folder).items()}
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise ValueError(f"the weights of model {card.number} ({card.id}) do not fit its card") from error
    return network


def empty_network(name: str, arguments: Mapping[str, Any]) -> nn.Module:
    """A network of `NETWORKS` as its constructor leaves it.

    Raises:
        ValueError: no such network.
    """
    network: nn.Module = network_class(name)(**arguments)
    return network


def network_class(name: str) -> type[nn.Module]:
    """The class that a card calls by this name.

    Raises:
        ValueError: no such network.
    """
    if name not in NETWORKS:
        raise ValueError(f"network must be one of {', '.join(NETWORKS)}, not {name!r}")
    load_torch()
    module, attribute = NETWORKS[name].split(":")
    found: type[nn.Module] = getattr(importlib.import_module(module), attribute)
    return found


def _frozen(network: nn.Module, card: Card, folder: Path) -> nn.Module:
    from carcodec.nn.exact import load_frozen

    load_frozen(network, load_arrays(card, folder))
    return network
