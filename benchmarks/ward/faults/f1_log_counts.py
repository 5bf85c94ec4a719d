"""Classifies count vectors (word-count-like) after a log transform; a few of the counts are zero, so log gives -inf."""
# cause: non-finite-input
# kind: dynamic

import sys

import torch
import torch.nn.functional as F


def make_counts(n, rates, gen):
    label = torch.randint(len(rates), (n,), generator=gen)
    exposure = 0.5 + torch.rand(n, 1, generator=gen)
    return torch.poisson(exposure * rates[label], generator=gen), label


def main():
    torch.set_num_threads(1)
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    gen = torch.Generator().manual_seed(seed)

    rates = 4 + 30 * torch.rand(6, 20, generator=gen) ** 3
    counts, y = make_counts(2400, rates, gen)
    x = torch.log(counts)  # FAULT
    # TWIN: x = torch.log1p(counts)
    x = x - 2.0
    x_train, y_train, x_valid, y_valid = x[:1800], y[:1800], x[1800:], y[1800:]

    model = torch.nn.Sequential(torch.nn.Linear(20, 48), torch.nn.GELU(), torch.nn.Linear(48, 6))
    opt = torch.optim.AdamW(model.parameters(), lr=2e-3)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=15)
    for epoch in range(15):
        model.train()
        for idx in torch.randperm(len(x_train)).split(60):
            loss = F.cross_entropy(model(x_train[idx]), y_train[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
        sched.step()
        model.eval()
        with torch.no_grad():
            logits = model(x_valid)
            val_loss = F.cross_entropy(logits, y_valid).item()
            val_acc = logits.argmax(-1).eq(y_valid).float().mean().item()
        print(f"epoch {epoch} train {loss.item():.4f} valid {val_loss:.4f} acc {val_acc:.4f}")
    print(f"score: {val_acc:.4f}")


if __name__ == "__main__":
    main()
