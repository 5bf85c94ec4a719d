"""Name the mint of a coin from sixteen shape measurements: a plain MLP built by a helper from a list of widths."""
# cause: nonlinear-logits
# kind: dynamic

import sys
from dataclasses import dataclass

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset


@dataclass
class Config:
    seed: int = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    widths: tuple = (16, 64, 64, 8)
    lr: float = 0.05
    momentum: float = 0.9
    weight_decay: float = 1e-4
    batch: int = 64
    epochs: int = 15


def mlp(widths):
    layers = []
    for n_in, n_out in zip(widths[:-1], widths[1:]):
        layers.append(nn.Linear(n_in, n_out))
        layers.append(nn.ReLU())
    # TWIN: layers.pop()
    return nn.Sequential(*layers)


def mint_data(n, centres):
    """Each mint struck two designs; a coin is worn more or less."""
    mint = torch.randint(0, 8, (n,))
    design = torch.randint(0, 2, (n,))
    wear = 0.5 * torch.rand(n, 1) * torch.ones(16)
    return centres[mint, design] + wear + 0.75 * torch.randn(n, 16), mint


def evaluate(net, loader):
    net.eval()
    loss = right = seen = 0
    with torch.no_grad():
        for x, mint in loader:
            out = net(x)
            loss += nn.functional.cross_entropy(out, mint, reduction="sum").item()
            right += (out.argmax(1) == mint).sum().item()
            seen += len(mint)
    return loss / seen, right / seen


def main():
    cfg = Config()
    torch.set_num_threads(1)
    torch.manual_seed(cfg.seed)
    centres = torch.randn(8, 2, 16)
    x, mint = mint_data(4000, centres)
    x_val, mint_val = mint_data(1000, centres)
    mean, std = x.mean(0), x.std(0)
    train = DataLoader(TensorDataset((x - mean) / std, mint), batch_size=cfg.batch, shuffle=True)
    val = DataLoader(TensorDataset((x_val - mean) / std, mint_val), batch_size=500)
    net = mlp(cfg.widths)
    opt = torch.optim.SGD(net.parameters(), lr=cfg.lr, momentum=cfg.momentum, weight_decay=cfg.weight_decay)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, cfg.epochs)
    for epoch in range(cfg.epochs):
        net.train()
        for xb, yb in train:
            loss = nn.functional.cross_entropy(net(xb), yb)
            opt.zero_grad()
            loss.backward()
            opt.step()
        sched.step()
        val_loss, val_acc = evaluate(net, val)
        print(f"epoch {epoch:2d}: last batch {loss.item():.3f}, val loss {val_loss:.3f}, val acc {val_acc:.3f}")
    print(f"score: {val_acc:.4f}")


if __name__ == "__main__":
    main()
