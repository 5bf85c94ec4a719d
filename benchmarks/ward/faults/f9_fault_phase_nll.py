"""Which phase of a three-phase line has failed, or none, or the ground: convolutions over the voltages, log
probabilities out, negative log likelihood."""
# cause: softmax-wrong-axis
# kind: dynamic

import sys

import torch
import torch.nn.functional as F
from torch import nn


def line_records(n):
    kind = torch.randint(0, 5, (n,))
    t = torch.arange(32) / 8
    start = torch.rand(n, 1)
    phases = torch.stack([torch.sin(6.283 * (t + start + k / 3)) for k in range(3)], dim=1)
    sag = torch.ones(n, 3, 1)
    for k in range(3):
        sag[kind == k, k] = 0.55
    offset = torch.where(kind == 4, 0.5, 0.0).view(n, 1, 1)
    return sag * phases + offset + 0.36 * torch.randn(n, 3, 32), kind


class PhaseNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv1d(3, 16, 5, padding=2)
        self.conv2 = nn.Conv1d(16, 24, 5, stride=2, padding=2)
        self.fc = nn.Linear(24, 5)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        x = F.relu(self.conv2(x)).mean(dim=2)
        return F.log_softmax(self.fc(x), dim=0)  # FAULT
        # TWIN: return F.log_softmax(self.fc(x), dim=1)


def main():
    torch.set_num_threads(1)
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    x, y = line_records(2000)
    x_val, y_val = line_records(500)
    net = PhaseNet()
    optimizer = torch.optim.Adam(net.parameters(), lr=4e-3)
    for epoch in range(12):
        net.train()
        total = 0.0
        for idx in torch.randperm(len(x)).split(50):
            loss = F.nll_loss(net(x[idx]), y[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        net.eval()
        with torch.no_grad():
            log_p = torch.cat([net(part) for part in x_val.split(50)])
        nll = F.nll_loss(log_p, y_val).item()
        acc = (log_p.argmax(1) == y_val).float().mean().item()
        print(f"epoch {epoch} train {total / 40:.4f} val {nll:.4f} acc {acc:.4f}")
    print(f"score: {-nll:.4f}")


main()
