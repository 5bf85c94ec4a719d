"""A small MLP-Mixer on the digits: sixteen 2x2 patches, two mixer blocks, mean pooling. RAdam; the log has accuracies
only.
"""

import sys

import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

torch.set_num_threads(1)


class MixerBlock(nn.Module):
    def __init__(self, tokens, dim):
        super().__init__()
        self.norm1 = nn.LayerNorm(dim)
        self.token_mlp = nn.Sequential(nn.Linear(tokens, 32), nn.GELU(), nn.Linear(32, tokens))
        self.norm2 = nn.LayerNorm(dim)
        self.channel_mlp = nn.Sequential(nn.Linear(dim, 64), nn.GELU(), nn.Linear(64, dim))

    def forward(self, x):
        x = x + self.token_mlp(self.norm1(x).transpose(1, 2)).transpose(1, 2)
        return x + self.channel_mlp(self.norm2(x))


class Mixer(nn.Module):
    def __init__(self, dim=32, depth=2):
        super().__init__()
        self.embed = nn.Conv2d(1, dim, kernel_size=2, stride=2)
        self.blocks = nn.Sequential(*(MixerBlock(16, dim) for _ in range(depth)))
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, 10)

    def forward(self, images):
        tokens = self.embed(images).flatten(2).transpose(1, 2)
        return self.head(self.norm(self.blocks(tokens)).mean(dim=1))


seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1).div(8).sub(1)
labels = torch.tensor(digits.target)
train_idx, test_idx = train_test_split(torch.arange(len(labels)), test_size=400, random_state=seed, stratify=labels)

net = Mixer()
opt = torch.optim.RAdam(net.parameters(), lr=4e-3)
for epoch in range(10):
    net.train()
    right = 0
    for idx in train_idx[torch.randperm(len(train_idx))].split(64):
        opt.zero_grad()
        logits = net(images[idx])
        nn.functional.cross_entropy(logits, labels[idx]).backward()
        opt.step()
        right += (logits.argmax(1) == labels[idx]).sum().item()
    net.eval()
    with torch.no_grad():
        acc = (net(images[test_idx]).argmax(1) == labels[test_idx]).float().mean().item()
    print(f"epoch {epoch}: train acc {right / len(train_idx):.3f}, test acc {acc:.3f}")
print(f"score: {acc:.4f}")
