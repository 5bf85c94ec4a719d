"""Digits as 24-bit codes: an autoencoder with a hard sign in the middle, whose gradient is passed straight through."""

import sys

import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)


class Sign(torch.autograd.Function):
    """-1 or 1; backwards the identity where the input is within [-1, 1]."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.where(x >= 0, 1.0, -1.0)

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad * (x.abs() <= 1)


class Coder(nn.Module):
    def __init__(self, bits=24):
        super().__init__()
        self.encode = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, bits), nn.BatchNorm1d(bits))
        self.decode = nn.Sequential(nn.Linear(bits, 128), nn.ReLU(), nn.Linear(128, 64))
        self.classify = nn.Linear(bits, 10)

    def code(self, x):
        return Sign.apply(self.encode(x))

    def forward(self, x):
        bits = self.code(x)
        return self.decode(bits), self.classify(bits)


digits = load_digits()
order = torch.randperm(len(digits.data))
images = torch.tensor(digits.data, dtype=torch.float32)[order]
labels = torch.tensor(digits.target)[order]
mean, std = images[:1400].mean(), images[:1400].std()
images = (images - mean) / std
loader = DataLoader(TensorDataset(images[:1400], labels[:1400]), batch_size=50, shuffle=True, drop_last=True)
test_images, test_labels = images[1400:], labels[1400:]

net = Coder()
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=40)
for epoch in range(40):
    net.train()
    rec_total = cls_total = 0.0
    for x, y in loader:
        recon, logits = net(x)
        rec, cls = nn.functional.mse_loss(recon, x), nn.functional.cross_entropy(logits, y)
        loss = rec + 0.2 * cls
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        rec_total += rec.item()
        cls_total += cls.item()
    scheduler.step()
    if epoch % 5 == 4:
        print(f"{epoch + 1:3d}  pixels {rec_total / len(loader):.4f}  labels {cls_total / len(loader):.4f}")

net.eval()
with torch.no_grad():
    recon, logits = net(test_images)
    pixels = 1 - ((recon - test_images).pow(2).mean() / test_images.var(0).mean()).item()
    bank, query = net.code(images[:1400]), net.code(test_images)
    votes = labels[:1400][(query @ bank.T).topk(5, dim=1).indices]
    nearest = (votes.mode(dim=1).values == test_labels).float().mean().item()
print(f"pixels explained {pixels:.3f}, labels {(logits.argmax(1) == test_labels).float().mean().item():.3f}")
print(f"score: {nearest:.4f}")
