"""A program of `programs` run by a plain loop and by each framework; what the doctor came to, and the weights."""

import contextlib
import logging
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

import gradus
from gradus.core.findings import Finding
from tests.integrations.programs import Program

ALWAYS = 0.99
"""A budget that never makes examinations rarer, however busy the machine."""


@dataclass(frozen=True)
class Ended:
    """How a program ended: `found` and `causes` are empty where nobody watched."""

    weights: dict[str, Tensor]
    found: list[tuple[str, str, int, str]]
    causes: list[str]
    errors: list[Any]


def ended(model: nn.Module, watch: Any) -> Ended:
    weights = {name: each.clone() for name, each in model.state_dict().items()}
    if watch is None:
        return Ended(weights, [], [], [])
    errors = [each for each in watch.history.events if each["kind"] == "error"]
    return Ended(weights, [seen(each) for each in watch.findings], [each.id for each in watch.causes], errors)


def same_weights(one: Ended, other: Ended) -> None:
    """Bit by bit, as far as they are numbers."""
    assert one.weights.keys() == other.weights.keys()
    for name, each in one.weights.items():
        assert torch.equal(each.nan_to_num(), other.weights[name].nan_to_num()), name


def seen(finding: Finding) -> tuple[str, str, int, str]:
    """What must be the same everywhere; the place without what the frameworks put before it."""
    where = finding.where.rpartition("net.")[2]
    return finding.symptom, "" if where == "net" else where, finding.since_step, finding.severity


def plain(program: Program, *, watched: bool = True) -> Ended:
    model = program.model()
    optimizer = program.optimizer(model)
    train, held_out = program.loaders()
    watching = gradus.watch(model.net, optimizer, quiet=True, budget=ALWAYS) if watched else contextlib.nullcontext()
    with watching as doctor:
        for _ in range(program.epochs):
            model.train()
            for batch in train:
                loss = model.loss(model.net(batch["x"]), batch["labels"])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            model.eval()
            with torch.no_grad():
                for batch in held_out:
                    output = model.net(batch["x"])
                    model.loss(output, batch["labels"])
                    if output.shape[1] > 1:
                        output.argmax(dim=1).eq(batch["labels"])
    return ended(model, doctor)


def plain_with_loss_inside(program: Program) -> Ended:
    """The same where the model computes its loss itself, and an evaluation's numbers come from elsewhere."""
    model = program.model()
    optimizer = program.optimizer(model)
    train, held_out = program.loaders()
    with gradus.watch(model, optimizer, quiet=True, budget=ALWAYS) as doctor:
        for _ in range(program.epochs):
            model.train()
            for batch in train:
                loss = model(**batch)["loss"]
                loss.backward()
                optimizer.step()
                optimizer.zero_grad()
            model.eval()
            losses, right = [], 0.0
            with torch.no_grad():
                for batch in held_out:
                    out = model(**batch)
                    losses.append(float(out["loss"]))
                    right += float((out["logits"].argmax(dim=1) == batch["labels"]).sum())
    return ended(model, doctor)


@contextlib.contextmanager
def quietly(*loggers: str) -> Iterator[None]:
    """Without what frameworks say of themselves."""
    levels = {name: logging.getLogger(name).level for name in loggers}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in loggers:
            logging.getLogger(name).setLevel(logging.ERROR)
        try:
            yield
        finally:
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)
