"""Two-dimensional lettering by a VQ-VAE whose codebook moves by averages (van den Oord 2017, appendix A.1), not by
gradients; one optimizer holds all parameters. Score: R2 of the reconstruction.
"""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)


class Quantizer(nn.Module):
    def __init__(self, codes=24, width=4, decay=0.95):
        super().__init__()
        self.embedding = nn.Embedding(codes, width)
        self.embedding.weight.data.normal_()
        self.register_buffer("size", torch.ones(codes))
        self.register_buffer("total", self.embedding.weight.data.clone())
        self.decay = decay

    def forward(self, z):
        chosen = torch.cdist(z, self.embedding.weight).argmin(1)
        if self.training:
            with torch.no_grad():
                marks = F.one_hot(chosen, len(self.size)).float()
                self.size.mul_(self.decay).add_((1 - self.decay) * marks.sum(0))
                self.total.mul_(self.decay).add_((1 - self.decay) * marks.T @ z)
                size = (self.size + 1e-3) / (self.size.sum() + 24e-3) * self.size.sum()
                self.embedding.weight.data.copy_(self.total / size.unsqueeze(1))
        q = self.embedding(chosen).detach()
        return z + (q - z).detach(), 0.25 * F.mse_loss(z, q)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 4))
        self.quantizer = Quantizer()
        self.decoder = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 20))

    def forward(self, x):
        q, commitment = self.quantizer(self.encoder(x))
        return self.decoder(q), commitment


def main(seed):
    torch.manual_seed(seed)
    shapes = torch.randn(8, 20)
    x = shapes[torch.randint(8, (1600,))] + 0.1 * torch.randn(1600, 20)
    x, held = x[:1300], x[1300:]
    net = Model()
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    for epoch in range(25):
        net.train()
        for rows in torch.randperm(1300).split(65):
            out, commitment = net(x[rows])
            loss = F.mse_loss(out, x[rows]) + commitment
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if epoch % 5 == 4:
            print(f"epoch {epoch}: {loss.item():.4f}")
    net.eval()
    with torch.no_grad():
        out, _ = net(held)
    print(f"score: {1 - (out - held).square().mean().item() / held.var().item():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
