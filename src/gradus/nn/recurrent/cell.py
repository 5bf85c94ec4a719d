"""A cell: one step with its weights."""

import torch
from torch import Tensor, nn

from gradus.core.errors import InputError
from gradus.nn.recurrent.kinds import Biases, Kind, Nonlinearity, Reset, make_step
from gradus.nn.recurrent.steps import Step, Weights

IDENTITY_INPUT_STD = 0.001
"""Of an IRNN's weights that are not from state to state."""


class Cell(nn.RNNCellBase):
    """One step of a recurrence, called as torch's cells are.

    Args:
        kind: see `gradus.nn.recurrent.steps` for the equations of each.
        input_size: F.
        hidden_size: H.
        biases: 1, as texts write it; 2 that are added, as torch has; or 0.
        nonlinearity: of "rnn".
        reset: of "gru".
    Raises:
        InputError: for another kind or number of biases, or sizes below 1.
    """

    def __init__(
        self,
        kind: Kind,
        input_size: int,
        hidden_size: int,
        *,
        biases: Biases = 1,
        nonlinearity: Nonlinearity = "tanh",
        reset: Reset = "after",
    ) -> None:
        check_sizes("Cell", input_size=input_size, hidden_size=hidden_size)
        check_biases(biases)
        step = make_step(kind, nonlinearity=nonlinearity, reset=reset)
        super().__init__(input_size, hidden_size, bias=biases > 0, num_chunks=step.chunks)
        if biases == 1:
            del self.bias_hh
            self.register_parameter("bias_hh", None)
        self.step: Step = step
        self.kind, self.biases = kind, biases
        self.chunks = step.chunks
        if isinstance(getattr(step, "nonlinearity", None), str):
            self.nonlinearity = step.nonlinearity
        for name, part in step.extra(hidden_size).items():
            setattr(self, name, part)
        if kind == "irnn":
            begin_as_identity(self)

    def forward(self, x: Tensor, state: Tensor | tuple[Tensor, Tensor] | None = None) -> Tensor | tuple[Tensor, Tensor]:
        """The next state.

        Args:
            x: (N, F).
            state: h (N, H), or (h, c) of a kind of LSTM; zeros if None.
        Raises:
            InputError: if `x` or `state` is not so.
        """
        if x.dim() != 2 or x.shape[1] != self.input_size:
            raise InputError("Cell", f"`x` must be of shape (N, {self.input_size})", tuple(x.shape))
        if state is None:
            parts = (x.new_zeros(len(x), self.hidden_size),) * self.step.parts
        else:
            parts = (state,) if isinstance(state, Tensor) else tuple(state)
            wanted = (len(x), self.hidden_size)
            if len(parts) != self.step.parts or any(each.shape != wanted for each in parts):
                rule = f"`state` must be {'a pair, both of' if self.step.parts == 2 else 'of'} shape {wanted}"
                raise InputError("Cell", rule, [tuple(each.shape) for each in parts])
        w = self.weights()
        after: tuple[Tensor, ...] = self.step(self.step.project(x, w), parts, w)[0]
        return after[0] if len(after) == 1 else (after[0], after[1])

    def weights(self) -> Weights:
        """As a step takes them."""
        return Weights(self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh, self)


def check_sizes(owner: str, **sizes: int) -> None:
    """Refuse what is no number of features, units or layers."""
    for name, number in sizes.items():
        if not isinstance(number, int) or number < 1:
            raise InputError(owner, f"`{name}` must be a whole number of 1 or more", number)


def check_biases(biases: int) -> None:
    """Refuse another number of biases."""
    if biases not in (0, 1, 2):
        raise InputError("Recurrent", "`biases` must be 0, 1 or 2", biases)


@torch.no_grad()
def begin_as_identity(layer: nn.Module) -> None:
    """An IRNN's first weights: it hands its state on as it is.

    Source: Le, Jaitly, Hinton (2015), A simple way to initialize recurrent networks of rectified linear units,
    arXiv:1504.00941, section 3 and 4.
    """
    for name, each in layer.named_parameters():
        if "weight_hh" in name:
            nn.init.eye_(each)
        elif "weight_ih" in name:
            nn.init.normal_(each, std=IDENTITY_INPUT_STD)
        else:
            nn.init.zeros_(each)
