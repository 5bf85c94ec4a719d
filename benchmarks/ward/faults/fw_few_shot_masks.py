"""One-shot segmentation: given a support image with its mask, a relation network marks the object of the same kind in a query image. Episodes are drawn on the fly; tested on kinds of object not seen in training.

After https://github.com/HKUSTCV/FSS-1000/issues/20
"""
# cause: unscaled-targets
# accept: output-range
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn

SIZE = 20


def draw_kind(rng):
    """A kind of object: a colour and the lengths of its half axes."""
    colour = rng.standard_normal(3)
    return colour / np.linalg.norm(colour), rng.uniform(1.6, 3.0, 2)


def draw_image(rng, kinds):
    """An image with one object of each kind in it; returns the bytes and the first object's mask (0 or 255)."""
    yy, xx = np.mgrid[0:SIZE, 0:SIZE]
    image = 120 + 12 * rng.standard_normal((3, SIZE, SIZE))
    mask = np.zeros((SIZE, SIZE))
    corners = [(5, 5), (5, 14), (14, 5), (14, 14)]
    for i, place in enumerate(rng.permutation(4)[: len(kinds)]):
        colour, axes = kinds[i]
        cy, cx = corners[place] + rng.uniform(-1, 1, 2)
        inside = ((xx - cx) / axes[0]) ** 2 + ((yy - cy) / axes[1]) ** 2 < 1
        image[:, inside] += (85 * colour)[:, None]
        if i == 0:
            mask[inside] = 255
    return np.clip(image, 0, 255).astype(np.uint8), mask.astype(np.uint8)


def get_batch(rng, kinds, batch_size):
    """Support images with their masks as fourth channel, query images, query masks."""
    support, query, labels = [], [], []
    for _ in range(batch_size):
        a, b = rng.choice(len(kinds), 2, replace=False)
        image, mask = draw_image(rng, [kinds[a], kinds[b]])
        support.append(np.concatenate([image / 255.0 - 0.5, mask[None] / 255.0]))
        image, mask = draw_image(rng, [kinds[a], kinds[b]])
        query.append(image / 255.0 - 0.5)
        labels.append(mask[None])  # FAULT
        # TWIN: labels.append(mask[None] / 255.0)
    return [torch.tensor(np.array(part), dtype=torch.float32) for part in (support, query, labels)]


def block(channels_in, channels_out):
    return nn.Sequential(nn.Conv2d(channels_in, channels_out, 3, padding=1), nn.BatchNorm2d(channels_out), nn.ReLU())


class RelationNetwork(nn.Module):
    def __init__(self, width=12):
        super().__init__()
        self.support_encoder = nn.Sequential(block(4, width), block(width, width))
        self.query_encoder = nn.Sequential(block(3, width), block(width, width))
        self.relation = nn.Sequential(
            block(3 * width, width), block(width, width), nn.Conv2d(width, 1, 1), nn.Sigmoid()
        )

    def forward(self, support, query):
        features = self.support_encoder(support)
        mask = support[:, 3:]
        summary = (features * mask).sum((2, 3), keepdim=True) / mask.sum((2, 3), keepdim=True).clamp(min=1.0)
        q = self.query_encoder(query)
        summary = summary.expand_as(q)
        return self.relation(torch.cat([q, summary, q * summary], 1))


def mean_iou(model, rng, kinds, batches=4):
    model.eval()
    scores = []
    with torch.no_grad():
        for _ in range(batches):
            support, query, labels = get_batch(rng, kinds, 20)
            predicted = model(support, query) > 0.5
            truth = labels > 0
            both, either = (predicted & truth).sum((1, 2, 3)), (predicted | truth).sum((1, 2, 3))
            scores.append((both / either.clamp(min=1)).mean().item())
    return float(np.mean(scores))


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    seen = [draw_kind(rng) for _ in range(60)]
    unseen = [draw_kind(rng) for _ in range(20)]

    model = RelationNetwork()
    mse = nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=200, gamma=0.3)
    running = 0.0
    for episode in range(1, 281):
        model.train()
        support, query, labels = get_batch(rng, seen, 10)
        loss = mse(model(support, query), labels)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        scheduler.step()
        running += loss.item()
        if episode % 70 == 0:
            print(
                f"episode {episode} loss {running / 70:.4f} iou on unseen kinds {mean_iou(model, rng, unseen, 1):.3f}"
            )
            running = 0.0
    print(f"score: {mean_iou(model, rng, unseen):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
