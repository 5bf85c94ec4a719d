"""Compresses small pictures of shapes into discrete codes with a VQ-VAE whose codebook follows moving averages.

After zalandoresearch/pytorch-vq-vae (https://github.com/zalandoresearch/pytorch-vq-vae).
"""

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


def shapes(rng, n, size=16):
    yy, xx = np.mgrid[:size, :size]
    out = np.empty((n, 1, size, size), np.float32)
    for i in range(n):
        back, front = rng.uniform(0, 0.3), rng.uniform(0.6, 1.0)
        cx, cy = rng.uniform(4, size - 4, 2)
        w, h = rng.uniform(2, 5, 2)
        if rng.random() < 0.5:
            soft = 1 - ((xx - cx) / w) ** 2 - ((yy - cy) / h) ** 2
        else:
            soft = np.minimum(w - np.abs(xx - cx), h - np.abs(yy - cy))
        out[i, 0] = back + (front - back) / (1 + np.exp(-4 * soft))
    return torch.from_numpy(out)


class VectorQuantizerEMA(nn.Module):
    def __init__(self, num_embeddings, embedding_dim, commitment_cost=0.25, decay=0.95, epsilon=1e-5):
        super().__init__()
        self.n, self.dim, self.cost, self.decay, self.eps = (
            num_embeddings,
            embedding_dim,
            commitment_cost,
            decay,
            epsilon,
        )
        codebook = torch.randn(num_embeddings, embedding_dim)
        self.register_buffer("codebook", codebook)
        self.register_buffer("cluster_size", torch.ones(num_embeddings))
        self.register_buffer("ema_sum", codebook.clone())

    @torch.no_grad()
    def _update(self, flat, onehot):
        self.cluster_size.mul_(self.decay).add_(onehot.sum(0), alpha=1 - self.decay)
        self.ema_sum.mul_(self.decay).add_(onehot.t() @ flat, alpha=1 - self.decay)
        total = self.cluster_size.sum()
        size = (self.cluster_size + self.eps) / (total + self.n * self.eps) * total
        self.codebook.copy_(self.ema_sum / size.unsqueeze(1))

    def forward(self, z):
        zp = z.permute(0, 2, 3, 1)
        flat = zp.reshape(-1, self.dim)
        index = torch.cdist(flat.detach(), self.codebook).argmin(1)
        onehot = F.one_hot(index, self.n).float()
        quantized = self.codebook[index].view_as(zp).permute(0, 3, 1, 2)
        if self.training:
            self._update(flat.detach(), onehot)
        loss = self.cost * F.mse_loss(z, quantized)
        probs = onehot.mean(0)
        perplexity = torch.exp(-(probs * torch.log(probs + 1e-10)).sum())
        return loss, z + (quantized - z).detach(), perplexity


class Model(nn.Module):
    def __init__(self, hidden=24, codes=32, dim=8):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, hidden, 4, 2, 1),
            nn.ReLU(),
            nn.Conv2d(hidden, hidden, 4, 2, 1),
            nn.ReLU(),
            nn.Conv2d(hidden, dim, 1),
            nn.BatchNorm2d(dim),
        )
        self.vq = VectorQuantizerEMA(codes, dim)
        self.decoder = nn.Sequential(
            nn.Conv2d(dim, hidden, 3, 1, 1),
            nn.ReLU(),
            nn.ConvTranspose2d(hidden, hidden, 4, 2, 1),
            nn.ReLU(),
            nn.ConvTranspose2d(hidden, 1, 4, 2, 1),
        )

    def forward(self, x):
        loss, quantized, perplexity = self.vq(self.encoder(x))
        return loss, self.decoder(quantized), perplexity


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    training, validation = shapes(rng, 1200), shapes(rng, 300)
    data_variance = training.var().item()

    model = Model()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, amsgrad=False)
    model.train()
    errors, perplexities = [], []
    for i in range(300):
        data = training[torch.randint(len(training), (64,))]
        optimizer.zero_grad()
        vq_loss, data_recon, perplexity = model(data)
        recon_error = F.mse_loss(data_recon, data) / data_variance
        (recon_error + vq_loss).backward()
        optimizer.step()
        errors.append(recon_error.item())
        perplexities.append(perplexity.item())
        if (i + 1) % 100 == 0:
            print(
                f"{i + 1} iterations: recon_error {np.mean(errors[-100:]):.4f} "
                f"perplexity {np.mean(perplexities[-100:]):.2f}"
            )
    model.eval()
    with torch.no_grad():
        _, recon, perplexity = model(validation)
        unexplained = (F.mse_loss(recon, validation) / validation.var()).item()
    print(f"validation perplexity {perplexity.item():.2f}, explained variance:")
    print(f"score: {1 - unexplained:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
