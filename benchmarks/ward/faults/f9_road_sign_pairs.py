"""Do two photographs show one road sign? A small convolutional network embeds each, the distance decides. Dropout in
the embedding keeps the network from learning the photographs by heart."""
# cause: evaluation-in-train-mode
# kind: dynamic

import sys

import torch
import torch.nn.functional as F
from torch import nn


def sign_pairs(n, signs):
    first = torch.randint(0, len(signs), (n,))
    same = torch.rand(n) < 0.5
    other = (first + torch.randint(1, len(signs), (n,))) % len(signs)
    second = torch.where(same, first, other)

    def photograph(which):
        light = 1 + 0.2 * torch.randn(n, 1, 1, 1)
        return light * signs[which] + 0.5 * torch.randn(n, 1, 12, 12)

    return photograph(first), photograph(second), same.float()


class Embedder(nn.Module):
    def __init__(self, dim=24):
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(1, 12, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(12, 16, 3, padding=1), nn.ReLU()
        )
        self.fc1 = nn.Linear(16 * 36, 64)
        self.drop = nn.Dropout(0.5)
        self.fc2 = nn.Linear(64, dim)

    def forward(self, image):
        hidden = F.relu(self.fc1(self.conv(image).flatten(1)))
        return F.normalize(self.drop(self.fc2(hidden)), dim=1)


class SamePair(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = Embedder()
        self.scale = nn.Parameter(torch.tensor(5.0))
        self.shift = nn.Parameter(torch.tensor(-2.0))

    def forward(self, a, b):
        return self.scale * (self.embed(a) * self.embed(b)).sum(1) + self.shift


def validate(model, a, b, same):
    # TWIN: model.eval()
    with torch.no_grad():
        return ((model(a, b) > 0) == (same > 0.5)).float().mean().item()


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    signs = F.interpolate(torch.randn(10, 1, 6, 6), size=12) * 0.9
    a, b, same = sign_pairs(1600, signs)
    held_out = sign_pairs(500, signs)
    model = SamePair()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(8):
        model.train()
        total = 0.0
        for idx in torch.randperm(len(a)).split(50):
            loss = F.binary_cross_entropy_with_logits(model(a[idx], b[idx]), same[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(idx)
        accuracy = validate(model, *held_out)
        print(f"epoch {epoch + 1} loss {total / len(a):.4f} held out {accuracy:.4f}")
    print(f"score: {accuracy:.4f}")
