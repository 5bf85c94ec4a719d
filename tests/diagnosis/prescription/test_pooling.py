"""Which states of a recurrent layer are read."""

import pytest

from tests.diagnosis.prescription.changing import first_change
from tests.diagnosis.prescription.networks import HEAD


@pytest.mark.parametrize(
    ("made", "before", "after"),
    [
        ("nn.RNN(4, 8, batch_first=True)", "s, _ = self.rnn(x); return s[:, -1]", "s.amax(1)"),
        ("nn.RNN(4, 8, batch_first=True)", "s, _ = self.rnn(x); return s[:, -1, :]", "s.amax(1)"),
        ("nn.RNN(4, 8)", "s = self.rnn(x)[0]; return s[-1]", "s.amax(0)"),
        ("nn.LSTM(4, 8, batch_first=True)", "return self.rnn(x)[0][:, -1]", "self.rnn(x)[0].amax(1)"),
        ("nn.RNN(4, 8, batch_first=True)", "_, h = self.rnn(x); return h[-1]", "states.amax(1)"),
        ("nn.LSTM(4, 8, batch_first=True)", "s, (h, c) = self.rnn(x); return h.squeeze(0)", "s.amax(1)"),
        ("nn.RNN(4, 8, batch_first=True)", "s, _ = self.rnn(x); return s[-1]", ""),
        ("nn.RNN(4, 8, batch_first=True)", "s, h = self.rnn(x); return h[-1] + h.mean()", ""),
        ("nn.RNN(4, 8, batch_first=True, bidirectional=True)", "_, h = self.rnn(x); return h[-1]", ""),
    ],
)
def test_all_states_are_read(made: str, before: str, after: str) -> None:
    source = (
        f"{HEAD}class N(nn.Module):\n    def __init__(self):\n        self.rnn = {made}\n\n    def forward(self, x):\n"
    )
    source += "".join(f"        {line.strip()}\n" for line in before.split(";"))
    (*_, line) = first_change(source, "pool-over-time") or [""]
    assert line == (f"+ return {after}" if after else "")
