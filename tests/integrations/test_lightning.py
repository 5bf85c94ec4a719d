import pytest

pytest.importorskip("lightning.pytorch")

import copy
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import EMAWeightAveraging, StochasticWeightAveraging
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from gradus.core.errors import InputError
from gradus.integrations.attending import Unhealthy
from gradus.integrations.lightning import GradusCallback
from tests.integrations.loops import ALWAYS, Ended, ended, plain, quietly, same_weights
from tests.integrations.programs import FAULTS, HEALTHY, Model, Program, blobs


class Module(pl.LightningModule):
    """A program of the table as people write it for Lightning."""

    def __init__(self, model: Model, program: Program) -> None:
        super().__init__()
        self.model, self.program = model, program

    def training_step(self, batch: Any, number: int) -> Any:
        loss = self.model.loss(self.model.net(batch["x"]), batch["labels"])
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch: Any, number: int) -> None:
        output = self.model.net(batch["x"])
        self.log("val_loss", self.model.loss(output, batch["labels"]))
        if output.shape[1] > 1:
            self.log("val_acc", output.argmax(dim=1).eq(batch["labels"]).float().mean())

    def configure_optimizers(self) -> Any:
        return self.program.optimizer(self.model)


def fit(module: pl.LightningModule, *loaders: Any, callbacks: Any = (), **options: Any) -> None:
    plain_ones = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "max_epochs": 8}
    with quietly("lightning.pytorch"):
        pl.Trainer(
            accelerator="cpu", callbacks=list(callbacks), enable_model_summary=False, **(plain_ones | options)
        ).fit(module, *loaders)


def by_lightning(program: Program, *, watched: bool = True, **options: Any) -> Ended:
    model = program.model()
    callback = GradusCallback(quiet=True, budget=ALWAYS)
    fit(
        Module(model, program), *program.loaders(), callbacks=[callback] * watched, max_epochs=program.epochs, **options
    )
    return ended(model, callback.watch)


@pytest.mark.parametrize("program", [*FAULTS, *HEALTHY], ids=lambda each: each.name)
def test_finds_what_a_plain_loop_finds(program: Program) -> None:
    one, other = plain(program), by_lightning(program)
    assert other.found == one.found
    assert other.causes == one.causes
    assert other.causes[:1] == [program.cause] * bool(program.cause)
    assert other.errors == []
    same_weights(one, other)


@pytest.mark.parametrize("program", [FAULTS[0], FAULTS[6], HEALTHY[0]], ids=lambda each: each.name)
def test_finds_it_through_the_wrapper_for_several_processes(program: Program) -> None:
    try:
        other = by_lightning(program, strategy="ddp", devices=1, use_distributed_sampler=False)  # data in order
    finally:
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()
        for name in ("MASTER_ADDR", "MASTER_PORT", "NODE_RANK", "LOCAL_RANK"):  # Lightning leaves them behind
            os.environ.pop(name, None)
    one = plain(program)
    assert other.found == one.found
    assert other.causes == one.causes
    assert other.errors == []


# ---- healthy programs with Lightning's own habits -------------------------------------------------------------------


class Classifier(pl.LightningModule):
    """Calls itself, logs by step and by epoch, decays its rate."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.head, self.dropout = nn.Linear(20, 64), nn.Linear(64, 4), nn.Dropout(0.1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(self.dropout(functional.relu(self.hidden(x))))
        return out

    def training_step(self, batch: Any, number: int) -> Any:
        loss = functional.cross_entropy(self(batch[0]), batch[1])
        self.log("train_loss", loss, prog_bar=True, on_step=True, on_epoch=True)
        return {"loss": loss, "more": number}

    def validation_step(self, batch: Any, number: int) -> None:
        output = self(batch[0])
        self.log("val/loss", functional.cross_entropy(output, batch[1]))
        self.log("val/accuracy", (output.argmax(dim=1) == batch[1]).float().mean())

    def configure_optimizers(self) -> Any:
        adam = torch.optim.AdamW(self.parameters(), 5e-3)
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = torch.optim.lr_scheduler.OneCycleLR(adam, 1e-2, total_steps=steps)
        return {"optimizer": adam, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


class Convolutions(Classifier):
    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Unflatten(1, (1, 4, 5)), nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.Flatten(),
            nn.Linear(320, 4),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.net(x)
        return out

    def configure_optimizers(self) -> Any:
        return torch.optim.AdamW(self.net.parameters(), 3e-3)


class Skipping(Classifier):
    def training_step(self, batch: Any, number: int) -> Any:
        return None if number % 7 == 3 else super().training_step(batch, number)


class ByHand(Classifier):
    """Manual optimization that accumulates two batches."""

    def __init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False

    def training_step(self, batch: Any, number: int) -> None:
        adam: Any = self.optimizers()
        self.manual_backward(functional.cross_entropy(self(batch[0]), batch[1]) / 2)
        if number % 2:
            self.clip_gradients(adam, 1.0, "norm")
            adam.step()
            adam.zero_grad()

    def configure_optimizers(self) -> Any:
        return torch.optim.Adam(self.parameters(), 3e-3)


class Autoencoder(pl.LightningModule):
    """Runs its parts, never itself."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Linear(32, 6))
        self.decoder = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 20))

    def training_step(self, batch: Any, number: int) -> Any:
        return functional.mse_loss(self.decoder(self.encoder(batch[0])), batch[0])

    def configure_optimizers(self) -> Any:
        return torch.optim.Adam(self.parameters(), 3e-3)


