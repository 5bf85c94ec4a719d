"""Roads in aerial tiles: a small fully convolutional network marks every pixel that belongs to one.

The loss adds up the pixels by hand, since tiles once came with masks of valid pixels.
"""
# cause: summed-loss
# accept: learning-rate-too-high
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

TILE, BATCH, EPOCHS, LR = 24, 16, 12, 0.05


def draw_tiles(rng, count):
    """Three bands of noisy country with one or two straight roads of a pixel and a half."""
    yy, xx = np.mgrid[:TILE, :TILE]
    images, masks = [], []
    for _ in range(count):
        image = rng.normal(0, 0.5, (3, TILE, TILE)) + rng.normal(0, 0.4, (3, 1, 1))
        mask = np.zeros((TILE, TILE), dtype=bool)
        for _ in range(rng.integers(1, 3)):
            angle, x, y = rng.uniform(0, np.pi), rng.uniform(6, 18), rng.uniform(6, 18)
            mask |= np.abs((xx - x) * np.sin(angle) - (yy - y) * np.cos(angle)) < 1.4
        image[:, mask] += np.array([0.9, 0.9, 0.7])[:, None]
        images.append(image)
        masks.append(mask)
    return torch.tensor(np.stack(images), dtype=torch.float32), torch.tensor(np.stack(masks), dtype=torch.float32)


def conv(n_in, n_out):
    return nn.Sequential(nn.Conv2d(n_in, n_out, 3, padding=1), nn.ReLU())


def build():
    return nn.Sequential(conv(3, 16), conv(16, 16), conv(16, 16), nn.Conv2d(16, 1, 1), nn.Flatten(0, 1))


def pixel_loss(logits, masks):
    each = F.binary_cross_entropy_with_logits(logits, masks, reduction="none")
    return each.sum()  # FAULT
    # TWIN: return each.mean()


def overlap(model, images, masks):
    with torch.no_grad():
        found = model(images) > 0
    truth = masks > 0.5
    return (found & truth).sum().item() / max((found | truth).sum().item(), 1)


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    train_images, train_masks = draw_tiles(rng, 480)
    test_images, test_masks = draw_tiles(rng, 120)
    mean, std = train_images.mean((0, 2, 3), keepdim=True), train_images.std((0, 2, 3), keepdim=True)
    train_images, test_images = (train_images - mean) / std, (test_images - mean) / std

    model = build()
    optimizer = torch.optim.SGD(model.parameters(), lr=LR, momentum=0.9, nesterov=True)
    for epoch in range(EPOCHS):
        order = torch.randperm(len(train_images))
        history = []
        for start in range(0, len(order), BATCH):
            picked = order[start : start + BATCH]
            optimizer.zero_grad()
            loss = pixel_loss(model(train_images[picked]), train_masks[picked])
            loss.backward()
            optimizer.step()
            history.append(loss.item())
        print(epoch + 1, f"loss {np.mean(history):.4f}", f"IoU {overlap(model, test_images, test_masks):.4f}")
    print(f"score: {overlap(model, test_images, test_masks):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
