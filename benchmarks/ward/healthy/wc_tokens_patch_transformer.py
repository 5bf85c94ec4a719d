"""A small vision transformer: class token and positions begin at zero, pictures of noisy stripes in four directions.
Score: accuracy on held-out pictures.
"""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)


class ViT(nn.Module):
    def __init__(self, width=48):
        super().__init__()
        self.token = nn.Parameter(torch.zeros(1, 1, width))
        self.place = nn.Parameter(torch.zeros(1, 17, width))
        self.patch = nn.Conv2d(1, width, 4, stride=4)
        block = nn.TransformerEncoderLayer(width, 4, 96, dropout=0.0, batch_first=True, norm_first=True)
        self.blocks = nn.TransformerEncoder(block, 2, enable_nested_tensor=False)
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, 4)

    def forward(self, x):
        p = self.patch(x).flatten(2).transpose(1, 2)
        p = torch.cat([self.token.expand(len(x), -1, -1), p], 1) + self.place
        return self.head(self.norm(self.blocks(p))[:, 0])


def main(seed):
    torch.manual_seed(seed)
    n, cut = 3000, 2600
    axis = torch.arange(16.0)
    y = torch.randint(4, (n,))
    phase = 6.28 * torch.rand(n, 1, 1)
    angle = (y * 0.785)[:, None, None] + 0.2 * torch.randn(n, 1, 1)
    x = torch.sin(1.2 * (axis[:, None] * angle.cos() + axis * angle.sin()) + phase) * 0.6 + torch.randn(n, 16, 16)
    x = x[:, None]
    net = ViT()
    opt = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=0.05)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, 2e-3, total_steps=8 * 41)
    for epoch in range(1, 9):
        net.train()
        for idx in torch.randperm(cut).split(64):
            loss = F.cross_entropy(net(x[idx]), y[idx], label_smoothing=0.1)
            opt.zero_grad()
            loss.backward()
            opt.step()
            sched.step()
        net.eval()
        with torch.no_grad():
            right = (net(x[cut:]).argmax(1) == y[cut:]).float().mean().item()
        print(f"epoch {epoch}: loss {loss.item():.4f} accuracy {right:.4f}")
    print(f"score: {right:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
