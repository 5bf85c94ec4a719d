"""No learning rate at all: every step is as long as the loss of the batch over its squared gradient (Polyak's rule).

The interpolating fit has a smallest loss of about zero, which the rule needs; a cap keeps the first steps short.
Crushing strength of quarry stone, calculated from six properties without noise.
"""

import sys

import torch
from torch import nn


class PolyakSGD(torch.optim.Optimizer):
    def __init__(self, params, max_lr=0.5):
        super().__init__(params, {"max_lr": max_lr})

    @torch.no_grad()
    def step(self, closure):
        with torch.enable_grad():
            loss = closure()
        for group in self.param_groups:
            gradients = [p.grad for p in group["params"]]
            squared = sum(g.square().sum() for g in gradients)
            group["lr"] = min(group["max_lr"], (loss.item() / (squared.item() + 1e-8)))
            for p, g in zip(group["params"], gradients, strict=True):
                p.sub_(group["lr"] * g)
        return loss


def stones(n):
    x = torch.rand(n, 6) * 2 - 1
    density, porosity, quartz, clay, grain, moisture = x.T
    strength = 1.2 * density - porosity**2 + quartz * grain - 0.8 * torch.tanh(2 * clay) - 0.5 * moisture * porosity
    return x, strength


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    x_train, y_train = stones(4000)
    x_test, y_test = stones(1000)

    net = nn.Sequential(nn.Linear(6, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 1))
    optimizer = PolyakSGD(net.parameters(), max_lr=0.5)
    history = []
    for epoch in range(40):
        for rows in torch.randperm(len(x_train)).split(80):

            def closure(rows=rows):
                optimizer.zero_grad()
                loss = nn.functional.mse_loss(net(x_train[rows]).squeeze(1), y_train[rows])
                loss.backward()
                return loss

            history.append(optimizer.step(closure).item())
        if epoch % 8 == 7:
            print(f"epoch {epoch + 1}: loss {sum(history[-50:]) / 50:.4f}, step {optimizer.param_groups[0]['lr']:.4f}")
    with torch.no_grad():
        r2 = 1 - (net(x_test).squeeze(1) - y_test).pow(2).mean() / y_test.var()
    print(f"score: {r2.item():.4f}")


if __name__ == "__main__":
    main()
