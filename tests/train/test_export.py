from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from carcodec.descriptor.context import ContextModel
from carcodec.intnn.frozen import dump_frozen
from carcodec.models.cards import as_toml, parse
from carcodec.models.files import load_arrays, load_bytes
from carcodec.nn.restorer import Restorer
from carcodec.nn.segmentation import Segmenter
from carcodec.runtime import build
from carcodec.train.export import export, export_exact, export_frozen, main, recipe_arguments
from tests.stubs.context import toy_arrays
from tests.stubs.models import DEPTHS, WIDTHS, checkpoint, fields, seeded

FIELDS = fields(1, "plain-1", "restorer", "restorer", {"widths": list(WIDTHS), "depths": list(DEPTHS)})


@pytest.fixture
def network() -> torch.nn.Module:
    return seeded(Restorer, WIDTHS, DEPTHS)


def test_an_exported_network_comes_back_rounded_to_half_precision(tmp_path: Path, network: torch.nn.Module) -> None:
    card = export(checkpoint(network, tmp_path / "best.pt"), FIELDS, tmp_path)
    assert parse((tmp_path / "plain-1.toml").read_text()) == parse(as_toml(card))
    assert all(array.dtype == np.float16 for array in load_arrays(card, tmp_path).values())
    assert card.parameters == sum(parameter.numel() for parameter in network.parameters())
    assert card.validation == {"gain": 0.5123}
    loaded = build(card, tmp_path).state_dict()
    for name, weight in network.state_dict().items():
        assert torch.equal(loaded[name], weight.half().float())


def test_equal_weights_and_fields_give_equal_bytes(tmp_path: Path, network: torch.nn.Module) -> None:
    state = network.state_dict()
    torch.save({"network": dict(reversed(state.items()))}, tmp_path / "reversed.pt")
    written = []
    for path in (checkpoint(network, tmp_path / "best.pt"), tmp_path / "reversed.pt"):
        folder = tmp_path / path.stem
        folder.mkdir()
        card = export(path, FIELDS | {"validation": {"q10": 1.5}}, folder)
        written.append((load_bytes(card, folder), (folder / "plain-1.toml").read_bytes()))
    assert written[0] == written[1]


def test_of_a_resumable_checkpoint_the_averaged_weights_are_taken(tmp_path: Path, network: torch.nn.Module) -> None:
    other = {name: torch.zeros_like(weight) for name, weight in network.state_dict().items()}
    torch.save({"network": other, "average": network.state_dict()}, tmp_path / "last.pt")
    card = export(tmp_path / "last.pt", FIELDS, tmp_path)
    loaded = build(card, tmp_path).state_dict()["trunk.head.weight"]
    assert torch.equal(loaded, network.state_dict()["trunk.head.weight"].half().float())


def test_one_network_of_several_is_taken_by_its_prefix(tmp_path: Path, network: torch.nn.Module) -> None:
    several = {f"restorer.{name}": weight for name, weight in network.state_dict().items()}
    torch.save({"network": several | {"usage": torch.ones(16)}}, tmp_path / "best.pt")
    card = export(tmp_path / "best.pt", FIELDS, tmp_path, prefix="restorer.")
    assert load_arrays(card, tmp_path).keys() == network.state_dict().keys()


@pytest.mark.parametrize(
    ("value", "complaint"), [(1e5, "too large"), (float("nan"), "not finite"), (1e-8, "too small")]
)
def test_weights_that_half_precision_cannot_hold_are_refused(
    tmp_path: Path, network: torch.nn.Module, value: float, complaint: str
) -> None:
    with torch.no_grad():
        network.get_parameter("trunk.head.bias").fill_(value)
    with pytest.raises(ValueError, match=complaint):
        export(checkpoint(network, tmp_path / "best.pt"), FIELDS, tmp_path)
    assert not list(tmp_path.glob("plain-1.*"))


def test_weights_that_do_not_fit_the_arguments_are_refused(tmp_path: Path, network: torch.nn.Module) -> None:
    wrong = FIELDS | {"arguments": {"widths": [4, 4, 4], "depths": list(DEPTHS)}}
    with pytest.raises(ValueError, match="do not fit"):
        export(checkpoint(network, tmp_path / "best.pt"), wrong, tmp_path)


