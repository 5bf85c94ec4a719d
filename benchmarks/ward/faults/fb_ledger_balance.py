"""Final balance of an account book: a recurrent net reads 40 signed entries, some of them struck out by a flag.

Saturation was feared, so the recurrence is linear up to a ReLU; its matrix starts orthogonal.
"""
# cause: exploding-gradient
# accept: bad-initialization exploding-through-time
# kind: dynamic

import sys

import torch
from torch import nn

STEPS, HIDDEN, BATCH, UPDATES = 40, 40, 64, 900
RECURRENT_GAIN = 1.4  # FAULT
# TWIN: RECURRENT_GAIN = 1.0


class LedgerRNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.RNN(2, HIDDEN, nonlinearity="relu", batch_first=True)
        self.readout = nn.Linear(HIDDEN, 1)
        with torch.no_grad():
            self.rnn.weight_hh_l0.copy_(RECURRENT_GAIN * torch.eye(HIDDEN))
        nn.init.normal_(self.rnn.weight_ih_l0, std=0.2)
        nn.init.zeros_(self.rnn.bias_ih_l0)
        nn.init.zeros_(self.rnn.bias_hh_l0)

    def forward(self, entries):
        states, _ = self.rnn(entries)
        return self.readout(states[:, -1]).squeeze(1)


def books(count):
    amount = torch.randn(count, STEPS)
    counts = (torch.rand(count, STEPS) < 0.7).float()
    balance = (amount * counts).sum(1) / (0.7 * STEPS) ** 0.5
    return torch.stack([amount, 2 * counts - 1], dim=2), balance


def main():
    torch.set_num_threads(1)
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    test_entries, test_balance = books(1000)
    model = LedgerRNN()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, UPDATES)
    mse = nn.MSELoss()
    recent = []
    for update in range(1, UPDATES + 1):
        entries, balance = books(BATCH)
        loss = mse(model(entries), balance)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        recent.append(loss.item())
        if update % 100 == 0:
            print(f"update {update}: mse {sum(recent) / len(recent):.4g}")
            recent.clear()

    with torch.no_grad():
        error = mse(model(test_entries), test_balance).item()
    print(f"score: {1 - error / test_balance.var().item():.4f}")


if __name__ == "__main__":
    main()
