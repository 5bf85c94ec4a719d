"""A small residual network tells six shapes apart in noisy colour images; with probability 0.5 a batch is CutMixed.

After the training script of https://github.com/clovaai/CutMix-PyTorch (Yun et al. 2019).
"""

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

CLASSES = ["disc", "square", "triangle", "cross", "ring", "bars"]


def draw(kind, rng, size=16):
    yy, xx = np.mgrid[:size, :size].astype(float)
    r = rng.uniform(4, 6)
    cx, cy = rng.uniform(r, size - 1 - r, 2)
    dx, dy = xx - cx, yy - cy
    inside = np.maximum(abs(dx), abs(dy)) <= r
    mask = {
        "disc": dx**2 + dy**2 <= r**2,
        "square": inside,
        "triangle": (dy <= r) & (dy >= -r) & (abs(dx) <= (dy + r) / 2),
        "cross": inside & ((abs(dx) <= r / 4) | (abs(dy) <= r / 4)),
        "ring": (dx**2 + dy**2 <= r**2) & (dx**2 + dy**2 >= (0.6 * r) ** 2),
        "bars": inside & (np.floor((dy + r) / 2) % 2 == 0),
    }[kind]
    background, colour = rng.uniform(0, 0.4, 3), rng.uniform(0.6, 1.0, 3)
    image = np.where(mask[..., None], colour, background) + rng.normal(0, 0.12, (size, size, 3))
    return image.transpose(2, 0, 1).clip(0, 1)


def make_set(n, rng):
    labels = rng.permutation(np.arange(n) % len(CLASSES))
    images = np.stack([draw(CLASSES[k], rng) for k in labels])
    return torch.tensor(images, dtype=torch.float32), torch.tensor(labels)


class Block(nn.Module):
    def __init__(self, n_in, n_out, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(n_in, n_out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(n_out)
        self.conv2 = nn.Conv2d(n_out, n_out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(n_out)
        self.shortcut = nn.Sequential(nn.Conv2d(n_in, n_out, 1, stride, bias=False), nn.BatchNorm2d(n_out))

    def forward(self, x):
        out = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(out + self.shortcut(x))


def rand_bbox(height, width, lam, rng):
    cut = np.sqrt(1.0 - lam)
    cut_h, cut_w = int(height * cut), int(width * cut)
    cy, cx = rng.integers(height), rng.integers(width)
    y1, y2 = np.clip([cy - cut_h // 2, cy + cut_h // 2], 0, height)
    x1, x2 = np.clip([cx - cut_w // 2, cx + cut_w // 2], 0, width)
    return y1, y2, x1, x2


def train(loader, model, criterion, optimizer, rng, beta=1.0, cutmix_prob=0.5):
    model.train()
    running = 0.0
    for images, target in loader:
        if rng.random() < cutmix_prob:
            lam = rng.beta(beta, beta)
            index = torch.randperm(len(images))
            y1, y2, x1, x2 = rand_bbox(*images.shape[2:], lam, rng)
            images = images.clone()
            images[:, :, y1:y2, x1:x2] = images[index, :, y1:y2, x1:x2]
            lam = 1 - (y2 - y1) * (x2 - x1) / (images.shape[2] * images.shape[3])
            output = model(images)
            loss = lam * criterion(output, target) + (1 - lam) * criterion(output, target[index])
        else:
            loss = criterion(model(images), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        running += loss.item() * len(images)
    return running / len(loader.dataset)


def validate(loader, model):
    model.eval()
    with torch.no_grad():
        hits = sum((model(x).argmax(1) == y).sum().item() for x, y in loader)
    return hits / len(loader.dataset)


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    x_train, y_train = make_set(1200, rng)
    x_test, y_test = make_set(480, rng)
    mean, std = x_train.mean((0, 2, 3), keepdim=True), x_train.std((0, 2, 3), keepdim=True)
    train_loader = DataLoader(TensorDataset((x_train - mean) / std, y_train), batch_size=64, shuffle=True)
    test_loader = DataLoader(TensorDataset((x_test - mean) / std, y_test), batch_size=200)
    model = nn.Sequential(
        Block(3, 8, 1),
        Block(8, 16, 2),
        Block(16, 32, 2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(32, len(CLASSES)),
    )
    criterion = nn.CrossEntropyLoss()
    epochs = 8
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4, nesterov=True)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    for epoch in range(epochs):
        loss = train(train_loader, model, criterion, optimizer, rng)
        scheduler.step()
        print(f"Epoch [{epoch + 1}/{epochs}] loss {loss:.4f} top 1 {100 * validate(test_loader, model):.2f}")
    print(f"score: {validate(test_loader, model):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
