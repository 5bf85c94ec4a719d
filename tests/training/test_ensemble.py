"""Ensembles: what members are trained on, how they answer together, and what is left behind."""

import json
import signal
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import gradus
from gradus.core.errors import InputError
from gradus.data.arrays import from_arrays
from gradus.data.inputs import read_inputs
from gradus.data.splits import Split, bootstrap
from gradus.training.prediction import predict
from gradus.training.prepare import load_data, split_of
from gradus.training.train import resume
from tests.end_to_end.recipes import digits, weights
from tests.end_to_end.test_same_bits import Signal


def recipe(**ensemble: Any) -> dict[str, Any]:
    return {**digits(epochs=2), "ensemble": {"members": 3, **ensemble}}


@pytest.fixture(scope="module")
def bagged(tmp_path_factory: pytest.TempPathFactory) -> gradus.Run:
    return gradus.train(recipe(bagging=True), run=tmp_path_factory.mktemp("ensemble") / "run")


def test_a_bootstrap_sample_has_63_percent_of_the_examples() -> None:
    """1 - (1 - 1/n)^n of them in expectation, with a variance that the occupancy problem gives."""
    count = 5000
    part = Split(from_arrays(np.zeros((count, 1)), np.arange(count) % 2).train, np.arange(count))
    shares = [len(np.unique(bootstrap(part, seed).index)) / count for seed in range(40)]
    expected = 1 - (1 - 1 / count) ** count
    deviation = np.sqrt((np.exp(-1) - 2 * np.exp(-2)) / count)
    assert expected == pytest.approx(0.632, abs=5e-4)
    assert np.mean(shares) == pytest.approx(expected, abs=4 * deviation / np.sqrt(40))
    assert np.std(shares) == pytest.approx(deviation, rel=0.5)
    assert all(len(bootstrap(part, seed)) == count for seed in (0, 1))
    assert np.array_equal(bootstrap(part, 3).index, bootstrap(part, 3).index)
    assert not np.array_equal(bootstrap(part, 3).index, bootstrap(part, 4).index)


def test_the_expected_share_is_that_of_all_samples_there_are() -> None:
    """1 - (1 - 1/n)^n, from n^n samples, all of them equally likely; for n = 5 it is 0.672, and falls to 1 - 1/e."""
    every = [len(set(sample)) / 5 for sample in product(range(5), repeat=5)]
    assert np.mean(every) == pytest.approx(1 - 0.8**5, rel=1e-12)
    part = Split(from_arrays(np.zeros((5, 1)), np.arange(5) % 2).train, np.arange(5))
    ours = [len(np.unique(bootstrap(part, seed).index)) / 5 for seed in range(3000)]
    assert np.mean(ours) == pytest.approx(1 - 0.8**5, abs=4 * np.std(every) / np.sqrt(3000))


def test_every_example_is_as_likely_to_be_drawn() -> None:
    part = Split(from_arrays(np.zeros((50, 1)), np.arange(50) % 2).train, np.arange(50))
    counts = sum(np.bincount(bootstrap(part, seed).index, minlength=50) for seed in range(2000))
    # Binomial with mean 2000 and deviation 44.3.
    assert np.abs(counts - 2000).max() < 5 * 44.3


def test_what_each_member_saw_is_recorded(bagged: gradus.Run) -> None:
    record = json.loads((bagged.path / "ensemble.json").read_text())
    drawn = load_file(bagged.path / "ensemble.safetensors")
    whole = split_of(bagged.recipe, load_data(bagged.recipe.data))
    assert len(record["trained_on"]) == 3
    for number, each in enumerate(record["trained_on"]):
        index = drawn[str(number)].numpy()
        member = bagged.members[number]
        assert np.array_equal(index, split_of(member.recipe, load_data(member.recipe.data)).train.index)
        assert set(index) <= set(whole.train.index)
        assert each["share"] == len(set(index.tolist())) / len(index)
        assert 0.55 < each["share"] < 0.7
        assert member.recipe.seed == each["seed"] == number
        assert whole.test is not None
        assert not set(index) & set(whole.test.index)


def test_members_of_a_plain_ensemble_see_all_of_it_and_differ(tmp_path: Path) -> None:
    run = gradus.train(recipe(), run=tmp_path / "run")
    record = json.loads((run.path / "ensemble.json").read_text())
    assert [each["share"] for each in record["trained_on"]] == [1, 1, 1]
    assert len({each["sha256"] for each in record["trained_on"]}) == 1
    assert len({weights(each) for each in run.members}) == 3
    # Member k is the run of seed k on these splits.
    alone = {**digits(epochs=2, seed=1), "data": {**digits()["data"], "split_seed": 0}}
    assert weights(gradus.train(alone, run=tmp_path / "alone")) == weights(run.members[1])


