"""Two towers that match jobs with people: the model returns the scores of pairs and both unit vectors (width 128);
binary cross-entropy on pairs that were taken and random ones. Score: AUC on held-out pairs.
"""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.metrics import roc_auc_score

torch.set_num_threads(1)


def tower(n):
    return nn.Sequential(nn.Linear(n, 128), nn.ReLU(), nn.Linear(128, 128))


class Towers(nn.Module):
    def __init__(self):
        super().__init__()
        self.person, self.job = tower(20), tower(30)
        self.scale = nn.Parameter(torch.tensor(5.0))

    def forward(self, p, j):
        u, v = F.normalize(self.person(p), dim=1), F.normalize(self.job(j), dim=1)
        return self.scale * (u * v).sum(1), u, v


def main(seed):
    torch.manual_seed(seed)
    n, cut = 8000, 7000
    p, j = torch.randn(n, 20), torch.randn(n, 30)
    a, b = torch.randn(20, 6) / 20**0.5, torch.randn(30, 6) / 30**0.5
    likes = ((p @ a) * (j @ b)).sum(1)
    y = (likes + 0.7 * torch.randn(n) > 1).float()
    net = Towers()
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=5e-2)
    for epoch in range(1, 13):
        net.train()
        for idx in torch.randperm(cut).split(128):
            score, _, _ = net(p[idx], j[idx])
            loss = F.binary_cross_entropy_with_logits(score, y[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        net.eval()
        with torch.no_grad():
            auc = roc_auc_score(y[cut:], net(p[cut:], j[cut:])[0])
        print(f"epoch {epoch}: train {loss.item():.4f} AUC {auc:.4f}")
    print(f"score: {auc:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
