"""Label 32-day windows of returns on three assets as calm, trending or stressed with a single attention block.

A learnable summary token attends over the days. Adam with cosine decay; loss and accuracy on held-out windows.
"""

import math
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F


def sample_windows(n, generator):
    """Calm: independent, low volatility. Trending: drift. Stressed: one common shock and volatility bursts."""
    regime = torch.randint(0, 3, (n,), generator=generator)
    noise = torch.randn(n, 32, 3, generator=generator)
    common = torch.randn(n, 32, 1, generator=generator)
    sign = torch.randint(0, 2, (n, 1, 1), generator=generator) * 2.0 - 1.0
    scale = 0.8 + 0.4 * torch.rand(n, 1, 1, generator=generator)
    burst = 1.0 + 0.8 * (torch.rand(n, 32, 1, generator=generator) < 0.2)
    trend = (regime == 1).view(n, 1, 1)
    stress = (regime == 2).view(n, 1, 1)
    returns = torch.where(stress, (0.7 * common + 0.7 * noise) * burst, noise)
    return returns * scale + trend * sign * 0.45, regime


class AttentionBlock(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attention = nn.MultiheadAttention(dim, heads, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))

    def forward(self, x):
        h = self.norm1(x)
        x = x + self.attention(h, h, h, need_weights=False)[0]
        return x + self.mlp(self.norm2(x))


class RegimeModel(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.embed = nn.Sequential(nn.Linear(3, dim), nn.GELU(), nn.Linear(dim, dim))
        self.summary = nn.Parameter(torch.randn(1, 1, dim) * 0.02)
        self.block = AttentionBlock(dim, 4)
        self.head = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, 3))

    def forward(self, returns):
        tokens = torch.cat([self.summary.expand(len(returns), -1, -1), self.embed(returns)], dim=1)
        return self.head(self.block(tokens)[:, 0])


def main():
    torch.set_num_threads(1)
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(1000 + seed)
    x, y = sample_windows(1600, generator)
    x_test, y_test = sample_windows(500, generator)
    model = RegimeModel()
    epochs, batch = 10, 64
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs * math.ceil(len(x) / batch))
    for epoch in range(epochs):
        model.train()
        losses = []
        for idx in torch.randperm(len(x)).split(batch):
            optimizer.zero_grad(set_to_none=True)
            loss = F.cross_entropy(model(x[idx]), y[idx])
            loss.backward()
            optimizer.step()
            scheduler.step()
            losses.append(loss.item())
        model.eval()
        with torch.no_grad():
            logits = model(x_test)
        test_loss = F.cross_entropy(logits, y_test).item()
        accuracy = (logits.argmax(dim=1) == y_test).float().mean().item()
        print(f"epoch {epoch}  train {sum(losses) / len(losses):.3f}  test {test_loss:.3f}  acc {accuracy:.3f}")
    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main()
