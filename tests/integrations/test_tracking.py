import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

import gradus
from gradus.core.errors import InputError
from gradus.diagnosis.watch import Watch
from gradus.integrations.tracking import Tracking
from tests.cli.command import run_gradus
from tests.integrations.programs import FAULTS

DIVERGING = FAULTS[0]


@pytest.fixture
def mlflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """With a store of its own, in a folder."""
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    module = pytest.importorskip("mlflow")
    before = module.get_tracking_uri()
    module.set_tracking_uri((tmp_path / "mlruns").as_uri())
    yield module
    while module.active_run() is not None:
        module.end_run()
    module.set_tracking_uri(before)


def watched(*trackers: Any) -> Watch:
    """A run whose rate is too high."""
    model = DIVERGING.model()
    sgd = DIVERGING.optimizer(model)
    with gradus.watch(model.net, sgd, quiet=True, to=trackers) as doctor:
        for _ in range(3):
            for batch in DIVERGING.loaders()[0]:
                sgd.zero_grad()
                model(**batch)["loss"].backward()
                sgd.step()
    return doctor


def events(folder: Path) -> Any:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    read = EventAccumulator(str(folder))
    read.Reload()
    return read


def texts(read: Any, name: str) -> list[str]:
    return [each.tensor_proto.string_val[0].decode() for each in read.Tensors(f"{name}/text_summary")]


# ---- a watch --------------------------------------------------------------------------------------------------------


def test_tensorboard_holds_every_examination_and_finding(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from gradus.integrations.tensorboard import TensorBoard

    doctor = watched(TensorBoard(tmp_path))
    read = events(tmp_path)
    losses = [(each.step, each.value) for each in read.Scalars("gradus/loss")]
    assert [step for step, _ in losses] == [each.step for each in doctor.history.examinations]
    assert losses[0][1] == pytest.approx(doctor.history.examinations[0].losses[0].value)
    gradient = doctor.history.examinations[1].parameters["Sequential:0.weight"].gradient
    assert read.Scalars("gradus-gradient/0")[1].value == pytest.approx(gradient)
    assert {"gradus-update/2", "gradus-dead/1"} <= set(read.Tags()["scalars"])
    for each in doctor.findings:
        assert each.message in texts(read, f"gradus/{each.symptom}")[-1]
    assert "learning-rate-too-high" in texts(read, "gradus/cause")[0]


def test_a_writer_of_the_programs_own_stays_open(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from torch.utils.tensorboard import SummaryWriter

    from gradus.integrations.tensorboard import TensorBoard

    with SummaryWriter(str(tmp_path)) as writer:
        watched(TensorBoard(writer))
        writer.add_scalar("mine", 1.0, 7)
    assert events(tmp_path).Scalars("mine")[0].step == 7


def test_mlflow_holds_every_examination_and_finding(mlflow: Any) -> None:
    from gradus.integrations.mlflow import MLflow

    tracker = MLflow(name="diverging")
    doctor = watched(tracker)
    client = mlflow.MlflowClient()
    run = client.get_run(tracker.run_id)
    assert run.info.status == "FINISHED"
    losses = client.get_metric_history(tracker.run_id, "gradus/loss")
    assert [each.step for each in losses] == [each.step for each in doctor.history.examinations]
    assert "gradus-gradient/0" in run.data.metrics
    assert run.data.tags["gradus.cause"] == "learning-rate-too-high"
    assert "learning" in run.data.tags["gradus.divergence"]
    document = mlflow.artifacts.load_dict(f"{run.info.artifact_uri}/gradus/findings.json")
    assert [each["symptom"] for each in document["findings"]] == [each.symptom for each in doctor.findings]


def test_mlflow_writes_into_the_active_run_and_leaves_it_so(mlflow: Any) -> None:
    from gradus.integrations.mlflow import MLflow

    with mlflow.start_run() as run:
        watched(MLflow())
        assert mlflow.active_run().info.run_id == run.info.run_id
    assert "gradus.divergence" in mlflow.get_run(run.info.run_id).data.tags


def test_a_tracker_that_fails_is_sent_nothing_more_and_the_run_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    class Full:
        calls = 0

        def scalars(self, step: int, values: Mapping[str, float]) -> None:
            Full.calls += 1
            raise OSError("disk full")

    assert [each.id for each in watched(Full()).causes] == ["learning-rate-too-high"]
    assert Full.calls == 1
    assert caplog.text.count("Full is sent nothing more (OSError: disk full)") == 1


# ---- a run of a recipe ----------------------------------------------------------------------------------------------


def test_a_run_is_tracked_in_its_folder(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("tensorboard")
    done = run_gradus(
        capsys, monkeypatch, "train", "linear-walkthrough", "--run", tmp_path / "run", "--track", "tensorboard"
    )
    assert done.code == 0, done.err
    run = gradus.load_run(tmp_path / "run")
    read = events(tmp_path / "run" / "tensorboard")
    steps, values = zip(*run.curves["train_loss"], strict=True)
    sent = read.Scalars("train_loss")
    sent = [sent[0], *(each for each, before in zip(sent[1:], sent, strict=False) if each.step > before.step)]
    assert [each.step for each in sent][-5:] == list(steps)[-5:]
    assert [each.value for each in sent][-5:] == pytest.approx(list(values)[-5:])
    assert "gradus/loss" in read.Tags()["scalars"]


def test_a_run_that_diverges_says_so_in_mlflow(mlflow: Any, tmp_path: Path) -> None:
    recipe = {
        "model": {"name": "mlp"}, "data": {"name": "digits"}, "criterion": {"name": "cross_entropy"},
        "optimizer": {"name": "sgd", "lr": 1e6}, "training": {"epochs": 2},
    }  # fmt: skip
    with Tracking.named("mlflow") as tracking:
        run = gradus.train({"schema": 1, **recipe}, run=tmp_path / "run", callbacks=[tracking])
        tracking.result(run)
    (found,) = mlflow.search_runs(output_format="list")
    assert found.info.run_name == "run"
    symptoms = {each["symptom"] for each in run.findings}
    assert symptoms
    assert symptoms <= {name.removeprefix("gradus.") for name in found.data.tags}


def test_tracking_leaves_the_weights(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    with Tracking.named("tensorboard") as tracking:
        one = gradus.train("linear-walkthrough", run=tmp_path / "one", callbacks=[tracking]).model().state_dict()
    other = gradus.train("linear-walkthrough", run=tmp_path / "other").model().state_dict()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_an_unknown_tracker_is_refused_before_training(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    done = run_gradus(
        capsys, monkeypatch, "train", "linear-walkthrough", "--run", tmp_path / "run", "--track", "tensorbord"
    )
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "Did you mean `tensorboard`?" in done.err
    assert not (tmp_path / "run").exists()


def test_a_store_that_cannot_be_used_is_refused_before_training(mlflow: Any) -> None:
    mlflow.set_tracking_uri("nonsense://here")
    with pytest.raises(InputError, match="its store cannot be used"):
        Tracking.named("mlflow")


def test_signs_are_documents() -> None:
    """What trackers are sent is what the report draws."""
    from gradus.diagnosis.tracking import layer_signs, scalars_of

    examination = watched().history.examinations[2]
    layers = layer_signs(examination)
    assert json.loads(json.dumps(layers)) == layers
    named = {(sign, layer) for layer, signs in layers.items() for sign in signs}
    assert {f"gradus-{sign}/{layer}" for sign, layer in named} | {"gradus/loss"} == set(scalars_of(examination))
