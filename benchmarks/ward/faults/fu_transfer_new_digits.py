"""Transfer learning: a convolutional network is first trained on the digits 0 to 4, then its body is kept and a
new head is trained for the digits 5 to 9, which come from another scanner (paler, on grey paper).

After https://forums.fast.ai/t/transfer-learning-in-fast-ai-how-does-the-magic-work/55620/21
"""
# cause: frozen-parameters
# accept: training-in-eval-mode
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def make_body():
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 32, 3, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
    )


def other_scanner(images, rng):
    return 0.75 - 0.25 * images + rng.normal(0, 0.02, size=images.shape)


def split(images, labels, seed):
    x_train, x_test, y_train, y_test = train_test_split(
        images, labels, test_size=0.3, random_state=seed, stratify=labels
    )
    train = TensorDataset(torch.tensor(x_train, dtype=torch.float32)[:, None], torch.tensor(y_train))
    test = TensorDataset(torch.tensor(x_test, dtype=torch.float32)[:, None], torch.tensor(y_test))
    return DataLoader(train, batch_size=32, shuffle=True), DataLoader(test, batch_size=256)


def accuracy(model, loader):
    model.eval()
    with torch.no_grad():
        hits = sum((model(x).argmax(1) == y).sum().item() for x, y in loader)
    return hits / len(loader.dataset)


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)

    digits = load_digits()
    images, labels = digits.images / 16.0, digits.target
    old = labels < 5
    old_train, old_test = split(images[old], labels[old], seed)
    new_train, new_test = split(other_scanner(images[~old], rng), labels[~old] - 5, seed)

    body = make_body()
    pretrained = nn.Sequential(body, nn.Linear(128, 5))
    optimizer = torch.optim.Adam(pretrained.parameters(), lr=2e-3)
    for epoch in range(6):
        pretrained.train()
        for x, y in old_train:
            optimizer.zero_grad()
            F.cross_entropy(pretrained(x), y).backward()
            optimizer.step()
    print(f"pretrained on 0-4: accuracy {accuracy(pretrained, old_test):.4f}")

    model = nn.Sequential(body, nn.Linear(128, 5))
    for p in body.parameters():
        p.requires_grad = False
    # TWIN: for layer in body:
    # TWIN:     if isinstance(layer, nn.BatchNorm2d):
    # TWIN:         layer.requires_grad_(True)
    trainable = [p for p in model.parameters() if p.requires_grad]
    print("trainable tensors:", len(trainable))

    optimizer = torch.optim.Adam(trainable, lr=3e-3)
    for epoch in range(8):
        model.train()
        body.eval()  # FAULT
        total = 0.0
        for x, y in new_train:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            total += loss.item()
        print(f"epoch {epoch + 1}: loss {total / len(new_train):.4f} valid accuracy {accuracy(model, new_test):.4f}")

    print(f"score: {accuracy(model, new_test):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
