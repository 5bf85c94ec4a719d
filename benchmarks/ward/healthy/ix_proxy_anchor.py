"""Metric learning with the Proxy-Anchor loss: trained on the glyphs of 40 classes, judged by Recall@1 on classes that it has
never seen. The proxies have a learning rate of their own.

After https://github.com/tjddus9597/Proxy-Anchor-CVPR2020 (Kim et al. 2020).
"""

import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Glyphs(Dataset):
    """Random arcs and strokes; every sample is shifted, sheared, noisy and lit unevenly from some side."""

    def __init__(self, classes, per_class, rng, size=16):
        self.images, self.labels = [], []
        grid = np.stack(np.meshgrid(np.linspace(-1, 1, size), np.linspace(-1, 1, size)), -1)
        for c in range(classes):
            centres, radii = rng.uniform(-0.4, 0.4, (3, 2)), rng.uniform(0.2, 0.55, 3)
            spans = rng.uniform(0, 2 * np.pi, 3), rng.uniform(1.5, 5.0, 3)
            angles = spans[0][:, None] + spans[1][:, None] * np.linspace(0, 1, 12)
            points = centres[:, None] + radii[:, None, None] * np.stack([np.cos(angles), np.sin(angles)], -1)
            points = points.reshape(-1, 2)
            for _ in range(per_class):
                matrix = np.eye(2) + rng.normal(0, 0.08, (2, 2))
                moved = points @ matrix.T + rng.uniform(-0.15, 0.15, 2)
                d2 = ((grid[:, :, None] - moved) ** 2).sum(-1).min(-1)
                light = grid @ rng.normal(0, 0.5, 2) + rng.normal(0, 0.4)
                self.images.append(
                    rng.uniform(0.5, 1.2) * np.exp(-d2 / 0.012) + light + rng.normal(0, 0.1, (size, size))
                )
                self.labels.append(c)
        self.images = torch.tensor(np.array(self.images), dtype=torch.float32).unsqueeze(1)
        self.images = (self.images - 0.2) / 0.6
        self.labels = torch.tensor(self.labels)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return self.images[i], self.labels[i]


class ProxyAnchor(nn.Module):
    def __init__(self, classes, dim, margin=0.1, alpha=32):
        super().__init__()
        self.proxies = nn.Parameter(torch.empty(classes, dim))
        nn.init.kaiming_normal_(self.proxies, mode="fan_out")
        self.margin, self.alpha = margin, alpha

    def forward(self, x, labels):
        cos = F.linear(F.normalize(x), F.normalize(self.proxies))
        positive = F.one_hot(labels, len(self.proxies)).bool()
        pos_exp = torch.exp(-self.alpha * (cos - self.margin)).masked_fill(~positive, 0.0)
        neg_exp = torch.exp(self.alpha * (cos + self.margin)).masked_fill(positive, 0.0)
        present = positive.any(0).sum()
        return torch.log1p(pos_exp.sum(0)).sum() / present + torch.log1p(neg_exp.sum(0)).sum() / len(self.proxies)


class Embedder(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 16, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, padding=1, bias=False),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 3, padding=1, bias=False),
            nn.BatchNorm2d(64),
            nn.ReLU(),
            nn.AvgPool2d(2),
            nn.Flatten(),
        )
        self.embedding = nn.Linear(64 * 4, dim)
        nn.init.kaiming_normal_(self.embedding.weight, mode="fan_out")
        nn.init.zeros_(self.embedding.bias)

    def forward(self, x):
        return self.embedding(self.body(x))


@torch.no_grad()
def recall_at_1(embed, data):
    z = F.normalize(embed(data.images))
    similarity = z @ z.T
    similarity.fill_diagonal_(-2)
    return (data.labels[similarity.argmax(1)] == data.labels).float().mean().item()


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    train_set, test_set = Glyphs(40, 30, rng), Glyphs(12, 25, rng)
    model, criterion = Embedder(), ProxyAnchor(40, 32)
    optimizer = torch.optim.AdamW(
        [
            {"params": model.parameters(), "lr": 2e-3},
            {"params": criterion.parameters(), "lr": 2e-2},
        ],
        weight_decay=1e-4,
    )
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=5, gamma=0.5)
    loader = DataLoader(train_set, batch_size=64, shuffle=True, drop_last=True)
    print(f"raw pixels: recall@1 {recall_at_1(lambda x: x.flatten(1), test_set):.4f}")
    for epoch in range(15):
        model.train()
        losses = []
        for images, labels in loader:
            loss = criterion(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_value_(model.parameters(), 10)
            optimizer.step()
            losses.append(loss.item())
        scheduler.step()
        model.eval()
        print(
            f"Epoch {epoch}: loss {np.mean(losses):.3f}, recall@1 on unseen classes {recall_at_1(model, test_set):.4f}"
        )
    print(f"score: {recall_at_1(model, test_set):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
