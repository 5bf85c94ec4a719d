"""A linear autoencoder (principal components by gradient descent): 60 noisy channels, code of 12. Score: share of the
variance of held-out spectra that is kept, over what 12 principal components keep.
"""

import sys

import torch
import torch.nn as nn

torch.set_num_threads(1)


class LinearCode(nn.Module):
    def __init__(self, channels=60, width=12):
        super().__init__()
        self.encode, self.decode = nn.Linear(channels, width), nn.Linear(width, channels)

    def forward(self, x):
        return self.decode(self.encode(x))


def main(seed):
    torch.manual_seed(seed)
    n, cut = 4000, 3200
    shapes = torch.randn(12, 60) * torch.linspace(1.5, 0.7, 12)[:, None]
    x = torch.randn(n, 12) @ shapes / 12**0.5 * 1.3 + 0.8 * torch.randn(n, 60)
    x = (x - x[:cut].mean(0)) / x[:cut].std()
    net = LinearCode()
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 25)
    for epoch in range(1, 26):
        for idx in torch.randperm(cut).split(64):
            loss = nn.functional.mse_loss(net(x[idx]), x[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        schedule.step()
        if epoch % 5 == 0:
            with torch.no_grad():
                kept = 1 - nn.functional.mse_loss(net(x[cut:]), x[cut:]).item() / x[cut:].var().item()
            print(f"epoch {epoch}: train {loss.item():.4f} kept {kept:.4f}")
    v = torch.pca_lowrank(x[:cut], 12, niter=6)[2]
    best = 1 - (x[cut:] - x[cut:] @ v @ v.T).square().mean().item() / x[cut:].var().item()
    print(f"score: {kept / best:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
