"""The Trainer asks torch for exactly what a loop written by hand does."""

from dataclasses import replace

import pytest
import torch

from benchmarks import aten, ours, twin
from benchmarks.tasks import Task, digits_task, image_task

DIGITS = digits_task()
# 101 steps an epoch, so that losses are also read within one; and six; the last one smaller in both
TASKS = [replace(DIGITS, inputs=DIGITS.inputs[:403], target=DIGITS.target[:403], batch_size=4), image_task(360)]


@pytest.mark.parametrize("scheduled", [False, True], ids=["constant", "one_cycle"])
@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_same_operations_as_by_hand(task: Task, scheduled: bool) -> None:
    by_hand, by_trainer = aten.record_training(task, scheduled=scheduled)
    assert sum(each.startswith("aten._fused_adamw_") for each in by_hand) == 2 * task.steps
    assert aten.difference(by_hand, by_trainer) == []


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_same_weights_as_by_hand_in_the_same_order(task: Task) -> None:
    network, twins = task.network(), task.network()
    trainer = ours.make_trainer(task, network, task.optimizer(network), epochs=2)
    trainer.fit()

    def order(epoch: int) -> twin.Index:
        return torch.cat([batch.index for batch in trainer.loader.batches(epoch)]).numpy()

    twin.train_in_memory(task, twins, task.optimizer(twins), 2, order)
    for weight, other in zip(network.parameters(), twins.parameters(), strict=True):
        assert torch.equal(weight, other)


def test_a_difference_is_shown() -> None:
    task = image_task(64)
    x = task.inputs[:4]
    plain, more = aten.record(x.relu), aten.record(lambda: x.relu().sum())
    assert plain == ["aten.relu.default(float32[4, 1, 28, 28])"]
    assert aten.difference(plain, more) == [
        "operation 1: by hand nothing more, by the Trainer aten.sum.default(float32[4, 1, 28, 28])",
        "+1 aten.sum.default(float32[4, 1, 28, 28])",
    ]
