"""Classifies small colour pictures of shapes with a Vision Transformer, AdamW with warm-up and cosine decay.

After vit-pytorch (https://github.com/lucidrains/vit-pytorch) and its small training example.
"""

import math
import sys

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

CLASSES = ["disc", "square", "cross", "ring"]


def draw(rng, n, size=16):
    yy, xx = np.mgrid[:size, :size].astype(np.float32)
    images = np.empty((n, 3, size, size), np.float32)
    labels = rng.integers(0, len(CLASSES), n)
    for i, label in enumerate(labels):
        r = rng.uniform(4, 6)
        cx, cy = rng.uniform(r, size - r, 2)
        dx, dy = np.abs(xx - cx), np.abs(yy - cy)
        dist = np.hypot(dx, dy)
        if label == 0:
            mask = dist < r
        elif label == 1:
            mask = np.maximum(dx, dy) < 0.85 * r
        elif label == 2:
            mask = (np.minimum(dx, dy) < 0.3 * r) & (np.maximum(dx, dy) < r)
        else:
            mask = (dist < r) & (dist > 0.55 * r)
        back, front = rng.uniform(0.0, 0.4, 3), rng.uniform(0.6, 1.0, 3)
        images[i] = np.where(mask, front[:, None, None], back[:, None, None])
    images += rng.normal(0, 0.05, images.shape)
    return torch.tensor(images).clamp(0, 1), torch.tensor(labels)


class ViT(nn.Module):
    def __init__(self, image_size=16, patch=4, dim=32, depth=2, heads=4, num_classes=4, dropout=0.0):
        super().__init__()
        tokens = (image_size // patch) ** 2
        self.to_patch = nn.Conv2d(3, dim, kernel_size=patch, stride=patch)
        self.cls = nn.Parameter(torch.zeros(1, 1, dim))
        self.pos = nn.Parameter(torch.randn(1, tokens + 1, dim) * 0.02)
        layer = nn.TransformerEncoderLayer(
            dim, heads, dim * 2, dropout, activation="gelu", batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, depth, norm=nn.LayerNorm(dim), enable_nested_tensor=False)
        self.head = nn.Linear(dim, num_classes)

    def forward(self, x):
        x = self.to_patch(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(len(x), -1, -1), x], dim=1) + self.pos
        return self.head(self.encoder(x)[:, 0])


@torch.no_grad()
def evaluate(model, loader):
    model.eval()
    hits = sum((model(x).argmax(1) == y).sum().item() for x, y in loader)
    return hits / len(loader.dataset)


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    x_train, y_train = draw(rng, 1600)
    x_test, y_test = draw(rng, 500)
    mean = x_train.mean(dim=(0, 2, 3), keepdim=True)
    std = x_train.std(dim=(0, 2, 3), keepdim=True)
    train_loader = DataLoader(
        TensorDataset((x_train - mean) / std, y_train), batch_size=64, shuffle=True, drop_last=True
    )
    test_loader = DataLoader(TensorDataset((x_test - mean) / std, y_test), batch_size=250)

    model = ViT()
    decay = [p for p in model.parameters() if p.ndim == 2 or p.ndim == 4]
    no_decay = [p for p in model.parameters() if p.ndim not in (2, 4)]
    optimizer = torch.optim.AdamW(
        [{"params": decay, "weight_decay": 0.05}, {"params": no_decay, "weight_decay": 0.0}], lr=3e-3
    )
    epochs = 10
    total, warmup = epochs * len(train_loader), 30
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: min((step + 1) / warmup, 0.5 * (1 + math.cos(math.pi * max(0, step - warmup) / (total - warmup)))),
    )
    criterion = nn.CrossEntropyLoss(label_smoothing=0.05)
    for epoch in range(epochs):
        model.train()
        epoch_loss = 0.0
        for x, y in train_loader:
            loss = criterion(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            epoch_loss += loss.item() / len(train_loader)
        print(f"Epoch : {epoch + 1} - loss : {epoch_loss:.4f} - test_acc: {evaluate(model, test_loader):.4f}")
    print(f"score: {evaluate(model, test_loader):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