class Adversaries(pl.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False
        leak = nn.LeakyReLU(0.2)
        self.maker = nn.Sequential(nn.Linear(8, 64), leak, nn.Linear(64, 64), leak, nn.Linear(64, 2))
        self.judge = nn.Sequential(nn.Linear(2, 64), leak, nn.Linear(64, 64), leak, nn.Linear(64, 1))

    def training_step(self, batch: Any, number: int) -> None:
        optimizers: Any = self.optimizers()
        real, (make, judge) = batch[0], optimizers
        noise, ones = torch.randn(len(real), 8), torch.ones(len(real), 1)
        self.toggle_optimizer(judge)
        made = self.judge(self.maker(noise).detach())
        judge.zero_grad()
        self.manual_backward(_bce(self.judge(real), ones) + _bce(made, 0 * ones))
        judge.step()
        self.untoggle_optimizer(judge)
        self.toggle_optimizer(make)
        make.zero_grad()
        self.manual_backward(_bce(self.judge(self.maker(noise)), ones))
        make.step()
        self.untoggle_optimizer(make)

    def configure_optimizers(self) -> Any:
        return [torch.optim.Adam(each.parameters(), 5e-4, (0.5, 0.9)) for each in (self.maker, self.judge)]


def _bce(output: Tensor, target: Tensor) -> Tensor:
    return functional.binary_cross_entropy_with_logits(output, target)


class TargetNetwork(pl.LightningModule):
    """A frozen copy, synchronised now and then, as in Q-learning."""

    def __init__(self) -> None:
        super().__init__()
        self.online = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 4))
        self.target = copy.deepcopy(self.online).requires_grad_(False)

    def training_step(self, batch: Any, number: int) -> Any:
        x, y = batch
        action = torch.randint(4, (len(x),))
        with torch.no_grad():
            value = (action == y).float() + 0.5 * self.target(x.roll(1, 0)).max(dim=1).values
        if number % 20 == 19:
            self.target.load_state_dict(self.online.state_dict())
        return functional.smooth_l1_loss(self.online(x).gather(1, action[:, None])[:, 0], value)

    def configure_optimizers(self) -> Any:
        return torch.optim.Adam(self.online.parameters(), 1e-3)


class LineSearch(Classifier):
    def configure_optimizers(self) -> Any:
        return torch.optim.LBFGS(self.parameters(), 0.5, max_iter=5, line_search_fn="strong_wolfe")


def ring() -> tuple[Tensor, ...]:
    angle = 6.2832 * torch.rand(1024)
    return (torch.stack([angle.cos(), angle.sin()], dim=1) + 0.05 * torch.randn(1024, 2),)


Habit = tuple[type[pl.LightningModule], dict[str, Any]]
HABITS: dict[str, Habit] = {
    "one cycle, accumulated, clipped": (
        Classifier, {"accumulate_grad_batches": 4, "gradient_clip_val": 1.0, "max_epochs": 16}
    ),
    "half precision": (Convolutions, {"precision": "bf16-mixed"}),
    "validation within an epoch": (Convolutions, {"val_check_interval": 0.25}),
    "stochastic weight averaging": (Convolutions, {"callbacks": [StochasticWeightAveraging(1e-3)]}),
    "averages are evaluated": (Convolutions, {"callbacks": [EMAWeightAveraging()]}),
    "skips batches": (Skipping, {}),
    "manual": (ByHand, {}),
    "parts": (Autoencoder, {"max_epochs": 12}),
    "two players": (Adversaries, {"max_epochs": 15}),
    "target network": (TargetNetwork, {}),
    "line search": (LineSearch, {"max_epochs": 3}),
    "tries one batch": (Classifier, {"fast_dev_run": True}),
    "few batches": (Classifier, {"limit_train_batches": 10, "limit_val_batches": 2, "max_epochs": 20}),
    "shows its progress": (Classifier, {"enable_progress_bar": True}),
}  # fmt: skip


