"""Reconstruction, and the code of one run as the inputs of another."""

import json
import shutil
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from sklearn.datasets import load_digits

import gradus
from gradus.core.errors import InputError
from gradus.data.arrays import from_arrays
from gradus.training.prediction import predict
from gradus.training.prepare import load_data, prepare, resolve
from gradus.training.recipe import Recipe
from gradus.training.train import resume, train
from tests.end_to_end.recipes import digits, weights
from tests.end_to_end.test_same_bits import Signal

CODE = {"name": "autoencoder", "code": 8}


def mirror(model: dict[str, Any] | None = None, **data: Any) -> dict[str, Any]:
    """A recipe that gives back the digits."""
    return {
        **digits(augment=[], model=model or CODE, epochs=2, optimizer={"name": "adamw", "lr": 0.01}),
        "data": {"name": "digits", "reconstruct": True, **data},
        "criterion": {"name": "mse"},
    }


def on_code(path: Path | str, **data: Any) -> dict[str, Any]:
    """A recipe for the classes of the digits from the code of a run."""
    document = digits(augment=[], model={"name": "logistic_regression"})
    return {**document, "data": {"name": "digits", "encoder": str(path), **data}}


def images() -> np.ndarray[Any, np.dtype[np.uint8]]:
    pixels: np.ndarray[Any, np.dtype[np.uint8]] = np.round(load_digits().images * (255 / 16)).astype(np.uint8)
    return pixels[:, None]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> gradus.Run:
    return gradus.train(mirror(), run=tmp_path_factory.mktemp("encoder") / "run")


def test_the_target_is_what_the_model_sees(encoder: gradus.Run) -> None:
    assert encoder.spec.task == "regression"
    assert (encoder.spec.outputs, encoder.spec.classes) == (64, ())
    recipe = resolve(encoder.recipe)
    batch = prepare(recipe, load_data(recipe.data)).loader.sample(5)
    assert torch.equal(batch.target, batch.inputs[0].flatten(1))


def test_scores_are_those_of_the_inputs_as_the_model_sees_them(encoder: gradus.Run) -> None:
    kept = load_file(encoder.path / "predictions.safetensors")
    (x,) = encoder.preprocessing.apply((images()[kept["index"].numpy()],))
    assert torch.equal(kept["target"], x.flatten(1))
    error = (kept["output"] - kept["target"]).double()
    metrics = encoder.result["metrics"]
    assert metrics["test_rmse"] == pytest.approx(error.square().mean().sqrt().item(), rel=1e-4)
    assert metrics["test_loss"] == pytest.approx(error.square().mean().item(), rel=1e-4)
    centred = kept["target"].double() - kept["target"].double().mean(dim=0)
    explained = 1 - error.square().sum() / centred.square().sum()
    assert metrics["test_r2"] == pytest.approx(explained.item(), rel=1e-3)


def test_it_predicts_a_reconstruction(encoder: gradus.Run) -> None:
    (found,) = predict(encoder, [("seven", (images()[7],))])
    (x,) = encoder.preprocessing.apply((images()[7:8],))
    with torch.no_grad():
        expected = encoder.model()(x).output[0]
    assert found.probabilities == {}
    assert found.value == pytest.approx(expected.tolist(), rel=1e-5)


def test_the_report_shows_what_came_back_worst(encoder: gradus.Run) -> None:
    document = json.loads((encoder.path / "showcase.json").read_text())
    errors = [each["error"] for each in document["mistakes"]]
    assert errors == sorted(errors, reverse=True)
    assert len(errors) == 24
    gradus.write_report(encoder)
    page = (encoder.path / "report.html").read_text()
    assert page.count('alt="Its reconstruction"') == 24


def test_noise_is_in_the_inputs_and_not_in_the_target() -> None:
    recipe = resolve(Recipe.from_dict(mirror(augment=[{"name": "noise", "by": 0.3}])))
    prepared = prepare(recipe, load_data(recipe.data))
    batch = next(iter(prepared.loader.batches(0)))
    (clean,) = prepared.preprocessing.apply((images()[batch.index.numpy()],))
    assert torch.equal(batch.target, clean.flatten(1))
    assert (batch.inputs[0] - clean).std() > 0.1


