"""From a recipe to a run: read the TOML, make the task, train, and leave the weights.

A recipe names its task and has two tables, `plan` (`loop.Plan`) and `options` (of the task). One that begins with
`like = "other"` is that recipe but for what it says itself.
"""

from __future__ import annotations

import importlib
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from carcodec.nn.blocks import ModulatedBlock
from carcodec.train.loop import Plan, Run

RECIPES = Path(__file__).parent / "recipes"
TASKS = {
    "restorer": "carcodec.train.tasks.restorer:RestorerTask",
    "dagn": "carcodec.train.tasks.dagn:DagnTask",
    "side": "carcodec.train.tasks.side:SideTask",
    "context": "carcodec.train.tasks.context:ContextTask",
    "layered": "carcodec.train.tasks.layered:LayeredTask",
    "samples": "carcodec.train.tasks.samples:SamplesTask",
    "segmentation": "carcodec.train.tasks.segmentation:SegmentationTask",
}


def read_recipe(path: Path) -> dict[str, Any]:
    """What a recipe says, with what it takes from the one that it is `like`: one beside it, else a built-in one."""
    recipe = tomllib.loads(path.read_text("utf-8"))
    if "like" not in recipe:
        return recipe
    name = recipe.pop("like") + ".toml"
    beside = path.with_name(name)
    model = read_recipe(beside if beside.exists() else RECIPES / name)
    tables = {name: model[name] | recipe.get(name, {}) for name in ("plan", "options")}
    return model | recipe | tables


@dataclass(frozen=True)
class Start:
    """Weights that a run begins from.

    Attributes:
        file: a checkpoint of an earlier run (of `last.pt` and `plateau.pt` the weights as trained, of `best.pt` the
            averaged ones), or a shipped weight file.
        part: of the network, that they go into; None for the one that the recipe calls `start_into`.
    """

    file: Path
    part: str | None = None

    @classmethod
    def parse(cls, text: str) -> Start:
        """FILE or PART=FILE; an empty PART is the whole.

        Raises:
            FileNotFoundError: no such file.
        """
        part, equals, name = text.partition("=")
        start = cls(Path(name), part) if equals and not Path(text).exists() else cls(Path(text))
        if not start.file.is_file():
            raise FileNotFoundError(f"there are no weights {start.file} to begin from")
        return start


def train(recipe: Path, data_dir: Path, folder: Path, device: torch.device, starts: Sequence[Start] = ()) -> None:
    """Train by a recipe; goes on where `folder` stands.

    Args:
        recipe: a TOML file, as `read_recipe` reads it.
        data_dir: the folder of photographs that the recipe's task reads.
        folder: run folder, made if missing.
        starts: taken in turn, so that a later one's weights replace an earlier one's. Parts that the network lacks
            altogether are left out: a trunk may come from a network that has more around it. One that has fewer blocks
            fits, too: the others begin as nothing.

    Raises:
        ValueError: not a recipe; weights to begin from that the network has no place for, or no part of that name; a
            plan that breaks a rule of `Run`.
    """
    config = read_recipe(recipe)
    try:
        plan = Plan(**config["plan"])
        module, name = TASKS[config["task"]].split(":")
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a recipe: {error}") from error
    device = _joined(device)
    torch.manual_seed(plan.seed)
    task_class = getattr(importlib.import_module(module), name)
    try:
        task = task_class(data_dir, config["options"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"the options of {config['task']!r}: {error}") from error
    for start in starts:
        part = config.get("start_into", "") if start.part is None else start.part
        if part not in dict(task.network.named_modules()):
            raise ValueError(f"the recipe's network has no part {part!r} to begin from {start.file}")
        _begin_from(start.file, task.network.get_submodule(part), part)
    Run(task, plan, folder, device).go()


def _joined(device: torch.device) -> torch.device:
    """This process's device; under `torchrun` each has a GPU of its own, and they find each other here."""
    if int(os.environ.get("WORLD_SIZE", 1)) == 1:
        return device
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    torch.distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    return device


def _begin_from(start: Path, network: nn.Module, part: str = "") -> None:
    if start.suffix == ".safetensors":
        found = {name: weight.float() for name, weight in load_file(start).items()}
    else:
        found = torch.load(start, map_location="cpu", weights_only=True)["network"]
    weights = _of_part(found, part)
    parts = {_part(name) for name in network.state_dict()}
    shared = {name: weight for name, weight in weights.items() if _part(name) in parts}
    try:
        homeless = network.load_state_dict(shared, strict=False).unexpected_keys
    except RuntimeError as error:
        raise ValueError(f"{start} holds weights of other sizes than the recipe's network: {error}") from error
    if homeless or not shared:
        lost = homeless or list(weights)
        raise ValueError(f"{start} holds weights that the recipe's network has no place for: {lost[:3]}")
    _silence_new_blocks(network, shared)


def _silence_new_blocks(network: nn.Module, known: Mapping[str, Tensor]) -> None:
    """Blocks that a trained stage has gained begin as nothing, so that the network begins as it was before."""
    stages = {name.partition(".blocks.")[0] for name in known if ".blocks." in name}
    for name, block in network.named_modules():
        stage = name.partition(".blocks.")[0]
        if isinstance(block, ModulatedBlock) and stage in stages and f"{name}.conv2.weight" not in known:
            for weight in block.conv2.parameters():
                nn.init.zeros_(weight)


def _of_part(weights: Mapping[str, Tensor], part: str) -> Mapping[str, Tensor]:
    """Those of the part alone, if they are of a task that has it, too."""
    prefix = f"{part}."
    inside = {name.removeprefix(prefix): weight for name, weight in weights.items() if name.startswith(prefix)}
    return inside if part and inside else weights


def _part(name: str) -> str:
    """Of the network, that a weight belongs to: its topmost module."""
    return name.partition(".")[0]
