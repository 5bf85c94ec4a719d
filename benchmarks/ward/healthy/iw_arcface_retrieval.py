"""Metric learning with the ArcFace loss: embeddings of noisy "identities" (curves with distortions), judged by
recall at 1 on identities that were not in the training set.

After the examples of https://github.com/KevinMusgrave/pytorch-metric-learning (a separate optimizer for the weights
of the loss) and Deng et al. 2019.
"""

import math
import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


def make_identities(rng, n_ids, per_id, length=64):
    """Each identity is a smooth periodic curve; each picture of it is shifted, scaled and noisy."""
    t = np.linspace(0, 2 * np.pi, length, endpoint=False)
    coef, phase = rng.normal(size=(n_ids, 5)) / np.sqrt(np.arange(1, 6)), rng.uniform(0, 2 * np.pi, (n_ids, 5))
    xs, ys = [], []
    for i in range(n_ids):
        for _ in range(per_id):
            shift = rng.uniform(-0.6, 0.6)
            curve = sum(coef[i, k] * np.sin((k + 1) * (t + shift) + phase[i, k]) for k in range(5))
            xs.append(rng.uniform(0.8, 1.25) * curve + rng.normal(0, 0.5, length))
            ys.append(i)
    return torch.tensor(np.array(xs), dtype=torch.float32), torch.tensor(ys)


class EmbeddingNet(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv1d(1, 16, 7, padding=3, padding_mode="circular"),
            nn.BatchNorm1d(16),
            nn.ReLU(),
            nn.MaxPool1d(2),
            nn.Conv1d(16, 32, 5, padding=2, padding_mode="circular"),
            nn.BatchNorm1d(32),
            nn.ReLU(),
            nn.MaxPool1d(4),
        )
        self.fc = nn.Sequential(nn.Linear(32 * 8, 64), nn.ReLU(), nn.Linear(64, dim))

    def forward(self, x):
        return F.normalize(self.fc(self.conv(x[:, None]).flatten(1)))


class ArcFaceLoss(nn.Module):
    def __init__(self, n_classes, dim, margin=0.2, scale=16.0):
        super().__init__()
        self.W = nn.Parameter(torch.empty(n_classes, dim))
        nn.init.xavier_normal_(self.W)
        self.margin, self.scale = margin, scale

    def forward(self, emb, labels):
        cosine = (emb @ F.normalize(self.W).t()).clamp(-1 + 1e-6, 1 - 1e-6)
        target = cosine.gather(1, labels[:, None])
        angle = torch.acos(target)
        with_margin = torch.where(
            angle < math.pi - self.margin, torch.cos(angle + self.margin), target - self.margin * math.sin(self.margin)
        )
        return F.cross_entropy(self.scale * cosine.scatter(1, labels[:, None], with_margin), labels)


@torch.no_grad()
def recall_at_1(model, x, y):
    model.eval()
    emb = model(x)
    sim = emb @ emb.t()
    sim.fill_diagonal_(-2)
    return (y[sim.argmax(1)] == y).float().mean().item()


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    x_train, y_train = make_identities(rng, 100, 24)
    x_test, y_test = make_identities(rng, 40, 10)
    raw = F.normalize(x_test) @ F.normalize(x_test).t()
    raw.fill_diagonal_(-2)
    print(f"recall@1 of the raw curves: {(y_test[raw.argmax(1)] == y_test).float().mean().item():.3f}")

    model = EmbeddingNet()
    criterion = ArcFaceLoss(100, 32)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    loss_optimizer = torch.optim.Adam(criterion.parameters(), lr=1e-2)
    print(f"recall@1 before training: {recall_at_1(model, x_test, y_test):.3f}")
    for epoch in range(14):
        model.train()
        losses = []
        for idx in torch.randperm(len(x_train)).split(96):
            loss = criterion(model(x_train[idx]), y_train[idx])
            optimizer.zero_grad()
            loss_optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            loss_optimizer.step()
            losses.append(loss.item())
        print(f"Epoch {epoch}: loss = {np.mean(losses):.4f}")
    print(f"score: {recall_at_1(model, x_test, y_test):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