def test_a_penalty_is_trained_on_and_recorded_but_not_scored(tmp_path: Path) -> None:
    model = {"name": "sparse_autoencoder", "code": 30, "rho": 0.05, "strength": 0.2}
    run = gradus.train(mirror(model), run=tmp_path / "run")
    curves = run.curves
    penalty = [value for _, value in curves["train_penalty"]]
    assert penalty[-1] < 0.8 * penalty[0]
    assert curves["train_loss"][-1][1] > curves["validation_loss"][-1][1]
    assert curves["train_loss"][-1][1] - penalty[-1] == pytest.approx(curves["validation_loss"][-1][1], rel=0.3)


@pytest.mark.parametrize("stream", [False, True])
def test_a_table_gives_back_its_encoding(tmp_path: Path, stream: bool) -> None:
    rng = np.random.default_rng(0)
    lines = [f"{rng.normal()},{'ab'[n % 2]},{'xyz'[n % 3]}" for n in range(90)]
    (tmp_path / "t.csv").write_text("\n".join(["u,v,label", *lines]))
    document = mirror({"name": "autoencoder", "code": 2})
    document["data"] = {"name": str(tmp_path / "t.csv"), "target": "label", "reconstruct": True}
    document["training"]["stream"] = stream
    run = gradus.train(document, run=tmp_path / "run")
    assert run.spec.outputs == 3  # u, v = a, v = b
    use = on_code(run.path)
    use["data"] = {"name": str(tmp_path / "t.csv"), "target": "label", "encoder": str(run.path)}
    user = gradus.train(use, run=tmp_path / "user")
    table = user.preprocessing.table
    assert table is not None
    assert [each.name for each in table.columns] == ["u", "v"]


def test_the_code_is_the_networks_after_its_preprocessing(encoder: gradus.Run) -> None:
    recipe = resolve(Recipe.from_dict(on_code(encoder.path, preprocess="none")))
    prepared = prepare(recipe, load_data(recipe.data))
    assert prepared.spec.inputs == ((8,),)
    assert prepared.spec.task == "classification"
    (x,) = encoder.preprocessing.apply((images()[:20],))
    model: Any = encoder.model()
    with torch.no_grad():
        expected = model.encode(x)
    found = prepared.preprocessing.apply((images()[:20],))[0]
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_codes_are_scaled_on_the_training_split(encoder: gradus.Run) -> None:
    recipe = resolve(Recipe.from_dict(on_code(encoder.path)))
    prepared = prepare(recipe, load_data(recipe.data))
    train_ = prepared.splits.train
    (codes,) = prepared.preprocessing.apply((images()[train_.index],))
    torch.testing.assert_close(codes.mean(dim=0), torch.zeros(8), atol=1e-5, rtol=0)
    torch.testing.assert_close(codes.std(dim=0, correction=0), torch.ones(8), atol=1e-4, rtol=0)


def test_an_example_has_one_code_in_any_company(encoder: gradus.Run) -> None:
    recipe = resolve(Recipe.from_dict(on_code(encoder.path)))
    preprocessing = prepare(recipe, load_data(recipe.data)).preprocessing
    (whole,) = preprocessing.apply((images()[:500],))
    for size in (1, 3, 64):
        assert torch.equal(preprocessing.apply((images()[:size],))[0], whole[:size])


def test_streamed_or_resumed_the_weights_are_the_same_bits(encoder: gradus.Run, tmp_path: Path) -> None:
    document = on_code(encoder.path, crosses=2)
    whole = gradus.train(document, run=tmp_path / "whole")
    streamed = {**document, "training": document["training"] | {"stream": True}}
    assert weights(gradus.train(streamed, run=tmp_path / "streamed")) == weights(whole)
    stopped = gradus.train(document, run=tmp_path / "stopped", callbacks=[Signal(signal.SIGINT, step=15)])
    assert stopped.outcome == "interrupted"
    assert weights(resume(stopped.path)) == weights(whole)


