"""A vector-quantized autoencoder of digit strokes: gradients pass straight through the quantizer, the codebook lives in
buffers moved by exponential averages (no optimizer ever sees it), idle codes restart at random encodings, and the
commitment loss rises from zero. Score: share of held-out pixel variance reconstructed from four code indices.
"""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits

torch.set_num_threads(1)


class Quantizer(nn.Module):
    def __init__(self, codes, dim, decay=0.95):
        super().__init__()
        self.decay = decay
        self.register_buffer("codebook", torch.randn(codes, dim))
        self.register_buffer("count", torch.ones(codes))
        self.register_buffer("total", self.codebook.clone())

    def forward(self, z):
        index = torch.cdist(z.detach(), self.codebook).argmin(1)
        q = self.codebook[index]
        if self.training:
            hits = F.one_hot(index, len(self.codebook)).float()
            with torch.no_grad():
                self.count.lerp_(hits.sum(0), 1 - self.decay)
                self.total.lerp_(hits.T @ z, 1 - self.decay)
                idle = self.count < 0.05
                if idle.any():
                    fresh = z[torch.randint(len(z), (int(idle.sum()),))]
                    self.total[idle], self.count[idle] = fresh, 1.0
                self.codebook.copy_(self.total / self.count[:, None])
        return z + (q - z).detach(), F.mse_loss(z, q), index


class VQ(nn.Module):
    def __init__(self, dim=8, codes=64):
        super().__init__()
        self.encode = nn.Sequential(
            nn.Conv2d(1, 24, 4, 2, 1), nn.ReLU(), nn.Conv2d(24, 24, 4, 2, 1), nn.ReLU(), nn.Conv2d(24, dim, 1)
        )
        self.quantize = Quantizer(codes, dim)
        self.decode = nn.Sequential(nn.Flatten(), nn.Linear(4 * dim, 128), nn.ReLU(), nn.Linear(128, 64))

    def forward(self, x):
        z = self.encode(x)
        q, commit, index = self.quantize(z.permute(0, 2, 3, 1).reshape(-1, z.shape[1]))
        return self.decode(q.view(len(x), 4, -1)).view_as(x), commit, index


@torch.no_grad()
def explained(model, x):
    model.eval()
    out, _, index = model(x)
    return (1 - F.mse_loss(out, x) / (x - x.mean(0)).pow(2).mean()).item(), index.unique().numel()


def main(seed):
    torch.manual_seed(seed)
    images = torch.tensor(load_digits().images, dtype=torch.float32)[:, None]
    images = images[torch.randperm(len(images))]
    train, val, test = (images / 16 - 0.3).split([1200, 250, 347])
    model = VQ()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    epochs = 50
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs, eta_min=1e-4)
    for epoch in range(1, epochs + 1):
        model.train()
        rec = com = 0.0
        batches = torch.randperm(len(train)).split(60)
        for i in batches:
            out, commit, _ = model(train[i])
            recon = F.mse_loss(out, train[i])
            optimizer.zero_grad()
            (recon + 0.02 * commit).backward()
            optimizer.step()
            rec, com = rec + recon.item(), com + commit.item()
        scheduler.step()
        if epoch % 5 == 0:
            r2, used = explained(model, val)
            n = len(batches)
            print(f"epoch {epoch}: recon {rec / n:.4f} commit {com / n:.4f} val explained {r2:.4f} codes {used}")
    print(f"score: {explained(model, test)[0]:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
