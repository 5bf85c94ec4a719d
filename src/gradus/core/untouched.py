"""Call a model as it is written, and leave no trace in it."""

import logging
import random
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from copy import copy
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn


@contextmanager
def untouched(model: nn.Module, *, copied: bool = False) -> Iterator[None]:
    """At the end each module has the attributes that it had, and random numbers go on where they were.

    Lists and dictionaries among the attributes are put back too, as deep as one level. Tensors that are changed in
    place are not, unless `copied`: then those that modules keep as plain attributes are copies meanwhile.
    """
    kept: list[Any] = [vars(each) for each in model.modules()]
    kept += [value for each in kept for value in each.values() if isinstance(value, (dict, list))]
    before = [(each, copy(each)) for each in kept]
    generators = random.getstate(), np.random.get_state()  # noqa: NPY002 - what the model may draw from
    try:
        for each in kept if copied else ():
            if isinstance(each, dict):
                each.update({name: value.clone() for name, value in each.items() if type(value) is Tensor})
        with torch.random.fork_rng({each.device.index for each in model.parameters() if each.is_cuda}):
            yield
    finally:
        random.setstate(generators[0])
        np.random.set_state(generators[1])  # noqa: NPY002
        for each, content in before:
            each.clear()
            each.extend(content) if isinstance(each, list) else each.update(content)


@contextmanager
def put_back(tensors: Iterable[Tensor]) -> Iterator[None]:
    """At the end each tensor holds the numbers that it had."""
    before = [(each, each.detach().clone()) for each in tensors]
    try:
        yield
    finally:
        with torch.no_grad():
            for each, content in before:
                each.copy_(content)


@contextmanager
def as_written() -> Iterator[None]:
    """Nothing is compiled or fused, so that every operation can be seen."""
    logger = logging.getLogger("torch._subclasses.fake_tensor")
    before = logger.disabled, torch.backends.mha.get_fastpath_enabled()
    logger.disabled = True  # torch logs a traceback where shapes do not fit; we say it in one line
    torch.backends.mha.set_fastpath_enabled(False)  # transformer layers in evaluation mode as one operation
    try:
        with torch.compiler.set_stance("force_eager"):
            yield
    finally:
        logger.disabled = before[0]
        torch.backends.mha.set_fastpath_enabled(before[1])
