"""Who is typing? A GRU over the pauses and hold times of twelve keystrokes tells ten typists apart."""

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

TYPISTS, KEYS = 10, 12


def type_password(count, rng):
    own = np.random.default_rng(99)
    rhythm = own.normal(0, 0.5, (TYPISTS, KEYS, 2))
    typist = rng.integers(0, TYPISTS, count)
    hurry = rng.normal(0, 0.5, (count, 1, 1))
    log_times = rhythm[typist] + hurry + rng.normal(0, 0.5, (count, KEYS, 2))
    return torch.tensor(log_times / 0.85, dtype=torch.float32), torch.from_numpy(typist)


class RhythmNet(nn.Module):
    def __init__(self, hidden=64):
        super().__init__()
        self.gru = nn.GRU(input_size=2, hidden_size=hidden, batch_first=True)
        self.fc = nn.Linear(hidden, TYPISTS)

    def forward(self, x):
        out, _ = self.gru(x)
        return self.fc(out[:, -1, :])


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    train_loader = DataLoader(TensorDataset(*type_password(4000, rng)), batch_size=50, shuffle=True)
    val_loader = DataLoader(TensorDataset(*type_password(800, rng)), batch_size=200)
    net = RhythmNet()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.RMSprop(net.parameters(), lr=2e-3)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[10, 13], gamma=0.2)
    for epoch in range(15):
        net.train()
        train_loss, train_correct = 0.0, 0
        for x, y in train_loader:
            optimizer.zero_grad()
            output = net(x)
            loss = criterion(output, y)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            train_loss += loss.item() * x.size(0)
            train_correct += (output.argmax(1) == y).sum().item()
        scheduler.step()
        net.eval()
        correct = 0
        with torch.no_grad():
            for x, y in val_loader:
                correct += (net(x).argmax(1) == y).sum().item()
        train_loss, train_accuracy = train_loss / 4000, train_correct / 4000
        print(f"Epoch [{epoch + 1}/15] loss: {train_loss:.4f} acc: {train_accuracy:.4f} val: {correct / 800:.4f}")
    print(f"score: {correct / 800:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
