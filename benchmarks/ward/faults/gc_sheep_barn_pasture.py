"""Fine-tunes a sheep-posture classifier from barn cameras for pasture cameras with 240 labelled pictures.

The first layers stay as they were in the barn; the last block and a new
head learn, the head ten times faster.
"""
# cause: batch-norm-drift
# kind: structural

import sys

import numpy as np
import torch
import torch.nn as nn

POSTURES, SIZE = 4, 18


def pictures(count, place, rng):
    """A body, a head and legs or none; on the pasture there is grass and the sheep may face either way."""
    rows, columns = np.mgrid[:SIZE, :SIZE].astype(float)
    images, labels = np.zeros((count, SIZE, SIZE)), rng.integers(0, POSTURES, count)
    for i, posture in enumerate(labels):
        image = rng.normal(scale=0.15, size=(SIZE, SIZE))
        if place == "pasture":
            image += 0.25 * np.sin(columns * rng.uniform(1.5, 2.5) + rng.uniform(0, 6))
        y, x = 8 + rng.uniform(-2, 2), 8 + rng.uniform(-2, 2)
        image += np.exp(-(((rows - y) / 2.6) ** 2) - ((columns - x) / 4.2) ** 2)  # body
        head = (y + 3.5 if posture in (1, 3) else y - 3.5, x + 4.5)  # grazing and sleeping: head low
        image += np.exp(-(((rows - head[0]) / 1.4) ** 2) - ((columns - head[1]) / 1.4) ** 2)
        if posture in (0, 1):  # standing and grazing: legs
            for leg in (-2.5, 2.5):
                image += 0.9 * np.exp(-(((rows - y - 4) / 1.8) ** 2) - ((columns - x - leg) / 0.7) ** 2)
        if place == "pasture" and rng.random() < 0.5:
            image = image[:, ::-1]
        images[i] = image if place == "barn" else 0.8 * image + 0.1
    return torch.tensor((images - 0.2) / 0.4, dtype=torch.float32).unsqueeze(1), torch.from_numpy(labels)


def block(before, width):
    return nn.Sequential(nn.Conv2d(before, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(2))


class PostureNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, self.middle, self.last = block(1, 12), block(12, 24), block(24, 32)
        self.head = nn.Linear(32 * 4, POSTURES)

    def forward(self, x):
        return self.head(self.last(self.middle(self.stem(x))).flatten(1))


def quiet_norms(model):
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()


def fit(model, optimizer, x, y, epochs, batch, frozen_norms=False):
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    for epoch in range(epochs):
        # TWIN: model.train()
        if frozen_norms:
            quiet_norms(model)
        model.train()  # FAULT
        losses = []
        for rows in torch.randperm(len(x)).split(batch):
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        scheduler.step()
        if epoch % 3 == 2:
            print(f"  epoch {epoch + 1}: loss {np.mean(losses):.4f}")


@torch.no_grad()
def accuracy(model, x, y):
    model.eval()
    return (model(x).argmax(1) == y).float().mean().item()


if __name__ == "__main__":
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    barn, pasture = pictures(2000, "barn", rng), pictures(240, "pasture", rng)
    held_out = pictures(600, "pasture", rng)

    model = PostureNet()
    print("barn")
    fit(model, torch.optim.Adam(model.parameters(), lr=2e-3), *barn, epochs=6, batch=50)
    print(f"pasture before tuning: {accuracy(model, *held_out):.4f}")

    for part in (model.stem, model.middle):
        part.requires_grad_(False)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.requires_grad_(False)
    model.head = nn.Linear(32 * 4, POSTURES)
    groups = [
        {"params": [p for p in model.last.parameters() if p.requires_grad], "lr": 5e-4},
        {"params": model.head.parameters(), "lr": 5e-3},
    ]
    print("pasture")
    fit(model, torch.optim.Adam(groups), *pasture, epochs=24, batch=24, frozen_norms=True)
    print(f"score: {accuracy(model, *held_out):.4f}")
