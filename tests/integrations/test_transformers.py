import pytest

pytest.importorskip("transformers")
pytest.importorskip("accelerate")

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers
from accelerate.state import AcceleratorState, DistributedType, GradientState
from torch import Tensor
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import SequentialSampler
from transformers import Trainer, TrainingArguments

from gradus.integrations.attending import Unhealthy
from gradus.integrations.transformers import GradusCallback
from tests.integrations.loops import ALWAYS, Ended, ended, plain_with_loss_inside, same_weights
from tests.integrations.programs import FAULTS, HEALTHY, Program


class InOrder(Trainer):
    def _get_train_sampler(self, *_: Any) -> Any:
        dataset: Any = self.train_dataset
        return SequentialSampler(dataset)


def arguments(folder: Path, **options: Any) -> TrainingArguments:
    quiet: dict[str, Any] = {"report_to": "none", "save_strategy": "no", "disable_tqdm": True, "logging_strategy": "no"}
    return TrainingArguments(output_dir=str(folder), use_cpu=True, **(quiet | options))


def by_transformers(program: Program, folder: Path, callback: GradusCallback) -> Ended:
    model = program.model()
    optimizer = program.optimizer(model)
    train, held_out = program.datasets()
    given = arguments(
        folder, num_train_epochs=program.epochs, per_device_train_batch_size=program.batch, eval_strategy="epoch",
        per_device_eval_batch_size=program.batch, max_grad_norm=0.0,
    )  # fmt: skip
    InOrder(
        model, given, train_dataset=train, eval_dataset=held_out, callbacks=[callback],
        optimizers=(optimizer, LambdaLR(optimizer, lambda _: 1.0)), compute_metrics=_accuracy,
    ).train()  # fmt: skip
    return ended(model, callback.watch)


def _accuracy(predicted: Any) -> dict[str, float]:
    logits, labels = predicted
    classes = logits.ndim == 2 and logits.shape[1] > 1
    return {"accuracy": float((logits.argmax(axis=1) == labels).mean())} if classes else {}


@pytest.mark.parametrize("program", [*FAULTS, *HEALTHY], ids=lambda each: each.name)
def test_finds_what_a_plain_loop_finds(program: Program, tmp_path: Path) -> None:
    one, other = (
        plain_with_loss_inside(program),
        by_transformers(program, tmp_path, GradusCallback(quiet=True, budget=ALWAYS)),
    )
    assert other.found == one.found
    assert other.causes == one.causes
    if program.name != "evaluation mode":  # the Trainer itself sets the mode at each step
        assert other.causes[:1] == [program.cause] * bool(program.cause)
    assert other.errors == []
    same_weights(one, other)


def test_finds_it_through_the_wrapper_for_several_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """DistributedDataParallel leads the loss and the logits through one node of the graph."""
    for name, value in {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "0", "LOCAL_RANK": "0"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "1")
    program = FAULTS[2]
    try:
        callback = GradusCallback(quiet=True, budget=ALWAYS)
        other = by_transformers(program, tmp_path, callback)
        assert AcceleratorState().distributed_type == DistributedType.MULTI_CPU
    finally:
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()
        AcceleratorState._reset_state(reset_partial_state=True)
        GradientState._reset_state()
    one = plain_with_loss_inside(program)
    assert other.found == one.found
    assert other.causes == one.causes


# ---- healthy programs with the Trainer's own habits -----------------------------------------------------------------

Data = dict[str, Tensor]


class Examples(torch.utils.data.Dataset[Data]):
    def __init__(self, data: Data) -> None:
        self.data = data

    def __len__(self) -> int:
        return len(self.data["labels"])

    def __getitem__(self, index: int) -> Data:
        return {name: each[index] for name, each in self.data.items()}


def sentences() -> Data:
    """One of four words among others tells the class."""
    y = torch.randint(4, (480,))
    x = torch.randint(20, 60, (480, 8))
    x[torch.arange(480), torch.randint(1, 8, (480,))] = 4 + y
    return {"input_ids": x, "attention_mask": torch.ones_like(x), "labels": y}


def language() -> Data:
    """The next word follows from the last, mostly."""
    words = [torch.randint(16, (480, 1))]
    for _ in range(11):
        words.append((words[-1] * 3 + 1 + (torch.rand(480, 1) < 0.1).long()) % 16)
    x = torch.cat(words, dim=1)
    return {"input_ids": x, "labels": x.clone()}


