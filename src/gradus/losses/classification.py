"""Criteria for classes."""

from collections.abc import Callable
from functools import partial
from typing import Annotated

from pydantic import Field
from torch import Tensor
from torch.nn import functional

from gradus.losses import criteria

# N examples, C classes


@criteria.register(source="Goodfellow, Bengio, Courville (2016), Deep Learning, 6.2.2.3", tasks=("classification",))
def cross_entropy(*, label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0) -> Callable[[Tensor, Tensor], Tensor]:
    """Minus the log-probability of the right class; takes raw logits (N, C) and classes (N,)."""
    return partial(functional.cross_entropy, label_smoothing=label_smoothing)
