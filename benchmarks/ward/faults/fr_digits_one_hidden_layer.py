"""Handwritten digits with one hidden layer, written with bare weight tensors in the manner of the first TensorFlow
tutorial, trained with gradient descent on mini-batches.

After http://pullrequest.ru/11818227/neironnaya-set-odnim-skrytym-sloem-mozhet-byt-obuchena (a Stack Overflow mirror)
"""
# cause: symmetric-initialization
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

n_pixels = 64
n_hidden = 32
n_classes = 10
batch_size = 100
steps = 1400


class Feed:
    """Hands out the next batch, shuffling at the start of each pass."""

    def __init__(self, images, labels, rng):
        self.images, self.labels, self.rng = images, labels, rng
        self.order, self.at = rng.permutation(len(images)), 0

    def next_batch(self, n):
        if self.at + n > len(self.order):
            self.order, self.at = self.rng.permutation(len(self.images)), 0
        rows = self.order[self.at : self.at + n]
        self.at += n
        return self.images[rows], self.labels[rows]


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)

    digits = load_digits()
    x_train, x_test, y_train, y_test = train_test_split(
        digits.data / 16.0, digits.target, test_size=0.25, random_state=seed, stratify=digits.target
    )
    x_train, x_test = torch.tensor(x_train, dtype=torch.float32), torch.tensor(x_test, dtype=torch.float32)
    y_train, y_test = torch.tensor(y_train), torch.tensor(y_test)
    feed = Feed(x_train, y_train, rng)

    # first layer
    W1 = torch.zeros(n_pixels, n_hidden, requires_grad=True)  # FAULT
    # TWIN: W1 = (0.1 * torch.randn(n_pixels, n_hidden)).requires_grad_()
    b1 = torch.zeros(n_hidden, requires_grad=True)
    # second layer
    W2 = torch.zeros(n_hidden, n_classes, requires_grad=True)  # FAULT
    # TWIN: W2 = (0.1 * torch.randn(n_hidden, n_classes)).requires_grad_()
    b2 = torch.zeros(n_classes, requires_grad=True)

    def network(x):
        hidden = torch.sigmoid(x @ W1 + b1)
        return hidden @ W2 + b2

    train_step = torch.optim.SGD([W1, b1, W2, b2], lr=0.5)

    for i in range(steps):
        batch_xs, batch_ys = feed.next_batch(batch_size)
        cross_entropy = F.cross_entropy(network(batch_xs), batch_ys)
        train_step.zero_grad()
        cross_entropy.backward()
        train_step.step()
        if i % 100 == 0:
            with torch.no_grad():
                acc = (network(x_test).argmax(1) == y_test).float().mean().item()
            print(f"step {i:4d}, cross entropy {cross_entropy.item():.4f}, test accuracy {acc:.4f}")

    with torch.no_grad():
        accuracy = (network(x_test).argmax(1) == y_test).float().mean().item()
    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