def test_a_model_is_never_overwritten(tmp_path: Path, network: torch.nn.Module) -> None:
    export(checkpoint(network, tmp_path / "best.pt"), FIELDS, tmp_path)
    with pytest.raises(FileExistsError):
        export(tmp_path / "best.pt", FIELDS, tmp_path)


def test_a_frozen_context_model_keeps_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "frozen").write_bytes(dump_frozen(toy_arrays()))
    card = export_frozen(tmp_path / "frozen", fields(4, "context-1", "context", "frozen", {}), tmp_path)
    assert card.exact
    assert card.parameters == sum(array.size for array in toy_arrays().values())
    assert load_bytes(card, tmp_path) == (tmp_path / "frozen").read_bytes()
    ContextModel.load(load_bytes(card, tmp_path))


def test_an_exact_network_is_installed_as_the_whole_numbers_it_computes_with(tmp_path: Path) -> None:
    arguments = {"classes": ["sky", "road"], "colours": [[1, 2, 3], [4, 5, 6]]}
    network = seeded(Segmenter, *arguments.values())
    torch.save({"network": {f"segmenter.{name}": each for name, each in network.state_dict().items()}}, tmp_path / "pt")
    card = export_exact(
        tmp_path / "pt", fields(4, "segmenter-1", "segmenter", "segmenter", arguments), tmp_path, "segmenter."
    )
    assert card.exact
    arrays = load_arrays(card, tmp_path)
    assert {array.dtype for array in arrays.values()} == {np.dtype(np.int8), np.dtype(np.int32)}
    picture = torch.arange(3.0 * 32 * 64).view(1, 3, 32, 64) % 256
    with torch.no_grad():
        assert torch.equal(build(card, tmp_path)(picture), network(picture))


def test_an_exact_network_whose_sums_could_be_inexact_is_refused(tmp_path: Path) -> None:
    arguments = {"classes": ["sky"], "colours": [[1, 2, 3]]}
    network = seeded(Segmenter, *arguments.values())
    network.get_parameter("segnet.head.bias").data.fill_(3000.0)
    with pytest.raises(ValueError, match=r"segnet\.head"):
        export_exact(
            checkpoint(network, tmp_path / "pt"), fields(4, "s-1", "segmenter", "segmenter", arguments), tmp_path
        )
    assert not list(tmp_path.glob("s-1.*"))


def test_what_is_no_context_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "frozen").write_bytes(dump_frozen({"weight": np.ones(3, np.int64)}))
    with pytest.raises(ValueError, match="must hold"):
        export_frozen(tmp_path / "frozen", fields(4, "context-1", "context", "frozen", {}), tmp_path)


def test_arguments_are_those_options_of_the_recipe_that_the_network_takes() -> None:
    options = {"crop": 128, "widths": [8, 8, 8], "depths": [1, 1, 1, 1, 1]}
    assert recipe_arguments("restorer", options) == {"widths": [8, 8, 8], "depths": [1, 1, 1, 1, 1]}


def test_the_command_installs_by_the_recipe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from carcodec.train import export as module

    (tmp_path / "tiny.toml").write_text(f"[options]\nwidths = {list(WIDTHS)}\ndepths = {list(DEPTHS)}\ncrop = 64\n")
    monkeypatch.setattr(module, "RECIPES", tmp_path)
    trained = checkpoint(seeded(Restorer, WIDTHS, DEPTHS), tmp_path / "best.pt")
    options: dict[str, Any] = {
        "number": 1, "id": "plain-1", "role": "restorer", "network": "restorer", "recipe": "tiny", "hours": 1.5,
        "data": "photographs", "licence": "MIT", "date": "2026-01-02", "figure": "q10=1.25",
    }  # fmt: skip
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    monkeypatch.setattr(sys, "argv", ["export", str(trained), str(tmp_path), *words])
    main()
    card = parse((tmp_path / "plain-1.toml").read_text())
    assert card.arguments == {"widths": list(WIDTHS), "depths": list(DEPTHS)}
    assert card.validation == {"q10": 1.25}
    assert card.digest6.hex() in capsys.readouterr().out
