"""Tutorial-sized vision transformer: the 8x8 digits are cut into sixteen 2x2 patches, two pre-norm encoder layers,
the mean of the tokens, AdamW with linear warm-up and cosine decay, accuracy on held-out digits.
"""
# cause: unscaled-inputs
# kind: dynamic

import math
import sys

import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)


class TinyViT(nn.Module):
    def __init__(self, dim=32, depth=2):
        super().__init__()
        self.patchify = nn.Conv2d(1, dim, kernel_size=2, stride=2)
        self.position = nn.Parameter(0.2 * torch.randn(1, 16, dim))
        layer = nn.TransformerEncoderLayer(
            dim, 4, 64, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, depth, norm=nn.LayerNorm(dim), enable_nested_tensor=False)
        self.head = nn.Linear(dim, 10)

    def forward(self, images):
        patches = self.patchify(images).flatten(2).transpose(1, 2)
        tokens = patches + self.position
        return self.head(self.encoder(tokens).mean(dim=1))


digits = load_digits()
order = torch.randperm(1797)
images = torch.tensor(digits.images, dtype=torch.float32)[order].unsqueeze(1)  # FAULT
# TWIN: images = torch.tensor(digits.images, dtype=torch.float32)[order].unsqueeze(1) / 8 - 1
labels = torch.tensor(digits.target)[order]
loader = DataLoader(TensorDataset(images[:1450], labels[:1450]), batch_size=58, shuffle=True)
epochs = 12
total, warmup = epochs * len(loader), 25

vit = TinyViT()
optimizer = torch.optim.AdamW(vit.parameters(), lr=3e-3, weight_decay=0.02)


def factor(step):
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / (total - warmup)))


scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
criterion = nn.CrossEntropyLoss()
for epoch in range(epochs):
    vit.train()
    losses = []
    for image, label in loader:
        optimizer.zero_grad()
        loss = criterion(vit(image), label)
        loss.backward()
        optimizer.step()
        scheduler.step()
        losses.append(loss.detach())
    vit.eval()
    with torch.inference_mode():
        accuracy = (vit(images[1450:]).argmax(-1) == labels[1450:]).float().mean().item()
    print(f"Epoch {epoch + 1}/{epochs} - loss {torch.stack(losses).mean():.4f} - val_acc {accuracy:.4f}")
print(f"score: {accuracy:.4f}")
