"""Fine-tuning: a residual network is trained on a large source set of textured patterns; its body is then adapted to a small
two-class target set, the new output layer with ten times the body's learning rate, and compared with training from scratch.

After "Fine-Tuning" (hot dog recognition) of Dive into Deep Learning, https://d2l.ai/chapter_computer-vision/fine-tuning.html
"""

import copy
import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def gratings(specs, labels, rng, size=16):
    """Colour images of noisy stripes; a spec is (angle, frequency, second angle or None)."""
    yy, xx = np.mgrid[:size, :size] / size
    images = []
    for k in labels:
        angle, freq, second = specs[k]
        angle = angle + rng.normal(0, 0.08)
        wave = np.sin(2 * np.pi * freq * (xx * np.cos(angle) + yy * np.sin(angle)) + rng.uniform(0, 6.28))
        if second is not None:
            wave = wave * np.sin(2 * np.pi * freq * (xx * np.cos(second) + yy * np.sin(second)) + rng.uniform(0, 6.28))
        tint, base = rng.uniform(0.3, 1.0, 3), rng.uniform(-0.5, 0.5, 3)
        images.append(wave[None] * tint[:, None, None] + base[:, None, None] + rng.normal(0, 0.9, (3, size, size)))
    return torch.tensor(np.array(images), dtype=torch.float32)


def balanced(n, classes, rng):
    return rng.permutation(np.arange(n) % classes)


class Residual(nn.Module):
    def __init__(self, n_in, n_out, stride=1):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(n_in, n_out, 3, stride, 1), nn.BatchNorm2d(n_out)
        self.conv2, self.bn2 = nn.Conv2d(n_out, n_out, 3, 1, 1), nn.BatchNorm2d(n_out)
        self.skip = nn.Conv2d(n_in, n_out, 1, stride)

    def forward(self, x):
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(y + self.skip(x))


def resnet(num_classes):
    net = nn.Sequential()
    net.add_module(
        "body",
        nn.Sequential(
            nn.Conv2d(3, 12, 3, 2, 1),
            nn.BatchNorm2d(12),
            nn.ReLU(),
            Residual(12, 16),
            Residual(16, 32, 2),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        ),
    )
    net.add_module("fc", nn.Linear(32, num_classes))
    return net


def accuracy(net, data_iter):
    net.eval()
    with torch.no_grad():
        return sum((net(x).argmax(1) == y).sum().item() for x, y in data_iter) / len(data_iter.dataset)


def train(net, train_iter, test_iter, trainer, num_epochs, name):
    loss = nn.CrossEntropyLoss()
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(trainer, num_epochs * len(train_iter))
    for epoch in range(num_epochs):
        net.train()
        total, hits, n = 0.0, 0, 0
        for x, y in train_iter:
            trainer.zero_grad()
            y_hat = net(x)
            l = loss(y_hat, y)
            l.backward()
            trainer.step()
            scheduler.step()
            total, hits, n = total + l.item() * len(y), hits + (y_hat.argmax(1) == y).sum().item(), n + len(y)
        if (epoch + 1) % 2 == 0:
            print(
                f"{name} epoch {epoch + 1}: loss {total / n:.3f}, train acc {hits / n:.3f}, "
                f"test acc {accuracy(net, test_iter):.3f}"
            )
    return accuracy(net, test_iter)


def train_fine_tuning(net, train_iter, test_iter, learning_rate, num_epochs=8, param_group=True, name=""):
    if param_group:
        trainer = torch.optim.SGD(
            [{"params": net.body.parameters()}, {"params": net.fc.parameters(), "lr": learning_rate * 10}],
            lr=learning_rate,
            momentum=0.9,
            weight_decay=0.001,
        )
    else:
        trainer = torch.optim.SGD(net.parameters(), lr=learning_rate, momentum=0.9, weight_decay=0.001)
    return train(net, train_iter, test_iter, trainer, num_epochs, name)


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    source = [(a, f, None) for a in np.arange(4) * np.pi / 4 for f in (2.0, 4.0)]
    source += [(a, 3.0, a + np.pi / 2) for a in (0.0, np.pi / 4)]
    target = [(np.pi / 8, 3.0, None), (np.pi / 8, 3.0, np.pi / 8 + np.pi / 2)]

    def loader(specs, n, batch, shuffle):
        labels = balanced(n, len(specs), rng)
        return DataLoader(
            TensorDataset(gratings(specs, labels, rng), torch.tensor(labels)), batch_size=batch, shuffle=shuffle
        )

    source_train, source_test = loader(source, 1200, 64, True), loader(source, 200, 100, False)
    pretrained = resnet(len(source))
    trainer = torch.optim.SGD(pretrained.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4)
    train(pretrained, source_train, source_test, trainer, 8, "source")

    target_train, target_test = loader(target, 80, 16, True), loader(target, 300, 100, False)
    finetune_net = copy.deepcopy(pretrained)
    finetune_net.fc = nn.Linear(finetune_net.fc.in_features, 2)
    nn.init.xavier_uniform_(finetune_net.fc.weight)
    tuned = train_fine_tuning(finetune_net, target_train, target_test, 5e-3, name="fine-tuned")
    scratch = train_fine_tuning(resnet(2), target_train, target_test, 2e-2, param_group=False, name="scratch")
    print(f"from scratch {scratch:.4f}, fine-tuned {tuned:.4f}")
    print(f"score: {tuned:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