def test_a_run_keeps_its_encoder(encoder: gradus.Run, tmp_path: Path) -> None:
    borrowed = tmp_path / "borrowed"
    shutil.copytree(encoder.path, borrowed)
    run = gradus.train(on_code(borrowed), run=tmp_path / "run")
    before = list(predict(run, [("x", (images()[3],))]))
    shutil.rmtree(borrowed)
    assert list(predict(gradus.load_run(run.path), [("x", (images()[3],))])) == before
    assert weights(run.path / "encoder") == weights(encoder)
    assert run.recipe.data.encoder == str(borrowed)


def test_codes_of_codes(encoder: gradus.Run, tmp_path: Path) -> None:
    second = gradus.train(
        mirror({"name": "autoencoder", "code": 3}, encoder=str(encoder.path)), run=tmp_path / "second"
    )
    assert second.spec.outputs == 8
    third = gradus.train(on_code(second.path), run=tmp_path / "third")
    assert third.spec.inputs == ((3,),)
    assert (third.path / "encoder" / "encoder" / "model.safetensors").is_file()
    assert len(list(predict(gradus.load_run(third.path), [("x", (images()[3],))]))) == 1


def test_a_relative_path_starts_at_the_recipe(encoder: gradus.Run, tmp_path: Path) -> None:
    shutil.copytree(encoder.path, tmp_path / "coder")
    recipe = Recipe.from_dict(on_code("coder"))
    (tmp_path / "r.toml").write_text(recipe.to_toml())
    assert train(tmp_path / "r.toml", run=tmp_path / "run").outcome == "finished"


def test_what_cannot_encode_is_refused(encoder: gradus.Run, tmp_path: Path) -> None:
    plain = gradus.train(digits(augment=[], epochs=1), run=tmp_path / "plain")
    with pytest.raises(InputError, match=r"data.encoder .*plain: its network has no code, got `mlp`"):
        gradus.train(on_code(plain.path), run=tmp_path / "x")
    with pytest.raises(InputError, match=r"run .*nowhere: no such folder"):
        gradus.train(on_code(tmp_path / "nowhere"), run=tmp_path / "x")
    other = from_arrays(np.zeros((40, 5)), np.arange(40) % 2)
    with pytest.raises(InputError, match=r"was trained on examples of shape \(\(1, 8, 8\),\)"):
        gradus.train(on_code(encoder.path), run=tmp_path / "x", data=other)
    assert not (tmp_path / "x").exists()


def test_categories_in_another_order_are_refused(tmp_path: Path) -> None:
    def write(name: str, towns: str) -> str:
        lines = [f"{n},{towns[n % 2]},{'pq'[n % 2]}" for n in range(60)]
        (tmp_path / name).write_text("\n".join(["u,v,label", *lines]))
        return str(tmp_path / name)

    document = mirror({"name": "autoencoder", "code": 2})
    document["data"] = {"name": write("a.csv", "bc"), "target": "label", "reconstruct": True}
    run = gradus.train(document, run=tmp_path / "run")
    use = on_code(run.path)
    use["data"] = {"name": write("b.csv", "ab"), "target": "label", "encoder": str(run.path)}
    with pytest.raises(InputError, match=r"was trained on other columns, or on categories listed in another order"):
        gradus.train(use, run=tmp_path / "x")


def test_an_ensemble_of_reconstructions_and_a_classifiers_loss_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"data.reconstruct: an ensemble combines answers in the data's own units"):
        gradus.train({**mirror(), "ensemble": {"members": 2}}, run=tmp_path / "x")
    with pytest.raises(
        InputError, match=r"criterion `cross_entropy`: is for classification, got `data for regression`"
    ):
        gradus.train({**mirror(), "criterion": {"name": "cross_entropy"}}, run=tmp_path / "x")
    with pytest.raises(InputError, match=r"model `autoencoder`: .*Set data.reconstruct = true"):
        gradus.train({**mirror(), "data": {"name": "digits"}}, run=tmp_path / "x")
