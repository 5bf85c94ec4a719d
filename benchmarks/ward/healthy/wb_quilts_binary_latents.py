"""Quilt patterns by an autoencoder with binary latents, drawn by torch.bernoulli with straight-through gradients, in
evaluation too. Score: share of pixels right.
"""

import sys

import torch
import torch.nn as nn

torch.set_num_threads(1)


class Binary(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(36, 64), nn.ReLU(), nn.Linear(64, 12))
        self.decoder = nn.Sequential(nn.Linear(12, 64), nn.ReLU(), nn.Linear(64, 36))

    def forward(self, x):
        p = torch.sigmoid(self.encoder(x))
        z = torch.bernoulli(p.detach())
        return self.decoder(z + p - p.detach())


def quilts(n, patches):
    on = (torch.rand(n, 5) < 0.5).float()
    return ((on @ patches) > 0).float()


def main(seed):
    torch.manual_seed(seed)
    patches = (torch.rand(5, 36) < 0.25).float()
    x, held = quilts(1000, patches), quilts(200, patches)
    net = Binary()
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    for epoch in range(25):
        net.train()
        for rows in torch.randperm(1000).split(50):
            loss = nn.functional.binary_cross_entropy_with_logits(net(x[rows]), x[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        net.eval()
        with torch.no_grad():
            right = ((net(held) > 0) == (held > 0.5)).float().mean().item()
        if epoch % 5 == 4:
            print(f"epoch {epoch}: {loss.item():.4f} held {right:.4f}")
    print(f"score: {right:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
