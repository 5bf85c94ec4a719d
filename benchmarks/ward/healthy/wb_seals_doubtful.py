"""Seal counts with Monte Carlo dropout: the whole held-out set is predicted 20 times over, batch by batch, with dropout
on. Score: R2 of the mean prediction.
"""

import sys

import torch
import torch.nn as nn

torch.set_num_threads(1)


def main(seed):
    torch.manual_seed(seed)
    x = torch.randn(1200, 8)
    y = (torch.sin(x[:, 0]) + x[:, 1] * x[:, 2] + 0.2 * torch.randn(1200)).unsqueeze(1)
    x, y, held_x, held_y = x[:900], y[:900], x[900:], y[900:]
    net = nn.Sequential(nn.Linear(8, 96), nn.ReLU(), nn.Dropout(0.1), nn.Linear(96, 96), nn.ReLU(), nn.Dropout(0.1),
                        nn.Linear(96, 1))  # fmt: skip
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3, weight_decay=1e-5)

    def doubtful(times=20):
        net.train()  # dropout stays on
        with torch.no_grad():
            draws = torch.stack([torch.cat([net(part) for part in held_x.split(64)]) for _ in range(times)])
        return draws.mean(0), draws.std(0)

    for epoch in range(40):
        net.train()
        for rows in torch.randperm(900).split(45):
            loss = nn.functional.mse_loss(net(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if epoch % 10 == 9:
            mean, doubt = doubtful()
            print(
                f"epoch {epoch}: {loss.item():.4f} held {(mean - held_y).square().mean():.4f} doubt {doubt.mean():.3f}"
            )
    mean, doubt = doubtful(50)
    print(f"score: {1 - (mean - held_y).square().mean().item() / held_y.var().item():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
