"""Depthwise separable convolutions with squeeze-and-excitation on synthetic 16x16 colour textures: eight classes of
stripe orientation and hue, under noise and random phase.
"""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)


def textures(n):
    label = torch.randint(8, (n,))
    angle = (label % 4) * torch.pi / 4 + 0.15 * torch.randn(n)
    yy, xx = torch.meshgrid(torch.arange(16.0), torch.arange(16.0), indexing="ij")
    phase = 6.28 * torch.rand(n)
    c, s = torch.cos(angle)[:, None, None], torch.sin(angle)[:, None, None]
    stripes = torch.sin(0.9 * (c * xx + s * yy) + phase[:, None, None])
    hue = torch.where(label < 4, 1.0, -1.0)
    colour = torch.stack([1 + 0.4 * hue, torch.ones(n), 1 - 0.4 * hue], 1) + 0.15 * torch.randn(n, 3)
    return stripes[:, None] * colour[:, :, None, None] + 0.9 * torch.randn(n, 3, 16, 16), label


class SqueezeExcite(nn.Module):
    def __init__(self, channels, reduction=4):
        super().__init__()
        self.fc1 = nn.Conv2d(channels, channels // reduction, 1)
        self.fc2 = nn.Conv2d(channels // reduction, channels, 1)

    def forward(self, x):
        w = F.adaptive_avg_pool2d(x, 1)
        return x * torch.sigmoid(self.fc2(F.relu(self.fc1(w))))


def separable(c_in, c_out, stride):
    return nn.Sequential(
        nn.Conv2d(c_in, c_in, 3, stride, 1, groups=c_in, bias=False),
        nn.BatchNorm2d(c_in),
        nn.ReLU6(),
        SqueezeExcite(c_in),
        nn.Conv2d(c_in, c_out, 1, bias=False),
        nn.BatchNorm2d(c_out),
    )


net = nn.Sequential(
    nn.Conv2d(3, 16, 3, padding=1, bias=False),
    nn.BatchNorm2d(16),
    nn.ReLU6(),
    separable(16, 24, 2),
    separable(24, 32, 2),
    nn.ReLU6(),
    nn.AdaptiveAvgPool2d(1),
    nn.Flatten(),
    nn.Linear(32, 8),
)
x_train, y_train = textures(1600)
x_val, y_val = textures(400)
optimizer = torch.optim.RMSprop(net.parameters(), lr=2e-3, momentum=0.9, alpha=0.95, eps=1e-3, weight_decay=1e-5)
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.8)
for epoch in range(9):
    net.train()
    train_loss = 0.0
    for idx in torch.randperm(1600).split(40):
        loss = F.cross_entropy(net(x_train[idx]), y_train[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        train_loss += loss.item() / 40
    scheduler.step()
    net.eval()
    with torch.no_grad():
        out = net(x_val)
    val_loss, acc = F.cross_entropy(out, y_val).item(), out.argmax(1).eq(y_val).float().mean().item()
    print(f"epoch {epoch + 1} | loss {train_loss:.4f} | val_loss {val_loss:.4f} | val_acc {acc:.4f}")
print(f"score: {acc:.4f}")