@pytest.mark.parametrize("combine", ["mean", "vote"])
def test_its_loss_is_never_above_its_members_mean(tmp_path: Path, combine: str) -> None:
    run = gradus.train(recipe(bagging=True, combine=combine), run=tmp_path / "run")
    metrics = run.result["metrics"]
    for name in ("validation", "test"):
        assert metrics[f"{name}_loss"] < metrics[f"{name}_members_loss"]
        alone = [each.result["metrics"][f"{name}_loss"] for each in run.members]
        assert metrics[f"{name}_members_loss"] == pytest.approx(np.mean(alone), rel=1e-5)


def test_values_are_averaged_in_their_own_units(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 3))
    y = 1000 + 50 * x.sum(axis=1) + rng.normal(size=200)
    document = {
        "data": {"name": "arrays"},
        "model": {"name": "linear_regression"},
        "criterion": {"name": "mse"},
        "optimizer": {"name": "adam", "lr": 0.05},
        "training": {"epochs": 20},
        "ensemble": {"members": 3, "bagging": True},
    }
    run = gradus.train(document, run=tmp_path / "run", data=from_arrays(x, y))
    metrics = run.result["metrics"]
    assert metrics["test_loss"] <= metrics["test_members_loss"]
    assert metrics["test_rmse"] < 20
    given = list(read_inputs("[[1, 2, 3]]", run.raw_spec))
    (together,) = predict(run, given)
    alone = [next(iter(predict(each, given))).value for each in run.members]
    assert together.value == pytest.approx(np.mean(np.array(alone, dtype=float)), rel=1e-6)
    assert together.value == pytest.approx(1300, abs=60)


def test_it_predicts_the_mean_of_its_members_probabilities(bagged: gradus.Run) -> None:
    given = [("x", (np.full((1, 8, 8), 100, np.uint8),))]
    (together,) = predict(bagged, given)
    alone = [next(iter(predict(each, given))).probabilities for each in bagged.members]
    for name, share in together.probabilities.items():
        assert share == pytest.approx(np.mean([each[name] for each in alone]), rel=1e-5)


def test_its_networks_are_its_members(bagged: gradus.Run) -> None:
    assert bagged.outcome == "finished"
    assert bagged.result["parameters"] == 3 * bagged.members[0].result["parameters"]
    assert len(bagged.result["members"]) == 3
    with pytest.raises(InputError, match="is an ensemble"):
        bagged.model()


def test_interrupted_it_goes_on_with_the_member_that_was_at_work(tmp_path: Path) -> None:
    reference = gradus.train(recipe(bagging=True), run=tmp_path / "reference")

    class InSecond(Signal):
        trained = 0

        def step_ended(self, trainer: Any) -> None:
            InSecond.trained += 1
            if InSecond.trained == 30:  # a member has 22 steps
                super().step_ended(trainer)

    stopped = gradus.train(recipe(bagging=True), run=tmp_path / "run", callbacks=[InSecond(signal.SIGINT, step=8)])
    assert stopped.outcome == "interrupted"
    assert [each.outcome for each in stopped.members] == ["finished", "interrupted"]
    before = (stopped.members[0].path / "model.safetensors").stat().st_mtime_ns
    warnings: list[str] = []
    resumed = resume(tmp_path / "run", warn=warnings.append)
    assert warnings == []
    assert resumed.outcome == "finished"
    assert (resumed.members[0].path / "model.safetensors").stat().st_mtime_ns == before
    assert [weights(each) for each in resumed.members] == [weights(each) for each in reference.members]
    assert resumed.result["metrics"] == reference.result["metrics"]


def test_copies_of_an_example_do_not_follow_one_another() -> None:
    from gradus.data.batching import Loader, make_store
    from gradus.data.preprocessing import Preprocessing

    data = from_arrays(np.arange(200.0)[:, None], np.arange(200) % 2)
    part = Split(data.train, np.repeat(np.arange(100), 2))
    store = make_store(data.train, Preprocessing.none(), stream=False, device=torch.device("cpu"))
    loader = Loader(part, store, batch_size=10, shuffle=True)
    order, later = (torch.cat([batch.index for batch in loader.batches(epoch)]) for epoch in (0, 1))
    assert not torch.equal(order, later)
    assert sorted(order.tolist()) == sorted(part.index.tolist())
    assert (order[1:] == order[:-1]).sum() < 10  # about one pair would, by chance


def test_values_cannot_be_voted_on(tmp_path: Path) -> None:
    document = {
        "data": {"name": "line", "validation": 0.0, "test": 0.0},
        "model": {"name": "linear_regression"},
        "criterion": {"name": "mse"},
        "optimizer": {"name": "adam"},
        "ensemble": {"members": 2, "combine": "vote"},
    }
    with pytest.raises(InputError, match=r"ensemble.combine: values cannot be voted on, got `vote`. Use `mean`."):
        gradus.train(document, run=tmp_path / "run")
    assert not (tmp_path / "run").exists()
