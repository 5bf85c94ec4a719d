"""Counts of four spore types in a strip, trained on micro-batches of eight; gradients are summed over four of them
and the last, shorter group of an epoch is stepped too."""
# cause: stale-optimizer
# accept: parameters-not-in-optimizer
# kind: dynamic

import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def strips(n):
    counts = torch.randint(0, 4, (n, 4))
    forms = torch.tensor([[1.0, 1, 1], [1, -1, 1], [-1, 1, 1], [1, 1, -1]])
    x = 0.2 * torch.randn(n, 72)
    for i in range(n):
        places = torch.randperm(18) * 4
        kinds = torch.repeat_interleave(torch.arange(4), counts[i])
        for place, kind in zip(places.tolist(), kinds.tolist()):
            x[i, place : place + 3] += forms[kind]
    return x.unsqueeze(1), counts.float()


class Counter(nn.Module):
    def __init__(self):
        super().__init__()
        self.scan = nn.Sequential(nn.Conv1d(1, 24, 3), nn.ReLU(), nn.Conv1d(24, 24, 1), nn.ReLU(), nn.Conv1d(24, 4, 1))

        nn.init.constant_(self.scan[-1].bias, -4.0)

    def forward(self, x):
        return nn.functional.softplus(self.scan(x)).sum(dim=2)


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    loader = DataLoader(TensorDataset(*strips(900)), batch_size=8, shuffle=True)
    x_val, y_val = strips(300)
    model = Counter()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for layer in model.scan[::2]:  # FAULT
        nn.utils.parametrizations.weight_norm(layer)  # FAULT
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 24, eta_min=1e-3)
    group = 4
    for epoch in range(24):
        optimizer.zero_grad()
        for i, (x, y) in enumerate(loader):
            loss = nn.functional.mse_loss(model(x), y) / group
            loss.backward()
            if (i + 1) % group == 0 or i + 1 == len(loader):
                optimizer.step()
                optimizer.zero_grad()
        scheduler.step()
        with torch.no_grad():
            predicted = model(x_val)
        r2 = 1 - ((predicted - y_val) ** 2).mean().item() / y_val.var().item()
        if epoch % 3 == 0:
            print(f"epoch {epoch} loss {loss.item() * group:.4f} r2 {r2:.4f}")
    print(f"score: {r2:.4f}")
