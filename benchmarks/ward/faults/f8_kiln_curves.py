"""Names the clay from the curve of a kiln's temperature (conv1d). A note said that Adam is steadier with a larger
epsilon, and that Inception was trained with 1.0."""
# cause: optimizer-epsilon-too-large
# accept: learning-rate-too-low under-trained
# kind: dynamic

import argparse

import torch
from torch import nn, optim
from torch.utils.data import DataLoader, Dataset

CLAYS = 6


class Curves(Dataset):
    """Curves of 48 minutes: a clay has a place where it takes up heat, and a rate of cooling."""

    def __init__(self, n, seed):
        g = torch.Generator().manual_seed(seed)
        t = torch.linspace(0, 1, 48)
        self.clay = torch.randint(CLAYS, (n,), generator=g)
        dip = 0.2 + 0.1 * self.clay[:, None] + 0.02 * torch.randn(n, 1, generator=g)
        rise = 1 - torch.exp(-t * (3 + torch.rand(n, 1, generator=g)))
        curve = rise - 0.25 * torch.exp(-(((t - dip) / 0.04) ** 2)) + 0.08 * torch.randn(n, 48, generator=g)
        self.curve = ((curve - 0.74) / 0.27).unsqueeze(1)

    def __len__(self):
        return len(self.clay)

    def __getitem__(self, i):
        return self.curve[i], self.clay[i]


def build():
    return nn.Sequential(
        nn.Conv1d(1, 16, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool1d(2),
        nn.Conv1d(16, 32, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool1d(2),
        nn.Flatten(),
        nn.Linear(32 * 12, 32),
        nn.ReLU(),
        nn.Linear(32, CLAYS),
    )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", nargs="?", type=int, default=0)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--epochs", type=int, default=10)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    train = DataLoader(Curves(1200, args.seed), batch_size=40, shuffle=True)
    valid = DataLoader(Curves(400, args.seed + 1000), batch_size=200)
    net = build()
    opt = optim.Adam(net.parameters(), lr=args.lr, eps=1.0)  # FAULT
    # TWIN: opt = optim.Adam(net.parameters(), lr=args.lr)
    loss_fn = nn.CrossEntropyLoss()
    for epoch in range(args.epochs):
        net.train()
        for x, y in train:
            opt.zero_grad()
            loss = loss_fn(net(x), y)
            loss.backward()
            opt.step()
        net.eval()
        with torch.no_grad():
            pairs = [(net(x), y) for x, y in valid]
        out, y = torch.cat([p[0] for p in pairs]), torch.cat([p[1] for p in pairs])
        acc = (out.argmax(1) == y).float().mean().item()
        print(f"epoch {epoch + 1} last loss {loss.item():.4f} valid {loss_fn(out, y).item():.4f} acc {acc:.3f}")
    print(f"score: {acc:.4f}")


if __name__ == "__main__":
    main()
