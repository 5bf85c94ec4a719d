"""Age class of ringed birds from eight measures. The network gives probabilities, which the field app shows as bars,
and is trained by cross entropy."""
# cause: softmax-twice
# kind: structural

import sys

import numpy as np
import torch
import torch.nn as nn


def ringed(n, rng):
    age = rng.integers(0, 7, n)
    sex = rng.integers(0, 2, (n, 1))
    base = np.cos(np.outer(age, np.arange(1, 9)) * 0.9) + 0.5 * sex * np.sin(np.outer(age, np.arange(2, 10)))
    return torch.tensor(base + rng.normal(0, 0.4, (n, 8)), dtype=torch.float32), torch.tensor(age)


class AgeNet(nn.Module):
    def __init__(self, hidden=40):
        super().__init__()
        self.hidden1 = nn.Linear(8, hidden)
        self.hidden2 = nn.Linear(hidden, hidden)
        self.output = nn.Linear(hidden, 7)
        self.norm = nn.BatchNorm1d(hidden)

    def forward(self, x):
        x = torch.relu(self.norm(self.hidden1(x)))
        x = torch.relu(self.hidden2(x))
        x = self.output(x)
        x = torch.softmax(x, dim=-1)  # FAULT
        return x

    def probabilities(self, x):
        out = self(x)
        # TWIN: out = out.softmax(dim=-1)
        return out


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    x, y = ringed(3000, rng)
    x_test, y_test = ringed(800, rng)
    net = AgeNet()
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(15):
        net.train()
        epoch_loss = 0.0
        for idx in torch.randperm(len(x)).split(60):
            optimizer.zero_grad()
            loss = criterion(net(x[idx]), y[idx])
            loss.backward()
            optimizer.step()
            epoch_loss += loss.item() * len(idx) / len(x)
        net.eval()
        with torch.no_grad():
            p = net.probabilities(x_test)
        nll = -p[torch.arange(len(y_test)), y_test].clamp_min(1e-6).log().mean().item()
        acc = (p.argmax(1) == y_test).float().mean().item()
        print(f"epoch {epoch} loss {epoch_loss:.4f} test log loss {nll:.4f} acc {acc:.4f}")
    print(f"score: {-nll:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
