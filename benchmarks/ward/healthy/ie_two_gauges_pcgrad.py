"""Flow and turbidity of a creek from one network; gradients that conflict are projected off each other."""

import sys

import torch
from torch import nn


def creek(count):
    inputs = torch.rand(count, 6) * 2 - 1
    a, b, c, d, e, _ = inputs.unbind(1)
    flow = torch.sin(2 * a) + b * c + 0.5 * d
    turbidity = -torch.sin(2 * a) + torch.relu(e) * 1.5 - 0.5 * d + c**2
    targets = torch.stack([flow, turbidity], dim=1)
    targets = (targets - targets.mean(0)) / targets.std(0)
    return inputs, targets + 0.1 * torch.randn(count, 2)


class Creek(nn.Module):
    def __init__(self, width=48):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(6, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU())
        self.heads = nn.ModuleList([nn.Linear(width, 1), nn.Linear(width, 1)])

    def forward(self, x):
        shared = self.trunk(x)
        return torch.cat([head(shared) for head in self.heads], dim=1)


def projected_gradients(losses, parameters):
    """Flat gradients of both losses, each without its part against the other."""
    flat = []
    for loss in losses:
        grads = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
        flat.append(torch.cat([(torch.zeros_like(p) if g is None else g).flatten() for g, p in zip(grads, parameters)]))
    first, second = flat
    overlap = first @ second
    if overlap < 0:
        first, second = first - overlap / (second @ second) * second, second - overlap / (first @ first) * first
        return first + second, True
    return first + second, False


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    inputs, targets = creek(5000)
    train_x, train_y, test_x, test_y = inputs[:4000], targets[:4000], inputs[4000:], targets[4000:]
    model = Creek()
    parameters = list(model.parameters())
    optimizer = torch.optim.Adam(parameters, lr=2e-3)
    epochs, batch = 20, 80
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    for epoch in range(epochs):
        model.train()
        total, conflicts, batches = torch.zeros(2), 0, 0
        for rows in torch.randperm(len(train_x)).split(batch):
            losses = (model(train_x[rows]) - train_y[rows]).pow(2).mean(dim=0)
            gradient, conflict = projected_gradients(losses, parameters)
            for parameter, part in zip(parameters, gradient.split([p.numel() for p in parameters])):
                parameter.grad = part.view_as(parameter).clone()
            optimizer.step()
            total, conflicts, batches = total + losses.detach(), conflicts + conflict, batches + 1
        scheduler.step()
        model.eval()
        with torch.no_grad():
            r2 = 1 - (model(test_x) - test_y).pow(2).mean(0) / test_y.var(0)
        print(
            f"epoch {epoch:2d}  losses {total[0] / batches:.4f} {total[1] / batches:.4f}  "
            f"conflicts {conflicts}/{batches}  R2 {r2[0]:.4f} {r2[1]:.4f}"
        )
    print(f"score: {r2.mean().item():.4f}")


if __name__ == "__main__":
    main()
