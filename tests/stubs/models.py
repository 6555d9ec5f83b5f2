"""Small untrained models, installed in a folder as trained ones would be: through a checkpoint and `export`."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path
from typing import Any

import torch
from torch import nn

from carcodec.intnn.frozen import dump_frozen
from carcodec.models.cards import Card
from carcodec.nn.descriptor import Extractor, GuidedRestorer
from carcodec.nn.restorer import Restorer
from carcodec.train.export import export, export_frozen
from tests.stubs.context import toy_arrays

WIDTHS, DEPTHS = (8, 12, 16), (1, 1, 2, 1, 1)
FIELDS: dict[str, Any] = {
    "recipe": "none",
    "data": "none",
    "licence": "MIT",
    "training_hours": 0.0,
    "date": date(2026, 1, 2),
}
SEED = 7


def awake(network: nn.Module) -> nn.Module:
    """The network with random tails, that correct by some levels instead of by nothing."""
    for name, parameter in network.named_parameters():
        if "tail" in name.split(".") and parameter.ndim == 4:
            nn.init.normal_(parameter, std=0.01)
    return network


def seeded(network_class: type[nn.Module], *arguments: Any) -> nn.Module:
    """A network with weights that depend on `SEED` alone."""
    with torch.random.fork_rng():
        torch.manual_seed(SEED)
        return awake(network_class(*arguments)).eval()


def checkpoint(network: nn.Module, path: Path) -> Path:
    """What a run leaves as `best.pt`."""
    torch.save({"network": network.state_dict(), "step": 1, "figures": {"gain": 0.51234}}, path)
    return path


def fields(number: int, name: str, role: str, network: str, arguments: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Fields of a card as `export` takes them."""
    own = {"number": number, "id": name, "role": role, "network": network, "arguments": arguments}
    return FIELDS | own | more


def install(folder: Path) -> Path:
    """A plain restorer (1), a guided one (2, the default) with its extractor (3), a context model (4)."""
    shape = {"widths": WIDTHS, "depths": DEPTHS}
    trained = folder / "trained.pt"
    export(
        checkpoint(seeded(Restorer, WIDTHS, DEPTHS), trained),
        fields(1, "plain-1", "restorer", "restorer", shape),
        folder,
    )
    guided = fields(2, "guided-1", "restorer", "guided", shape)
    export(checkpoint(seeded(GuidedRestorer, WIDTHS, DEPTHS), trained), guided, folder)
    extractor = fields(3, "extractor-1", "extractor", "extractor", {"width": 4}, partner=2)
    export(checkpoint(seeded(Extractor, 4), trained), extractor, folder)
    trained.unlink()
    install_context(folder)
    (folder / "defaults.toml").write_text("restorer = 2\ncontext = 4\n")
    return folder


def install_context(folder: Path) -> Card:
    """Model 4: the toy context model."""
    frozen = folder / "frozen"
    frozen.write_bytes(dump_frozen(toy_arrays()))
    card = export_frozen(frozen, fields(4, "context-1", "context", "frozen", {}, validation={"bits": 1.0}), folder)
    frozen.unlink()
    return card


def card_of(data: bytes, **own: Any) -> Card:
    """A card of a weight file's bytes."""
    settings: dict[str, Any] = {
        "number": 9,
        "id": "stub-1",
        "role": "restorer",
        "network": "restorer",
        "exact": False,
    } | own
    digest = hashlib.sha256(data).hexdigest()
    return Card(**FIELDS, **settings, file=f"{settings['id']}.safetensors", sha256=digest, size=len(data), parameters=1)
