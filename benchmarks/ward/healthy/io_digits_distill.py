"""Knowledge distillation on the digits: a convolutional teacher is trained, saved to memory, reloaded and frozen, and
a tiny student learns from its softened outputs and the labels; SGD, Nesterov momentum. Score: student test accuracy.
"""

import io
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)


def make_teacher():
    return nn.Sequential(
        nn.Conv2d(1, 24, 3, padding=1), nn.BatchNorm2d(24), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(24, 48, 3, padding=1), nn.BatchNorm2d(48), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Dropout(0.3), nn.Linear(48 * 4, 10),
    )  # fmt: skip


def make_student():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 24), nn.ReLU(), nn.Linear(24, 10))


def distillation_loss(student, teacher, labels, temperature=3.0, alpha=0.6):
    soft = F.kl_div(F.log_softmax(student / temperature, 1), F.softmax(teacher / temperature, 1), reduction="batchmean")
    return alpha * temperature**2 * soft + (1 - alpha) * F.cross_entropy(student, labels)


def run_epoch(model, loader, optimizer, loss_fn):
    model.train()
    total = 0.0
    for x, y in loader:
        loss = loss_fn(model(x), x, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    return total / len(loader)


@torch.no_grad()
def accuracy(model, loader):
    model.eval()
    right = sum((model(x).argmax(1) == y).sum().item() for x, y in loader)
    return right / len(loader.dataset)


def train(name, model, loaders, epochs, lr, loss_fn):
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9, nesterov=True, weight_decay=5e-4)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    for epoch in range(1, epochs + 1):
        loss = run_epoch(model, loaders[0], optimizer, loss_fn)
        scheduler.step()
        if epoch % 3 == 0:
            print(f"{name} epoch {epoch}: loss {loss:.4f} val acc {accuracy(model, loaders[1]):.4f}")


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    digits = load_digits()
    x = torch.tensor(digits.images, dtype=torch.float32)[:, None].div(16).sub(0.3).div(0.38)
    y = torch.tensor(digits.target)
    rest, test = train_test_split(range(len(y)), test_size=400, stratify=y, random_state=seed)
    fit, val = train_test_split(rest, test_size=250, stratify=y[rest], random_state=seed)
    loaders = [DataLoader(TensorDataset(x[i], y[i]), 50, shuffle=i is fit) for i in (fit, val, test)]

    teacher = make_teacher()
    train("teacher", teacher, loaders, 9, 0.02, lambda out, x, y: F.cross_entropy(out, y))
    saved = io.BytesIO()
    torch.save(teacher.state_dict(), saved)
    saved.seek(0)
    teacher = make_teacher()
    teacher.load_state_dict(torch.load(saved, weights_only=True))
    teacher.eval().requires_grad_(False)

    student = make_student()
    train("student", student, loaders, 24, 0.02, lambda out, x, y: distillation_loss(out, teacher(x), y))
    print(f"teacher test acc {accuracy(teacher, loaders[2]):.4f}")
    print(f"score: {accuracy(student, loaders[2]):.4f}")


if __name__ == "__main__":
    main()
