"""Pictures and captions of market towns, matched as CLIP does: the model takes both and gives the similarities of all
pairs of the batch. Score: share of held-out pictures whose caption comes first among 100.
"""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)


class TwoTowers(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.image = nn.Sequential(nn.Linear(40, 64), nn.ReLU(), nn.Linear(64, width))
        self.text = nn.Sequential(nn.Linear(24, 64), nn.ReLU(), nn.Linear(64, width))
        self.log_scale = nn.Parameter(torch.tensor(2.0))

    def forward(self, image, text):
        i, t = F.normalize(self.image(image), dim=1), F.normalize(self.text(text), dim=1)
        return self.log_scale.exp() * i @ t.T


def pairs(n, views):
    z = torch.randn(n, 8)
    return [z @ v + 0.1 * torch.randn(n, v.shape[1]) for v in views]


def main(seed):
    torch.manual_seed(seed)
    views = torch.randn(8, 40) / 3, torch.randn(8, 24) / 3
    image, text = pairs(2000, views)
    held_image, held_text = pairs(100, views)
    net = TwoTowers()
    optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=1e-3)
    for epoch in range(15):
        net.train()
        total = 0.0
        for rows in torch.randperm(2000).split(64):
            logits = net(image[rows], text[rows])
            target = torch.arange(len(rows))
            loss = 0.5 * (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        net.eval()
        with torch.no_grad():
            first = (net(held_image, held_text).argmax(1) == torch.arange(100)).float().mean()
        print(f"epoch {epoch}: loss {total / 2000:.3f} first {first:.3f}")
    print(f"score: {first:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
