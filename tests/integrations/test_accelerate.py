import pytest

pytest.importorskip("accelerate")

from collections.abc import Iterator
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, GradientState

from gradus.core.errors import InputError
from gradus.integrations.accelerate import unwrapped, unwrapped_optimizer, watch
from tests.integrations.loops import ALWAYS, Ended, ended, plain, same_weights
from tests.integrations.programs import FAULTS, HEALTHY, Program


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    yield
    AcceleratorState._reset_state(reset_partial_state=True)
    GradientState._reset_state()


def by_accelerate(program: Program, *, watched: bool = True, every: int = 1, **options: Any) -> tuple[Ended, Any]:
    accelerator = Accelerator(cpu=True, gradient_accumulation_steps=every, **options)
    model = program.model()
    train, held_out = program.loaders()
    net, optimizer, train, held_out = accelerator.prepare(model.net, program.optimizer(model), train, held_out)
    doctor = watch(net, optimizer, quiet=True, budget=ALWAYS) if watched else None
    for _ in range(program.epochs):
        net.train()
        for batch in train:
            with accelerator.accumulate(net):
                loss = model.loss(net(batch["x"]), batch["labels"])
                optimizer.zero_grad()
                accelerator.backward(loss)
                optimizer.step()
        net.eval()
        for batch in held_out:
            with torch.no_grad():
                output = net(batch["x"])
            model.loss(output, batch["labels"])
            if output.shape[1] > 1:
                accelerator.gather_for_metrics(output.argmax(dim=1)) == batch["labels"]  # noqa: B015 - it is counted
    if doctor is not None:
        doctor.close()
    return ended(model, doctor), doctor


@pytest.mark.parametrize("program", [*FAULTS[:3], *HEALTHY], ids=lambda each: each.name)
def test_finds_what_a_plain_loop_finds(program: Program) -> None:
    one, (other, _) = plain(program), by_accelerate(program)
    assert [each[0] for each in other.found] == [each[0] for each in one.found]
    assert other.causes == one.causes
    assert other.errors == []
    same_weights(one, other)


def test_accumulated_batches_are_one_step() -> None:
    watched, doctor = by_accelerate(HEALTHY[0], every=4)
    assert watched.found == []
    assert doctor.history.step == HEALTHY[0].epochs * (640 - 128) // 32 // 4
    assert doctor.history.loop.backwards == 4 * doctor.history.step
    same_weights(watched, by_accelerate(HEALTHY[0], every=4, watched=False)[0])


def test_half_precision_is_no_fault() -> None:
    watched, doctor = by_accelerate(HEALTHY[0], mixed_precision="bf16")
    assert watched.found == []
    assert watched.errors == []
    assert len(doctor.history.examinations) > 10
    same_weights(watched, by_accelerate(HEALTHY[0], mixed_precision="bf16", watched=False)[0])


def test_finds_the_optimizer_and_the_module_within() -> None:
    accelerator = Accelerator(cpu=True)
    net = torch.nn.Linear(2, 1)
    sgd = torch.optim.SGD(net.parameters(), lr=0.1)
    prepared, optimizer = accelerator.prepare(net, sgd)
    assert unwrapped_optimizer(optimizer) is sgd
    assert unwrapped(torch.nn.DataParallel(prepared)) is net


def test_refuses_what_is_no_model() -> None:
    with pytest.raises(InputError, match="`model` must be"):
        watch([3])  # type: ignore[list-item]
    with pytest.raises(InputError, match="`optimizer` must be"):
        watch(torch.nn.Linear(2, 1), "sgd")
