"""What [objective] names is made of the recipe's parts; what cannot be is told in a line."""

from pathlib import Path
from typing import Any

import pytest
import torch

from gradus.core.errors import InputError
from gradus.training.objective import Supervised
from gradus.training.prepare import load_data, prepare, resolve
from gradus.training.recipe import Recipe
from gradus.training.train import train


def recipe(**tables: Any) -> Recipe:
    document = {
        "data": {"name": "digits"},
        "model": {"name": "mlp", "hidden": [8]},
        "criterion": {"name": "cross_entropy"},
        "optimizer": {"name": "sgd", "lr": 0.1},
        "training": {"epochs": 1, "threads": 1},
        **tables,
    }
    return resolve(Recipe.from_dict(document))


def made(**tables: Any) -> Any:
    wanted = recipe(**tables)
    return prepare(wanted, load_data(wanted.data)).objective


def test_targets_are_learned_where_nothing_is_said() -> None:
    assert isinstance(made(), Supervised)
    assert recipe().to_dict()["objective"] == {"name": "supervised"}


OWN = """
from gradus.training.objective import Supervised

class Halved(Supervised):
    def compute(self, phase, batch):
        loss, signs = super().compute(phase, batch)
        return self.share * loss, {**signs, "share": loss.new_tensor(self.share)}

def halved(parts, share=0.5):
    objective = Halved(parts.model, parts.criterion, parts.optimizer, scheduler=parts.scheduler)
    objective.share = share
    return objective

def nothing(parts):
    return parts.model

def nameless(parts):
    objective = halved(parts)
    objective.modules = lambda: {"network": parts.model}
    return objective
"""


def test_an_objective_of_ones_own_trains(tmp_path: Path) -> None:
    """A loss times 0.5 at the rate 0.2 takes the steps of the loss at 0.1; its code is kept with the run."""
    (tmp_path / "own.py").write_text(OWN)
    plain = train(recipe(), run=tmp_path / "plain")
    section = {"module": f"{tmp_path}/own.py:halved", "share": 0.5}
    own = train(recipe(objective=section, optimizer={"name": "sgd", "lr": 0.2}), run=tmp_path / "halved")
    for name, value in plain.model().state_dict().items():
        torch.testing.assert_close(own.model(trust=True).state_dict()[name], value)
    assert [value for _, value in own.curves["train_share"]] == [0.5]
    assert (tmp_path / "own.py").read_text() in [each.read_text() for each in own.path.rglob("*.py")]


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({"name": "supervized"}, "objective: unknown name, got `supervized`.*`supervised`"),
        ({"name": "supervised", "gamma": 1.0}, "objective `supervised`.*gamma"),
        ({"module": "own.py:halved", "shares": 2}, "objective .*own.py:halved: raises TypeError.*shares"),
        ({"module": "own.py:nothing"}, "must make an Objective.*`phases`"),
        ({"module": "own.py:nameless"}, "must name the network to judge and keep `model`.*network"),
    ],
)
def test_what_cannot_be_made_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, section: dict[str, Any], words: str
) -> None:
    (tmp_path / "own.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=words):
        made(objective=section)
