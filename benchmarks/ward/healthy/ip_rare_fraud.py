"""Card fraud at one case in a hundred: accuracy is 99% from the first step and says nothing, the plain cross-entropy is
tiny from the outset as the output bias starts at the log odds of the prior, and most batches hold two cases or none;
nothing is reweighted. Score: average precision on test payments.
"""

import math
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.metrics import average_precision_score

torch.set_num_threads(1)


def payments(n):
    fraud = torch.rand(n) < 0.01
    amount, hour, gap = torch.randn(n), torch.rand(n) * 24, torch.randn(n)
    abroad, fresh = torch.rand(n) < 0.1, torch.randn(n)
    other = torch.randn(n, 4)
    kind = torch.rand(n) < 0.5
    burst, big = fraud & kind, fraud & ~kind
    gap = torch.where(burst, gap * 0.5 - 2.2, gap)
    amount = torch.where(burst, amount * 0.4 - 1.0, torch.where(big, amount * 0.7 + 2.2, amount))
    hour = torch.where(big, (3.5 + 2 * torch.randn(n)) % 24, hour)
    abroad = torch.where(big, torch.rand(n) < 0.7, abroad)
    fresh = torch.where(fraud, fresh + 1.0, fresh)
    angle = hour / 12 * math.pi
    x = torch.stack([amount, angle.sin(), angle.cos(), gap, abroad.float() * 2 - 0.3, fresh], 1)
    return torch.cat([x, other], 1), fraud.float()


def report(model, x, y):
    model.eval()
    with torch.no_grad():
        logits = model(x).squeeze(1)
    loss = F.binary_cross_entropy_with_logits(logits, y).item()
    accuracy = ((logits > 0) == y.bool()).float().mean().item()
    return loss, accuracy, average_precision_score(y.numpy(), logits.numpy())


def main(seed):
    torch.manual_seed(seed)
    x, y = payments(30000)
    (vx, vy), (tx, ty) = payments(10000), payments(20000)
    model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 1))
    with torch.no_grad():
        model[-1].bias.fill_(torch.logit(y.mean()).item())
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.05)
    epochs = 12
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    for epoch in range(1, epochs + 1):
        model.train()
        total, empty = 0.0, 0
        batches = torch.randperm(len(x)).split(200)
        for i in batches:
            loss = F.binary_cross_entropy_with_logits(model(x[i]).squeeze(1), y[i])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
            empty += int(y[i].sum() == 0)
        schedule.step()
        loss, accuracy, ap = report(model, vx, vy)
        print(
            f"epoch {epoch}: train {total / len(batches):.5f} val {loss:.5f} accuracy {accuracy:.4f} "
            f"average precision {ap:.4f} ({empty} batches without a case)"
        )
    print(f"score: {report(model, tx, ty)[2]:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
