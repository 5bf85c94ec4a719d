from typing import get_args

import torch

from gradus.models.activations import ACTIVATIONS, Activation


def test_every_name_is_the_function_it_names() -> None:
    x = torch.linspace(-3, 3, 7)
    assert set(ACTIVATIONS) == set(get_args(Activation))
    for name, module in ACTIVATIONS.items():
        torch.testing.assert_close(module()(x), getattr(torch, name)(x))
