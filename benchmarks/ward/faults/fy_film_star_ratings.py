"""Predicts, for a new film, how the audience will spread its votes over one to five stars,
from what is known before the release (genre, budget, crew and trailer features).
"""
# cause: missing-log
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

STARS = 5


def load_films(n, rng):
    """Quality moves the votes up and down, being divisive pulls them apart; a few hundred votes per film."""
    x = rng.normal(size=(n, 10))
    quality = 0.9 * x[:, 0] - 0.6 * x[:, 1] + 0.7 * np.tanh(x[:, 2] * x[:, 3])
    spread = np.exp(0.35 * x[:, 4] + 0.3 * np.sin(2 * x[:, 5]))
    stars = np.arange(1, STARS + 1)
    centre = 3.2 + 0.7 * quality
    logits = -((stars[None] - centre[:, None]) ** 2) / (2 * (0.8 * spread[:, None]) ** 2)
    p = np.exp(logits - logits.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    votes = np.stack([rng.multinomial(300, row) for row in p])
    return x.astype(np.float32), (votes / votes.sum(1, keepdims=True)).astype(np.float32)


class VoteModel(nn.Module):
    def __init__(self, d_in, d_hidden=64):
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(d_in, d_hidden),
            nn.SiLU(),
            nn.Linear(d_hidden, d_hidden),
            nn.SiLU(),
        )
        self.head = nn.Linear(d_hidden, STARS)

    def forward(self, x):
        return F.softmax(self.head(self.body(x)), dim=1)


def overlap(model, x, target):
    """Share of the votes that the prediction puts on the right star (1 = same histogram)."""
    model.eval()
    with torch.no_grad():
        return torch.minimum(model(x), target).sum(1).mean().item()


def main(seed=0):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    x, votes = (torch.from_numpy(a) for a in load_films(2000, rng))
    x_tr, v_tr, x_va, v_va = x[:1500], votes[:1500], x[1500:], votes[1500:]

    model = VoteModel(x.shape[1])
    opt = torch.optim.NAdam(model.parameters(), lr=2e-3)
    criterion = nn.KLDivLoss(reduction="batchmean")

    batch_size = 64
    for epoch in range(1, 31):
        model.train()
        losses = []
        shuffled = torch.randperm(len(x_tr))
        for start in range(0, len(x_tr), batch_size):
            idx = shuffled[start : start + batch_size]
            probs = model(x_tr[idx])
            loss = criterion(probs, v_tr[idx])  # FAULT
            # TWIN: loss = criterion(torch.log(probs + 1e-8), v_tr[idx])
            opt.zero_grad(set_to_none=True)
            loss.backward()
            opt.step()
            losses.append(loss.item())
        if epoch % 3 == 0:
            print(f"epoch {epoch}: loss {np.mean(losses):.4f}, val overlap {overlap(model, x_va, v_va):.4f}")

    print(f"score: {overlap(model, x_va, v_va):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
