"""Finds fluorescent particles in small microscope-like images: a fully convolutional network gives, for each
pixel, a score for "the centre of a particle is here".
"""
# cause: nonlinear-logits
# kind: dynamic

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

SIZE = 20


def render(n, g):
    """Blobs of varying brightness over an uneven background, plus streaks that are not particles."""
    grid = torch.arange(SIZE, dtype=torch.float32)
    images = 0.15 * torch.randn(n, SIZE, SIZE, generator=g)
    images += 0.4 * torch.rand(n, 1, 1, generator=g) * grid.view(1, 1, -1) / SIZE
    centres = torch.zeros(n, SIZE, SIZE)
    for i in range(n):
        for _ in range(int(torch.randint(1, 5, (1,), generator=g))):
            r, c = torch.randint(2, SIZE - 2, (2,), generator=g).tolist()
            light = 0.9 + 0.8 * torch.rand(1, generator=g)
            images[i] += light * torch.exp(-((grid[:, None] - r) ** 2 + (grid[None] - c) ** 2) / 2.5)
            centres[i, r, c] = 1.0
        row = int(torch.randint(0, SIZE, (1,), generator=g))
        images[i, row] += 0.7
    return images.unsqueeze(1), centres.unsqueeze(1)


def conv_relu(n_in, n_out, kernel=3):
    return nn.Sequential(nn.Conv2d(n_in, n_out, kernel, padding=kernel // 2), nn.ReLU())


class Spotter(nn.Module):
    def __init__(self, width=16):
        super().__init__()
        self.features = nn.Sequential(conv_relu(1, width, 5), conv_relu(width, width), conv_relu(width, width))
        self.score = conv_relu(width, 1, kernel=1)  # FAULT
        # TWIN: self.score = nn.Conv2d(width, 1, 1)

    def forward(self, image):
        return self.score(self.features(image))


def dice_f1(model, images, centres, threshold=0.5):
    """F1 of the local maxima above the threshold, with one pixel of tolerance."""
    model.eval()
    with torch.no_grad():
        p = torch.sigmoid(model(images))
    model.train()
    peaks = (p == F.max_pool2d(p, 3, 1, 1)) & (p > threshold)
    near_truth = F.max_pool2d(centres, 3, 1, 1) > 0
    near_peak = F.max_pool2d(peaks.float(), 3, 1, 1) > 0
    precision = (peaks & near_truth).sum() / peaks.sum().clamp(min=1)
    recall = (near_peak & (centres > 0)).sum() / centres.sum()
    return (2 * precision * recall / (precision + recall).clamp(min=1e-8)).item()


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    g = torch.Generator().manual_seed(seed)
    x_train, y_train = render(700, g)
    x_val, y_val = render(100, g)
    x_test, y_test = render(150, g)

    model = Spotter()
    optimizer = torch.optim.NAdam(model.parameters(), lr=2e-3)
    # centres are rare, so a hit counts more than an empty pixel
    criterion = nn.BCEWithLogitsLoss(pos_weight=torch.tensor(3.0))

    batch = 20
    for epoch in range(1, 10):
        mean = 0.0
        for rows in torch.randperm(len(x_train), generator=g).split(batch):
            optimizer.zero_grad()
            loss = criterion(model(x_train[rows]), y_train[rows])
            loss.backward()
            optimizer.step()
            mean += loss.item() * len(rows) / len(x_train)
        print(f"epoch {epoch}: loss {mean:.4f}, val F1 {dice_f1(model, x_val, y_val):.3f}")

    print(f"score: {dice_f1(model, x_test, y_test):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
