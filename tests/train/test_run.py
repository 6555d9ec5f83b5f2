"""What a recipe says, and where a run begins: an earlier checkpoint or a shipped weight file."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from carcodec.nn.restorer import Restorer
from carcodec.train.loop import Plan
from carcodec.train.run import RECIPES, TASKS, Start, _begin_from, read_recipe, train


@pytest.mark.parametrize("shipped", [True, False])
def test_a_run_begins_from_the_weights_it_is_given(tmp_path, shipped):
    earlier, later = nn.Linear(3, 2), nn.Linear(3, 2)
    start = tmp_path / ("start.safetensors" if shipped else "start.pt")
    if shipped:
        save_file({name: weight.half() for name, weight in earlier.state_dict().items()}, start)
    else:
        torch.save({"network": earlier.state_dict()}, start)
    _begin_from(start, later)
    assert torch.allclose(earlier.weight, later.weight, atol=1e-3)
    assert later.weight.dtype == torch.float32


def test_weights_without_a_place_are_refused(tmp_path):
    torch.save({"network": {"strange": torch.zeros(1)}}, tmp_path / "start.pt")
    with pytest.raises(ValueError, match="strange"):
        _begin_from(tmp_path / "start.pt", nn.Linear(3, 2))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('task = "restorer"\n[plan]\nsteps = 1\nbatch = 1\npace = 3\n[options]\n', "pace"),
        ('task = "magic"\n[plan]\nsteps = 1\nbatch = 1\n[options]\n', "magic"),
        ('task = "restorer"\n[plan]\nsteps = 1\nbatch = 1\n[options]\nn_validation = 1\n', "crop"),
    ],
)
def test_a_recipe_that_is_none_says_where(tmp_path, text, says):
    (tmp_path / "x.toml").write_text(text)
    with pytest.raises(ValueError, match=says):
        train(tmp_path / "x.toml", tmp_path, tmp_path / "run", torch.device("cpu"))


def test_weights_of_other_sizes_are_refused(tmp_path):
    torch.save({"network": nn.Linear(3, 2).state_dict()}, tmp_path / "start.pt")
    with pytest.raises(ValueError, match="other sizes"):
        _begin_from(tmp_path / "start.pt", nn.Linear(3, 4))


def test_a_part_may_begin_from_a_run_that_trained_it_among_others(tmp_path):
    inner = nn.Linear(3, 2)
    whole = nn.ModuleDict({"restorer": nn.ModuleDict({"trunk": inner}), "probe": nn.Linear(1, 1)})
    torch.save({"network": whole.state_dict()}, tmp_path / "start.pt")
    later = nn.ModuleDict({"trunk": nn.Linear(3, 2)})
    _begin_from(tmp_path / "start.pt", later, "restorer")
    assert torch.equal(later["trunk"].weight, inner.weight)


def test_parts_that_the_network_lacks_are_left_out_but_no_layer_of_a_part(tmp_path):
    def network(**parts):
        return nn.ModuleDict({name: nn.Sequential(*layers) for name, layers in parts.items()})

    earlier = network(trunk=[nn.Linear(3, 2)], guided=[nn.Linear(2, 2)])
    torch.save({"network": earlier.state_dict()}, tmp_path / "start.pt")
    later = network(trunk=[nn.Linear(3, 2)], tail=[nn.Linear(2, 1)])
    _begin_from(tmp_path / "start.pt", later)
    assert torch.equal(later["trunk"][0].weight, earlier["trunk"][0].weight)
    deeper = network(trunk=[nn.Linear(3, 2), nn.Linear(2, 2)])
    torch.save({"network": deeper.state_dict()}, tmp_path / "start.pt")
    with pytest.raises(ValueError, match=r"trunk\.1"):
        _begin_from(tmp_path / "start.pt", later)


def test_a_deeper_network_begins_as_the_one_that_it_grew_from(tmp_path):
    plain, deeper = Restorer((8, 12, 16), (1, 1, 1, 1, 1)), Restorer((8, 12, 16), (1, 2, 1, 3, 1))
    nn.init.normal_(plain.tail.conv.weight)
    torch.save({"network": plain.state_dict()}, tmp_path / "start.pt")
    _begin_from(tmp_path / "start.pt", deeper)
    picture, condition = torch.rand(1, 3, 32, 32), torch.rand(1, 131)
    assert torch.equal(deeper(picture, condition), plain(picture, condition))
    assert deeper.trunk.up_middle.blocks[2].conv1.weight.abs().min() > 0, "what is silent can learn"


def test_what_to_begin_from_may_name_the_part_it_is_for(tmp_path):
    plain, odd = tmp_path / "w.pt", tmp_path / "a=b.pt"
    plain.touch()
    odd.touch()
    assert Start.parse(str(plain)) == Start(plain)
    assert Start.parse(f"extractor={plain}") == Start(plain, "extractor")
    assert Start.parse(str(odd)) == Start(odd)
    with pytest.raises(FileNotFoundError, match="none"):
        Start.parse(f"extractor={tmp_path / 'none.pt'}")


def test_a_recipe_that_is_like_another_says_only_what_differs(tmp_path):
    (tmp_path / "a.toml").write_text('task = "restorer"\n[plan]\nsteps = 5\nbatch = 2\n[options]\ncrop = 64\n')
    (tmp_path / "b.toml").write_text('like = "a"\n[plan]\nbatch = 4\n')
    (tmp_path / "c.toml").write_text('like = "b"\nstart_into = "x"\n[options]\nloss = "l1"\n')
    assert read_recipe(tmp_path / "c.toml") == {
        "task": "restorer",
        "start_into": "x",
        "plan": {"steps": 5, "batch": 4},
        "options": {"crop": 64, "loss": "l1"},
    }


def test_a_recipe_of_ones_own_is_like_a_built_in_one(tmp_path):
    (tmp_path / "mine.toml").write_text('like = "restorer"\n[plan]\nsteps = 9\n')
    built_in = read_recipe(RECIPES / "restorer.toml")
    assert read_recipe(tmp_path / "mine.toml") == built_in | {"plan": built_in["plan"] | {"steps": 9}}


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.toml")), ids=lambda path: path.stem)
def test_every_recipe_names_a_task_and_a_plan(path):
    recipe = read_recipe(path)
    assert recipe["task"] in TASKS
    Plan(**recipe["plan"])
    assert path.read_text("utf-8").startswith("# ")
