"""A run of text goes on with a prompt: what is periodic goes on so, and draws are those of the seed."""

from pathlib import Path
from typing import Any

import pytest

import gradus
from gradus.core.errors import InputError
from gradus.report.html import render
from gradus.training.continuation import continuation
from gradus.training.run import Run

PERIOD = "abcdeg f"
MODELS: dict[str, dict[str, Any]] = {
    "gru": {"name": "gru", "hidden": 16, "embedding": 8},
    "transformer": {"name": "char_transformer", "depth": 1, "heads": 2, "width": 16},
    "neural_lm": {"name": "neural_lm", "hidden": [16], "embedding": 4},
    "bigram": {"name": "neural_lm", "hidden": [16], "embedding": 4},
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    folder = tmp_path_factory.mktemp("text")
    (folder / "periodic.txt").write_text(PERIOD * 300)
    every = {"predict": "every", "stride": 4}
    return {
        name: gradus.train(
            {
                "data": {
                    "name": f"{folder}/periodic.txt",
                    "window": 1 if name == "bigram" else 8,
                    **({} if model["name"] == "neural_lm" else every),
                },
                "model": model,
                "criterion": {"name": "cross_entropy"},
                "optimizer": {"name": "adamw", "lr": 2e-2},
                "training": {"epochs": 4, "threads": 1},
            },
            run=folder / name,
        )
        for name, model in MODELS.items()
    }


@pytest.mark.parametrize("name", MODELS)
def test_what_is_periodic_goes_on_so(runs: dict[str, Run], name: str) -> None:
    said = continuation(runs[name], PERIOD + PERIOD[:3], length=21, temperature=0)
    assert said == (PERIOD[3:] + 2 * PERIOD)[:21]


@pytest.mark.parametrize("name", MODELS)
def test_a_run_keeps_how_its_text_goes_on_and_the_report_shows_it(runs: dict[str, Run], name: str) -> None:
    run = runs[name]
    assert run.sample is not None
    prompt, said = run.sample["prompt"], run.sample["continuation"]
    assert len(prompt) == run.spec.inputs[0][0]
    assert prompt in 2 * PERIOD
    assert said == continuation(run, prompt)
    page = render(run)
    assert f"{prompt}<strong>{said}</strong></pre>" in page


def test_draws_are_those_of_the_seed(runs: dict[str, Run]) -> None:
    said = [continuation(runs["gru"], "ab", length=60, temperature=3.0, seed=seed) for seed in (0, 0, 1)]
    assert said[0] == said[1]
    assert said[0] != said[2]
    likeliest = continuation(runs["gru"], "ab", length=60, temperature=3.0, top_k=1)
    assert likeliest == continuation(runs["gru"], "ab", length=60, temperature=0)


@pytest.mark.parametrize(
    ("name", "prompt", "words"),
    [
        ("gru", "abx", "prompt: holds a character that the training text did not have, got `x`"),
        ("gru", "", "prompt: needs 1 characters or more"),
        ("neural_lm", "abcdeg ", "prompt: needs 8 characters or more"),
    ],
)
def test_what_cannot_be_gone_on_with_is_told(runs: dict[str, Run], name: str, prompt: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        continuation(runs[name], prompt)


def test_sequences_that_are_turned_into_others_do_not_go_on(tmp_path: Path) -> None:
    run = gradus.train(
        {
            "data": {"name": "reversal", "length": 4, "symbols": 3, "examples": 40, "test_examples": 4},
            "model": {"name": "seq2seq", "hidden": 4, "embedding": 2},
            "criterion": {"name": "cross_entropy"},
            "optimizer": {"name": "sgd", "lr": 0.1},
            "training": {"epochs": 1, "threads": 1},
        },
        run=tmp_path / "reversal",
    )
    with pytest.raises(InputError, match="prompt: is for a network that tells what comes next, got `seq2seq`"):
        continuation(run, "abca")


def test_other_runs_do_not_go_on(tmp_path: Path) -> None:
    run = gradus.train(
        {
            "data": {"name": "digits"},
            "model": {"name": "mlp", "hidden": [4]},
            "criterion": {"name": "cross_entropy"},
            "optimizer": {"name": "sgd", "lr": 0.1},
            "training": {"epochs": 1, "threads": 1},
        },
        run=tmp_path / "digits",
    )
    assert run.sample is None
    with pytest.raises(InputError, match="prompt: is for a run that was trained on text"):
        continuation(run, "ab")
