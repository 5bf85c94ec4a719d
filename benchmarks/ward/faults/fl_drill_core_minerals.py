"""Names the mineral of every pixel of a drill core's photograph: a small fully convolutional net, four minerals."""
# cause: softmax-wrong-axis
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

SIZE, MINERALS = 16, 4


def photographs(n, rng):
    """Seams of mineral: the colour differs a little between minerals, and so does the grain."""
    colours = np.array([[0.6, 0.3, 0.2], [0.4, 0.45, 0.3], [0.3, 0.3, 0.5], [0.5, 0.5, 0.5]]) * 2 - 0.8
    field = rng.normal(size=(n, MINERALS, 4, 4)).repeat(4, 2).repeat(4, 3)
    field[:, 1:, :, :] -= np.array([0.2, 0.5, 0.8])[:, None, None]
    labels = field.argmax(1)
    images = colours[labels].transpose(0, 3, 1, 2) + 0.45 * rng.normal(size=(n, 3, SIZE, SIZE))
    return torch.tensor(images, dtype=torch.float32), torch.tensor(labels)


class CoreNet(nn.Module):
    def __init__(self, width=20):
        super().__init__()
        self.first = nn.Conv2d(3, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        self.third = nn.Conv2d(width, width, 3, padding=1)
        self.classes = nn.Conv2d(width, MINERALS, 1)

    def forward(self, x):
        x = F.relu(self.first(x))
        x = F.relu(self.second(x)) + x
        x = F.relu(self.third(x)) + x
        return F.log_softmax(self.classes(x), dim=-1)  # FAULT
        # TWIN: return F.log_softmax(self.classes(x), dim=1)


def pixel_accuracy(net, images, labels):
    net.eval()
    with torch.no_grad():
        named = net(images).argmax(1)
    net.train()
    return (named == labels).float().mean().item()


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    images, labels = photographs(500, rng)
    held_images, held_labels = photographs(120, rng)
    net = CoreNet()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, nesterov=True)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=10)
    for epoch in range(10):
        seen = 0.0
        for rows in torch.randperm(len(images)).split(20):
            optimizer.zero_grad()
            loss = F.nll_loss(net(images[rows]), labels[rows])
            loss.backward()
            optimizer.step()
            seen += loss.item() * len(rows)
        scheduler.step()
        accuracy = pixel_accuracy(net, held_images, held_labels)
        print(f"epoch {epoch + 1:2d} loss {seen / len(images):.4f} held-out pixels {accuracy:.4f}")
    print(f"score: {accuracy:.4f}")


main()
