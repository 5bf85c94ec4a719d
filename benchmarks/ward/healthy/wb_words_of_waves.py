"""Dictionary learning: sparse codes come from an encoder trained by Adam, the dictionary is moved by hand down its own
gradient, and its columns kept at length one. Score: R2 of the reconstruction.
"""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)


def main(seed):
    torch.manual_seed(seed)
    atoms = F.normalize(torch.randn(16, 24), dim=1)
    codes = torch.randn(2000, 16).relu() * (torch.rand(2000, 16) < 0.2)
    x = codes @ atoms + 0.02 * torch.randn(2000, 24)
    encoder = nn.Sequential(nn.Linear(24, 64), nn.ReLU(), nn.Linear(64, 24), nn.ReLU())
    dictionary = nn.Parameter(F.normalize(torch.randn(24, 24), dim=1))
    optimizer = torch.optim.Adam(encoder.parameters(), lr=2e-3)
    for epoch in range(40):
        for rows in torch.randperm(1600).split(50):
            code = encoder(x[rows])
            loss = F.mse_loss(code @ dictionary, x[rows]) + 1e-4 * code.abs().mean()
            optimizer.zero_grad()
            dictionary.grad = None
            loss.backward()
            optimizer.step()
            with torch.no_grad():
                dictionary -= 3.0 * dictionary.grad
                dictionary /= dictionary.norm(dim=1, keepdim=True)
        if epoch % 10 == 9:
            print(f"epoch {epoch}: {loss.item():.5f}")
    with torch.no_grad():
        error = (encoder(x[1600:]) @ dictionary - x[1600:]).square().mean().item()
    print(f"score: {1 - error / x[1600:].var().item():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
