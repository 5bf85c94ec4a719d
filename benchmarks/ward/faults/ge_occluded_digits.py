"""Digits with a random 2x2 hole while training; the test images are harder on purpose: a 3x3 hole and more noise."""
# cause: unregistered-parameters
# kind: dynamic

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits

torch.set_num_threads(1)


def occlude(images, size):
    n = len(images)
    top, left = torch.randint(0, 9 - size, (2, n, 1, 1))
    rows, cols = torch.arange(8).view(1, 8, 1), torch.arange(8).view(1, 1, 8)
    hole = (rows >= top) & (rows < top + size) & (cols >= left) & (cols < left + size)
    return images.masked_fill(hole.unsqueeze(1), 0.0)


def conv_bn(c_in, c_out, stride=1):  # FAULT
    return nn.Sequential(  # FAULT
        nn.Conv2d(c_in, c_out, 3, stride=stride, padding=1, bias=False),  # FAULT
        nn.BatchNorm2d(c_out),  # FAULT
        nn.ReLU(inplace=True),  # FAULT
    )  # FAULT


class SmallCNN(nn.Module):
    def __init__(self):
        super().__init__()
        # TWIN: self.features = nn.Sequential(
        # TWIN:     nn.Conv2d(1, 16, 3, padding=1, bias=False),
        # TWIN:     nn.BatchNorm2d(16),
        # TWIN:     nn.ReLU(inplace=True),
        # TWIN:     nn.Conv2d(16, 32, 3, stride=2, padding=1, bias=False),
        # TWIN:     nn.BatchNorm2d(32),
        # TWIN:     nn.ReLU(inplace=True),
        # TWIN:     nn.Conv2d(32, 32, 3, padding=1, bias=False),
        # TWIN:     nn.BatchNorm2d(32),
        # TWIN:     nn.ReLU(inplace=True),
        # TWIN:     nn.AdaptiveAvgPool2d(2),
        # TWIN: )
        self.blocks = [conv_bn(1, 16), conv_bn(16, 32, stride=2), conv_bn(32, 32)]  # FAULT
        self.pool = nn.AdaptiveAvgPool2d(2)  # FAULT
        self.classifier = nn.Linear(128, 10)

    def forward(self, x):
        # TWIN: return self.classifier(self.features(x).flatten(1))
        for block in self.blocks:  # FAULT
            x = block(x)  # FAULT
        return self.classifier(self.pool(x).flatten(1))  # FAULT


seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
digits = load_digits()
order = torch.randperm(len(digits.images))
images = torch.tensor(digits.images, dtype=torch.float32)[order].unsqueeze(1)
images = (images - images[:1300].mean()) / images[:1300].std()
labels = torch.tensor(digits.target)[order]
x_train, y_train = images[:1300], labels[:1300]
clean_test, y_test = images[1300:], labels[1300:]
hard_test = occlude(clean_test + 0.2 * torch.randn_like(clean_test), 3)

model = SmallCNN()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-3)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 9)
for epoch in range(9):
    model.train()
    total_loss, right = 0.0, 0
    for idx in torch.randperm(len(x_train)).split(65):
        logits = model(occlude(x_train[idx], 2))
        loss = F.cross_entropy(logits, y_train[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total_loss += loss.item() * len(idx)
        right += (logits.argmax(1) == y_train[idx]).sum().item()
    scheduler.step()
    model.eval()
    with torch.no_grad():
        hard_acc = (model(hard_test).argmax(1) == y_test).float().mean().item()
    print(f"epoch {epoch + 1}: loss {total_loss / 1300:.4f} acc {right / 1300:.4f} | hard test acc {hard_acc:.4f}")

with torch.no_grad():
    print(f"clean test acc {(model(clean_test).argmax(1) == y_test).float().mean().item():.4f}")
print(f"score: {hard_acc:.4f}")
