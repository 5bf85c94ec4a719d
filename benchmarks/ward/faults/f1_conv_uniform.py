"""A small CNN on 8x8 digits with hand-set convolution weights.

The uniform range was typed as (-0.3, 0) instead of (-0.3, 0.3): with pixels in [0, 1] every ReLU of the first layer is
off from the first step on.
"""
# cause: dead-units
# accept: bad-initialization
# kind: dynamic

import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

LOW, HIGH = -0.3, 0.0  # FAULT
# TWIN: LOW, HIGH = -0.3, 0.3


def make_net():
    net = nn.Sequential(
        nn.Conv2d(1, 12, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(12, 24, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(24 * 2 * 2, 10),
    )
    for m in net.modules():
        if isinstance(m, nn.Conv2d):
            nn.init.uniform_(m.weight, LOW, HIGH)
            nn.init.zeros_(m.bias)
    return net


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    digits = load_digits()
    images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16
    labels = torch.tensor(digits.target)
    order = torch.randperm(len(labels))
    train, test = order[:1350], order[1350:]

    net = make_net()
    opt = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    for epoch in range(12):
        shuffled = train[torch.randperm(len(train))]
        epoch_loss = 0.0
        for batch in shuffled.split(45):
            opt.zero_grad()
            loss = F.nll_loss(F.log_softmax(net(images[batch]), dim=1), labels[batch])
            loss.backward()
            opt.step()
            epoch_loss += loss.item() * len(batch)
        print(f"epoch {epoch + 1:2d} | loss {epoch_loss / len(train):.4f}")

    with torch.no_grad():
        pred = net(images[test]).argmax(1)
    print("score:", round(pred.eq(labels[test]).float().mean().item(), 4))


if __name__ == "__main__":
    main()