def pictures() -> Data:
    y = torch.randint(4, (480,))
    return {"pixel_values": torch.randn(4, 1, 8, 8)[y] + 0.8 * torch.randn(480, 1, 8, 8), "labels": y}


_SMALL: Any = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
_CLASSES: Any = _SMALL | {"num_labels": 4}


def bert() -> Any:
    config = transformers.BertConfig(vocab_size=64, max_position_embeddings=16, **_CLASSES)
    return transformers.BertForSequenceClassification(config)


def gpt() -> Any:
    config = transformers.GPT2Config(
        vocab_size=16, n_positions=12, n_embd=32, n_layer=2, n_head=2, bos_token_id=0, eos_token_id=0
    )
    return transformers.GPT2LMHeadModel(config)


def llama() -> Any:
    config = transformers.LlamaConfig(vocab_size=16, max_position_embeddings=16, **_SMALL)
    return transformers.LlamaForCausalLM(config)


def vit() -> Any:
    config = transformers.ViTConfig(image_size=8, patch_size=4, num_channels=1, **_CLASSES)
    return transformers.ViTForImageClassification(config)


Habit = tuple[Callable[[], Any], Callable[[], Data], dict[str, Any]]
HABITS: dict[str, Habit] = {
    "clipped, linear decay": (bert, sentences, {"num_train_epochs": 12}),  # 6 are too few
    "accumulated, half precision, warm-up, smoothed labels": (
        bert, sentences, {
            "gradient_accumulation_steps": 4, "per_device_train_batch_size": 8, "bf16": True, "warmup_steps": 10,
            "label_smoothing_factor": 0.1,
        },
    ),
    "language, cosine": (gpt, language, {"lr_scheduler_type": "cosine", "learning_rate": 3e-3}),
    "checkpointed, adafactor": (llama, language, {"gradient_checkpointing": True, "optim": "adafactor"}),
    "accumulated by tokens, decayed": (
        gpt, language, {
            "gradient_accumulation_steps": 2, "per_device_train_batch_size": 16, "weight_decay": 0.1,
            "learning_rate": 3e-3,
        },
    ),
    "pictures, evaluated by steps": (vit, pictures, {"eval_strategy": "steps", "eval_steps": 7}),
    "keeps the best": (
        vit, pictures, {"save_strategy": "epoch", "load_best_model_at_end": True, "metric_for_best_model": "accuracy"}
    ),
    "logs each step, shows a bar": (vit, pictures, {
        "logging_strategy": "steps", "logging_steps": 1, "disable_tqdm": False, "eval_strategy": "no",
    }),
}  # fmt: skip


@pytest.mark.parametrize("habit", HABITS.values(), ids=HABITS)
def test_is_silent_about_a_healthy_program_and_leaves_its_weights(habit: Habit, tmp_path: Path) -> None:
    watched = GradusCallback(quiet=True)
    one, other = (_habitual(habit, tmp_path, callbacks) for callbacks in ([watched], []))
    assert [each.symptom for each in watched.findings] == []
    assert watched.watch is not None
    assert watched.watch.history.step > 30
    assert [each for each in watched.watch.history.events if each["kind"] == "error"] == []
    assert all(torch.equal(one[name], other[name]) for name in one)


def _habitual(habit: Habit, folder: Path, callbacks: list[Any]) -> dict[str, Tensor]:
    build, make, options = habit
    transformers.set_seed(0)
    data, model = make(), build()
    train, held_out = ({name: each[part] for name, each in data.items()} for part in (slice(96, None), slice(96)))
    usual = {
        "learning_rate": 2e-3, "num_train_epochs": 6, "per_device_train_batch_size": 32, "eval_strategy": "epoch",
        "per_device_eval_batch_size": 32,
    }  # fmt: skip
    Trainer(
        model, arguments(folder, **(usual | options)), train_dataset=Examples(train), eval_dataset=Examples(held_out),
        callbacks=callbacks, compute_metrics=_accuracy,
    ).train()  # fmt: skip
    return dict(model.state_dict())


# ---- what the callback itself does ----------------------------------------------------------------------------------


def test_fails_in_the_step_that_was_found_unhealthy(tmp_path: Path) -> None:
    backward: Callable[..., Any] = torch.autograd.backward
    callback = GradusCallback(quiet=True, fail_on="critical")
    with pytest.raises(Unhealthy, match=r"(?s)\[divergence\].*likely cause: learning-rate-too-high"):
        by_transformers(FAULTS[0], tmp_path, callback)
    assert callback.watch is not None
    assert callback.watch.history.step < 10
    assert torch.autograd.backward is backward
