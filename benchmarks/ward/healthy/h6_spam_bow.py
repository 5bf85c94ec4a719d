"""Spam filter: log-scaled bags of words, logistic regression by plain SGD with a little weight decay, precision and
recall on held-out mails. The mails are drawn from two word distributions with a common background.
"""

import sys
from types import SimpleNamespace

import numpy as np
import torch
import torch.nn.functional as F

torch.set_num_threads(1)
cfg = SimpleNamespace(words=150, mails=3000, length=25, epochs=15, batch=50, lr=0.03, decay=1e-3)


def make_mails(rng):
    background = rng.dirichlet(np.full(cfg.words, 0.5))
    topics = [0.75 * background + 0.25 * rng.dirichlet(np.full(cfg.words, 0.2)) for _ in range(2)]
    spam = (rng.random(cfg.mails) < 0.4).astype(int)
    counts = np.stack([rng.multinomial(rng.poisson(cfg.length) + 5, topics[s]) for s in spam])
    return counts, spam


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    counts, spam = make_mails(np.random.default_rng(seed))
    x = torch.tensor(np.log1p(counts), dtype=torch.float32)
    y = torch.tensor(spam, dtype=torch.float32)
    n = int(0.75 * len(x))
    scale = x[:n].std(dim=0) + 0.1
    x = (x - x[:n].mean(dim=0)) / scale

    linear = torch.nn.Linear(cfg.words, 1)
    opt = torch.optim.SGD(linear.parameters(), lr=cfg.lr, weight_decay=cfg.decay)
    for epoch in range(cfg.epochs):
        perm = torch.randperm(n)
        total = 0.0
        for i in range(0, n, cfg.batch):
            b = perm[i : i + cfg.batch]
            loss = F.binary_cross_entropy_with_logits(linear(x[b]).squeeze(1), y[b])
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() * len(b)
        if epoch % 3 == 2:
            with torch.no_grad():
                held_out = F.binary_cross_entropy_with_logits(linear(x[n:]).squeeze(1), y[n:]).item()
            print(f"epoch {epoch + 1:2d}: training loss {total / n:.4f}, held-out loss {held_out:.4f}")

    with torch.no_grad():
        flagged = linear(x[n:]).squeeze(1) > 0
    truth = y[n:] == 1
    hit = (flagged & truth).sum().item()
    print(f"precision {hit / flagged.sum().item():.3f} recall {hit / truth.sum().item():.3f}")
    print(f"score: {(flagged == truth).float().mean().item():.4f}")


if __name__ == "__main__":
    main()
