"""Hyper-parameters and their constraints, named as torch names them."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field
from torch import nn

Parameters = Iterable[nn.Parameter]
Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Decay = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Momentum = Annotated[float, Field(ge=0, lt=1)]
Epsilon = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Penalty = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Tolerance = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]
Betas = tuple[Momentum, Momentum]
