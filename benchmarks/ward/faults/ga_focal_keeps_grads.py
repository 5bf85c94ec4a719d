"""Binary focal loss written by hand (Lin et al. 2017, gamma 2, alpha 0.75 for the rare class) with the output bias
set to the prior, on a table where the rare positives lie far from the centre. The score is the average precision on
held-out rows.
"""
# cause: missing-zero-grad
# kind: dynamic

import argparse
import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.metrics import average_precision_score


class FocalLoss(nn.Module):
    def __init__(self, gamma=2.0, alpha=0.75):
        super().__init__()
        self.gamma = gamma
        self.alpha = alpha

    def forward(self, logits, targets):
        ce = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
        p_t = torch.exp(-ce)
        alpha_t = self.alpha * targets + (1 - self.alpha) * (1 - targets)
        return (alpha_t * (1 - p_t) ** self.gamma * ce).mean()


def outlier_table(n):
    x = torch.randn(n, 4)
    radius = x[:, :2].norm(dim=1)
    positive = radius + 0.05 * torch.randn(n) > 1.9
    return x, positive.float()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", type=int, nargs="?", default=0)
    parser.add_argument("--gamma", type=float, default=2.0)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)

    x_train, y_train = outlier_table(4000)
    x_test, y_test = outlier_table(2000)
    prior = y_train.mean().item()
    print(f"positives: {100 * prior:.1f} %")

    net = nn.Sequential(nn.Linear(4, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 1))
    nn.init.constant_(net[-1].bias, math.log(prior / (1 - prior)))
    criterion = FocalLoss(gamma=args.gamma)
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    for epoch in range(12):
        total = 0.0
        for idx in torch.randperm(len(x_train)).split(50):
            logits = net(x_train[idx]).squeeze(1)
            loss = criterion(logits, y_train[idx])
            # TWIN: optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(idx)
        with torch.no_grad():
            test_logits = net(x_test).squeeze(1)
            test_loss = criterion(test_logits, y_test).item()
        print(f"epoch {epoch}: focal loss train {total / len(x_train):.5f} test {test_loss:.5f}")

    print(f"score: {average_precision_score(y_test.numpy(), test_logits.numpy()):.4f}")


if __name__ == "__main__":
    main()
