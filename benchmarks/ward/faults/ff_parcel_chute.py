"""Which of four chutes a parcel must take: its code is flashed at the scanner, the decision is made at the belt's end.

Two light barriers and a vibration sensor are sampled while the parcel travels; a recurrent network reads it all.
"""
# cause: vanishing-through-time
# kind: dynamic

import sys

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset

TRAVEL = 80


class Parcels(Dataset):
    """Two flashes in the first five samples, each on one of two barriers, name the chute, then only noise."""

    def __init__(self, count, seed):
        g = torch.Generator().manual_seed(seed)
        self.chutes = torch.randint(0, 4, (count,), generator=g)
        self.signals = 0.2 * torch.randn(count, TRAVEL, 3, generator=g)
        phase = torch.rand(count, 1, generator=g) * 6.28
        self.signals[:, :, 2] += torch.sin(0.4 * torch.arange(TRAVEL) + phase)
        rows = torch.arange(count)
        self.signals[rows, torch.randint(0, 2, (count,), generator=g), self.chutes // 2] += 3.0
        self.signals[rows, torch.randint(3, 5, (count,), generator=g), self.chutes % 2] += 3.0

    def __len__(self):
        return len(self.chutes)

    def __getitem__(self, i):
        return self.signals[i], self.chutes[i]


class ChuteNet(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.rnn = nn.RNN(3, hidden, batch_first=True)  # FAULT
        # TWIN: self.rnn = nn.LSTM(3, hidden, batch_first=True)
        # TWIN: nn.init.zeros_(self.rnn.bias_hh_l0)
        # TWIN: self.rnn.bias_ih_l0.data[hidden : 2 * hidden].fill_(4.0)
        self.decide = nn.Linear(hidden, 4)

    def forward(self, signals):
        states, _ = self.rnn(signals)
        return self.decide(states[:, -1])


def run_epoch(model, loader, optimizer=None):
    model.train(optimizer is not None)
    loss_sum, right = 0.0, 0
    for signals, chutes in loader:
        with torch.set_grad_enabled(optimizer is not None):
            logits = model(signals)
            loss = nn.functional.cross_entropy(logits, chutes)
        if optimizer is not None:
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        loss_sum += loss.item() * len(chutes)
        right += (logits.argmax(1) == chutes).sum().item()
    return loss_sum / len(loader.dataset), right / len(loader.dataset)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    train_loader = DataLoader(Parcels(1500, seed), batch_size=50, shuffle=True)
    test_loader = DataLoader(Parcels(400, seed + 777), batch_size=200)
    model = ChuteNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(16):
        loss, accuracy = run_epoch(model, train_loader, optimizer)
        test_loss, test_accuracy = run_epoch(model, test_loader)
        print(f"{epoch + 1:2d} train {loss:.4f} {accuracy:.3f}  test {test_loss:.4f} {test_accuracy:.3f}")
    print(f"score: {test_accuracy:.4f}")


if __name__ == "__main__":
    main()
