"""Hard attention: a digit lies somewhere in a cluttered 18x18 field, the model sees a blurred overview, *chooses* one
8x8 window (a sampled action) and classifies from that window. The window's choice is trained by REINFORCE with the
answer being right as reward and a learned baseline; the classifier by cross-entropy.
"""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.distributions import Categorical

torch.set_num_threads(1)
FIELD, WINDOW, STRIDE = 18, 8, 2
SIDE = (FIELD - WINDOW) // STRIDE + 1


def indices(row, col):
    across = torch.arange(WINDOW)
    batch = torch.arange(len(row))[:, None, None]
    return batch, row[:, None, None] + across[:, None], col[:, None, None] + across


def place(digits, labels, n):
    pick = torch.randint(0, len(digits), (n,))
    field = torch.zeros(n, FIELD, FIELD)
    field[torch.rand(n, FIELD, FIELD) < 0.06] = 0.8
    field[indices(*torch.randint(0, SIDE, (2, n)) * STRIDE)] = digits[pick]
    return field - 0.15, labels[pick]


class Glimpser(nn.Module):
    def __init__(self):
        super().__init__()
        self.overview = nn.Sequential(nn.AvgPool2d(2), nn.Flatten(), nn.Linear(81, 96), nn.ReLU())
        self.where, self.baseline = nn.Linear(96, SIDE * SIDE), nn.Linear(96, 1)
        self.what = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 10))

    def look(self, field, action):
        corner = torch.stack([action // SIDE, action % SIDE]) * STRIDE
        return self.what(field[indices(*corner)].flatten(1) / 0.35)

    def forward(self, field):
        h = self.overview(field[:, None] / 0.35)
        return Categorical(logits=self.where(h)), self.baseline(h.detach()).squeeze(1)


if __name__ == "__main__":
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    bunch = load_digits()
    images, labels = torch.tensor(bunch.images, dtype=torch.float32) / 16, torch.tensor(bunch.target)
    order = torch.randperm(len(labels))
    train, test = order[:1400], order[1400:]
    test_field, test_label = place(images[test], labels[test], 2000)

    net = Glimpser()
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    steps = 1100
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: min(1.0, 2 * (1 - s / steps)))
    for step in range(1, steps + 1):
        field, label = place(images[train], labels[train], 128)
        policy, baseline = net(field)
        action = policy.sample()
        logits = net.look(field, action)
        reward = (logits.argmax(1) == label).float()
        answer = F.cross_entropy(logits, label)
        reinforce = -(policy.log_prob(action) * (reward - baseline.detach())).mean()
        loss = answer + reinforce + 0.5 * F.mse_loss(baseline, reward) - 0.01 * policy.entropy().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 100 == 0:
            with torch.no_grad():
                policy, _ = net(test_field)
                right = net.look(test_field, policy.probs.argmax(1)).argmax(1) == test_label
            accuracy = right.float().mean().item()
            print(f"step {step}: answer {answer.item():.3f} reward {reward.mean().item():.3f} test {accuracy:.4f}")
    print(f"score: {accuracy:.4f}")
