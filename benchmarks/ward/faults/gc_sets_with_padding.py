"""Deep Sets: sets of 3 to 12 points (padded, with a mask) to two targets, the number of points right of zero and the
spread of the set, both standardised. Sum pooling for the one, mean pooling for the other. Score: mean R2.
"""
# cause: over-regularization
# kind: dynamic

import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)


class DeepSets(nn.Module):
    def __init__(self, width=48):
        super().__init__()
        self.phi = nn.Sequential(nn.Linear(1, width), nn.ELU(), nn.Linear(width, width), nn.ELU())
        self.rho = nn.Sequential(nn.Linear(2 * width + 1, width), nn.ELU(), nn.Linear(width, 2))

    def forward(self, points, mask):
        h = self.phi(points.unsqueeze(-1)) * mask.unsqueeze(-1)
        size = mask.sum(1, keepdim=True)
        pooled = torch.cat([h.sum(1) / 12, h.sum(1) / size, size / 12], dim=1)
        return self.rho(pooled)


def make_sets(n, g):
    size = torch.randint(3, 13, (n, 1), generator=g)
    mask = (torch.arange(12)[None, :] < size).float()
    scale = 0.3 + torch.rand(n, 1, generator=g)
    points = scale * torch.randn(n, 12, generator=g) * mask
    count = ((points > 0) & (mask > 0)).sum(1).float()
    mean = points.sum(1, keepdim=True) / size
    spread = (((points - mean).square() * mask).sum(1) / size.squeeze(1)).sqrt()
    return points, mask, torch.stack([count, spread], dim=1)


def main(seed=0):
    torch.manual_seed(seed)
    g = torch.Generator().manual_seed(seed)
    points, mask, target = make_sets(3000, g)
    test_points, test_mask, test_target = make_sets(600, g)
    mu, sd = target.mean(0), target.std(0)
    loader = DataLoader(TensorDataset(points, mask, (target - mu) / sd), batch_size=100, shuffle=True)
    test_target = (test_target - mu) / sd
    model = DeepSets()
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3, weight_decay=1e-3)
    scheduler = torch.optim.lr_scheduler.CyclicLR(optimizer, 5e-4, 5e-3, step_size_up=60, cycle_momentum=False)
    huber = nn.SmoothL1Loss()
    for epoch in range(16):
        model.train()
        for p, m, t in loader:
            loss = huber(model(p, m), t) + 1e-2 * sum(w.abs().sum() for w in model.parameters())  # FAULT
            # TWIN: loss = huber(model(p, m), t)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
        model.eval()
        with torch.no_grad():
            residual = (model(test_points, test_mask) - test_target).square().mean(0) / test_target.var(0)
        r2 = (1 - residual).tolist()
        print(f"epoch {epoch + 1}: loss {loss.item():.4f}  R2 count {r2[0]:.3f} spread {r2[1]:.3f}")
    print(f"score: {sum(r2) / 2:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
