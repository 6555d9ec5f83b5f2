"""From a run's checkpoint to an installed model: half-precision weights, or whole numbers, and a card.

    python -m carcodec.train.export runs/restorer/best.pt carcodec/models --number 1 --id restorer-1 \\
        --role restorer --network restorer --recipe restorer --hours 1.6 --data "..." --licence MIT --date 2026-11-22
"""

from __future__ import annotations

import argparse
import hashlib
import inspect
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import torch
from safetensors.numpy import load
from safetensors.torch import save
from torch import Tensor, nn

from carcodec.descriptor.context import ContextModel
from carcodec.intnn.frozen import dump_frozen
from carcodec.models.cards import ROLES, Card, as_toml
from carcodec.nn.exact import frozen
from carcodec.residual.model import SampleModel
from carcodec.runtime import NETWORKS, empty_network, network_class
from carcodec.train.run import RECIPES, read_recipe

# Roles of models that numpy runs, and what reads them.
FROZEN: dict[str, Callable[[bytes], object]] = {"context": ContextModel.load, "samples": SampleModel.load}
LARGEST_HALF = 65504.0
# Rounding to half precision costs 0.02 % where weights are of ordinary size; more means that many are so small that
# half precision has few digits left for them.
LARGEST_ROUNDING = 1e-3


def export(checkpoint: Path, fields: Mapping[str, Any], folder: Path, prefix: str = "") -> Card:
    """Install the weights of a checkpoint as a model; equal weights and fields give equal bytes.

    Args:
        checkpoint: `best.pt` or `last.pt` of a run; of the latter, the averaged weights are taken.
        fields: of the card, all but those that follow from the weights; `validation` is taken from the checkpoint
            where they do not give it.
        folder: gets `<id>.safetensors` and `<id>.toml`, neither of which may exist.
        prefix: "restorer." takes only what stands under that name, where a task trains several networks together.

    Raises:
        ValueError: weights that do not fit the network, are not finite or too large for half precision, or a field
            that breaks a rule of `Card`.
        FileExistsError: the id is taken. Models are never overwritten.
    """
    weights, measured = _read(checkpoint, prefix)
    _fitted(fields["network"], fields["arguments"], weights)
    data = save({name: _half(name, weight) for name, weight in sorted(weights.items())})
    return _install(data, measured | dict(fields) | {"exact": False}, folder)


def export_frozen(frozen: Path, fields: Mapping[str, Any], folder: Path) -> Card:
    """Install a model that numpy runs, frozen already.

    Args:
        frozen: the safetensors file of `carcodec.train.freeze` or `freeze_samples`.
        fields, folder: as `export`; `network` is "frozen", and figures must be given.

    Raises:
        ValueError: not a model of the role, or a field that breaks a rule of `Card`.
        FileExistsError: the id is taken.
    """
    data = frozen.read_bytes()
    FROZEN[fields["role"]](data)
    return _install(data, dict(fields) | {"network": "frozen", "exact": True}, folder)


def export_exact(checkpoint: Path, fields: Mapping[str, Any], folder: Path, prefix: str = "") -> Card:
    """Install a network of exact layers as the whole numbers that it computes with: nothing is lost by it.

    Args:
        checkpoint, fields, folder, prefix: as `export`.

    Raises:
        ValueError: weights that do not fit the network or whose sums could lose exactness, or a field that breaks a
            rule of `Card`.
        FileExistsError: the id is taken.
    """
    weights, measured = _read(checkpoint, prefix)
    network = _fitted(fields["network"], fields["arguments"], weights)
    return _install(dump_frozen(frozen(network)), measured | dict(fields) | {"exact": True}, folder)


def recipe_arguments(network: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Those of a recipe's options that the network's constructor takes."""
    return {name: options[name] for name in inspect.signature(network_class(network)).parameters if name in options}


def _read(checkpoint: Path, prefix: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Weights under a prefix, without it, and the card's field for the figures measured with them."""
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    weights = state.get("average", state["network"])
    chosen = {name.removeprefix(prefix): weight for name, weight in weights.items() if name.startswith(prefix)}
    return chosen, {"validation": {name: round(value, 4) for name, value in state.get("figures", {}).items()}}


def _fitted(name: str, arguments: Mapping[str, Any], weights: Mapping[str, Tensor]) -> nn.Module:
    network = empty_network(name, arguments)
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise ValueError(f"the checkpoint's weights do not fit {name} with {dict(arguments)}: {error}") from error
    return network


def _half(name: str, weight: Tensor) -> Tensor:
    weight = weight.float().contiguous()
    if not weight.isfinite().all():
        raise ValueError(f"{name} holds values that are not finite")
    if weight.abs().max() > LARGEST_HALF:
        raise ValueError(f"{name} holds {weight.abs().max().item():g}, too large for half precision")
    half = weight.half()
    if (half.float() - weight).norm() > LARGEST_ROUNDING * weight.norm():
        raise ValueError(f"{name} loses more than {LARGEST_ROUNDING:.1%} in half precision: its values are too small")
    return half


def _install(data: bytes, fields: Mapping[str, Any], folder: Path) -> Card:
    card = Card(
        **fields,
        file=f"{fields['id']}.safetensors",
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
        parameters=sum(array.size for array in load(data).values()),
    )
    _write_new(folder / card.file, data)
    _write_new(folder / f"{card.id}.toml", as_toml(card).encode())
    return card


def _write_new(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)


def main() -> None:
    """The command of the module's first lines."""
    fields = vars(_arguments())
    checkpoint, folder, prefix = (fields.pop(name) for name in ("checkpoint", "folder", "prefix"))
    figures = dict(figure.split("=") for figure in fields.pop("figure"))
    if figures:
        fields["validation"] = {name: float(value) for name, value in figures.items()}
    if fields["role"] in FROZEN:
        card = export_frozen(checkpoint, fields, folder)
    else:
        options = read_recipe(RECIPES / f"{fields['recipe']}.toml")["options"]
        install = export_exact if ROLES[fields["role"]] else export
        fields["arguments"] = recipe_arguments(fields["network"], options)
        card = install(checkpoint, fields, folder, prefix)
    print(f"{card.file}: {card.size} bytes, {card.parameters} parameters, digest {card.digest6.hex()}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m carcodec.train.export", description="Install a trained model.")
    parser.add_argument("checkpoint", type=Path, help="best.pt or last.pt; of models that numpy runs, the frozen file")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--number", type=int, required=True)
    for name in ("id", "role", "recipe", "data", "licence"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--network", choices=[*NETWORKS, "frozen"], required=True)
    parser.add_argument("--hours", dest="training_hours", type=float, required=True)
    parser.add_argument("--date", type=date.fromisoformat, required=True)
    parser.add_argument("--partner", type=int, default=0, help="number of the model it was trained with")
    parser.add_argument("--prefix", default="", help="take only the weights under this name, such as 'restorer.'")
    parser.add_argument("--figure", action="append", default=[], help="NAME=VALUE, in place of the checkpoint's")
    return parser.parse_args()


if __name__ == "__main__":
    main()
