"""A thin student network learns the digits with help of a wide teacher: cross entropy plus attention transfer, where the
normalised spatial activation maps of the student's groups are pulled towards the teacher's.

After https://github.com/szagoruyko/attention-transfer (Zagoruyko & Komodakis 2017).
"""

import random
import sys

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def conv_bn(n_in, n_out, stride=1):
    return nn.Sequential(nn.Conv2d(n_in, n_out, 3, stride, 1, bias=False), nn.BatchNorm2d(n_out), nn.ReLU())


class Net(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.group0 = conv_bn(1, width)
        self.group1 = conv_bn(width, 2 * width, stride=2)
        self.group2 = conv_bn(2 * width, 4 * width, stride=2)
        self.fc = nn.Linear(4 * width, 10)

    def forward(self, x):
        g0 = self.group0(x)
        g1 = self.group1(g0)
        g2 = self.group2(g1)
        return self.fc(g2.mean(dim=(2, 3))), (g0, g1, g2)


def attention(x):
    return F.normalize(x.pow(2).mean(1).flatten(1))


def at_loss(x, y):
    return (attention(x) - attention(y)).pow(2).sum(1).mean()


@torch.no_grad()
def evaluate(net, loader):
    net.eval()
    correct = sum((net(x)[0].argmax(1) == y).sum().item() for x, y in loader)
    return correct / len(loader.dataset)


def train(net, loader, test_loader, epochs, lr, teacher=None, beta=10.0, name=""):
    optimizer = torch.optim.SGD(net.parameters(), lr=lr, momentum=0.9, nesterov=True, weight_decay=5e-4)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [int(0.6 * epochs), int(0.85 * epochs)], gamma=0.2)
    for epoch in range(epochs):
        net.train()
        total_ce, total_at = 0.0, 0.0
        for x, y in loader:
            logits, groups = net(x)
            ce = F.cross_entropy(logits, y)
            at = torch.zeros(())
            if teacher is not None:
                with torch.no_grad():
                    _, teacher_groups = teacher(x)
                at = sum(at_loss(s, t) for s, t in zip(groups, teacher_groups))
            loss = ce + beta / 2 * at
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total_ce += ce.item() * len(x)
            total_at += at.item() * len(x)
        scheduler.step()
        if (epoch + 1) % 2 == 0:
            n = len(loader.dataset)
            print(
                f"{name} epoch {epoch + 1}: ce {total_ce / n:.3f}, at {total_at / n:.4f}, "
                f"test accuracy {evaluate(net, test_loader):.4f}"
            )


def main(seed):
    random.seed(seed), np.random.seed(seed), torch.manual_seed(seed)
    torch.set_num_threads(1)
    images, labels = load_digits(return_X_y=True)
    x_train, x_test, y_train, y_test = train_test_split(
        images, labels, test_size=0.3, stratify=labels, random_state=seed
    )
    mean, std = x_train.mean(), x_train.std()

    def dataset(x, y):
        x = torch.tensor((x - mean) / std, dtype=torch.float32).view(-1, 1, 8, 8)
        return TensorDataset(x, torch.tensor(y))

    loader = DataLoader(dataset(x_train, y_train), batch_size=64, shuffle=True)
    test_loader = DataLoader(dataset(x_test, y_test), batch_size=256)

    teacher = Net(10)
    train(teacher, loader, test_loader, epochs=6, lr=0.05, name="teacher")
    teacher.eval()
    teacher.requires_grad_(False)

    student = Net(5)
    train(student, loader, test_loader, epochs=12, lr=0.1, teacher=teacher, name="student")
    accuracy = evaluate(student, test_loader)
    print(f"teacher {evaluate(teacher, test_loader):.4f}, student {accuracy:.4f}")
    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