@pytest.mark.parametrize("habit", HABITS.values(), ids=HABITS)
def test_is_silent_about_a_healthy_program_and_leaves_its_weights(habit: Habit) -> None:
    kind, options = habit
    watched = GradusCallback(quiet=True)
    modules = [_habitual(kind, options, callbacks) for callbacks in ([watched], [])]
    assert [each.symptom for each in watched.findings] == []
    assert watched.watch is not None
    assert [each for each in watched.watch.history.events if each["kind"] == "error"] == []
    assert watched.watch.history.first is not None
    assert watched.watch.history.first.step == 0
    one, other = (each.state_dict() for each in modules)
    assert all(torch.equal(one[name], other[name]) for name in one)


def _habitual(kind: type[pl.LightningModule], options: dict[str, Any], callbacks: list[Any]) -> pl.LightningModule:
    pl.seed_everything(0, verbose=False)
    module = kind()
    x, y = blobs(800)
    train: Any = TensorDataset(*ring()) if kind is Adversaries else TensorDataset(x[160:], y[160:])
    held_out = [DataLoader(TensorDataset(x[:160], y[:160]), 32)] if isinstance(module, Classifier) else []
    own = copy.deepcopy(options.get("callbacks", []))
    fit(module, DataLoader(train, 32, shuffle=True), *held_out, **(options | {"callbacks": own + callbacks}))
    return module


# ---- what the callback itself does ----------------------------------------------------------------------------------


def test_findings_are_logged_and_said_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    callback = GradusCallback()
    board, table = TensorBoardLogger(tmp_path, name="board"), CSVLogger(tmp_path, name="table")
    program = FAULTS[0]
    fit(Module(program.model(), program), *program.loaders(), callbacks=[callback], logger=[board, table], max_epochs=2)
    assert capsys.readouterr().err.count("[large-updates]") == 1
    assert callback.findings
    events = EventAccumulator(board.log_dir)
    events.Reload()
    for each in callback.findings:
        assert events.Scalars(f"gradus/{each.symptom}")[-1].value == pytest.approx(each.confidence)
        assert f"gradus/{each.symptom}/text_summary" in events.Tags()["tensors"]
        assert f"gradus/{each.symptom}" in (Path(table.log_dir) / "metrics.csv").read_text()


def test_fails_in_the_step_that_was_found_unhealthy() -> None:
    callback = GradusCallback(quiet=True, fail_on="critical")
    program = FAULTS[0]
    module = Module(program.model(), program)
    with pytest.raises(Unhealthy, match=r"(?s)\[divergence\].*likely cause: learning-rate-too-high"):
        fit(module, *program.loaders(), callbacks=[callback])
    assert module.trainer.global_step < 10


def test_grave_enough_is_what_was_asked_for() -> None:
    program = FAULTS[1]  # warnings alone
    callback = GradusCallback(quiet=True, fail_on="critical")
    fit(Module(program.model(), program), *program.loaders(), callbacks=[callback])
    assert callback.findings
    with pytest.raises(Unhealthy):
        fit(
            Module(program.model(), program), *program.loaders(),
            callbacks=[GradusCallback(quiet=True, fail_on="warning")],
        )  # fmt: skip


def test_an_error_in_training_ends_the_watch() -> None:
    class Breaks(Classifier):
        def training_step(self, batch: Any, number: int) -> Any:
            raise RuntimeError("broken")

    backward: Callable[..., Any] = torch.autograd.backward
    x, y = blobs(64)
    with pytest.raises(RuntimeError, match="broken"):
        fit(Breaks(), DataLoader(TensorDataset(x, y), 32), callbacks=[GradusCallback(quiet=True)])
    assert torch.autograd.backward is backward


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"fail_on": "notice"}, "`fail_on` must be None, warning or critical"),
        ({"silence": ["dead-unit"]}, "Did you mean `dead-units`"),
        ({"budget": 2}, "`budget` must lie between 0 and 1"),
    ],
)
def test_refuses_what_it_cannot_do(given: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        GradusCallback(**given)


def test_works_in_the_older_package() -> None:
    older = pytest.importorskip("pytorch_lightning")

    class Older(older.LightningModule):  # type: ignore[misc, name-defined]
        training_step, configure_optimizers = Module.training_step, Module.configure_optimizers

    program, callback = FAULTS[0], GradusCallback(quiet=True)
    module = Older()
    module.model, module.program = program.model(), program
    with quietly("pytorch_lightning"):
        older.Trainer(
            max_epochs=2, accelerator="cpu", callbacks=[callback], logger=False, enable_checkpointing=False,
            enable_progress_bar=False, enable_model_summary=False,
        ).fit(module, program.loaders()[0])  # fmt: skip
    assert [each.id for each in callback.causes] == [program.cause]
