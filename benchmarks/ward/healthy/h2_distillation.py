"""Knowledge distillation (Hinton et al., 2015): a wide teacher, then a small student taught by the frozen teacher."""

import argparse

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)


def evaluate(model, loader):
    model.eval()
    correct = total = 0
    with torch.no_grad():
        for x, y in loader:
            correct += (model(x).argmax(1) == y).sum().item()
            total += y.size(0)
    return correct / total


def train_teacher(model, loader, epochs):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(epochs):
        model.train()
        for x, y in loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
        print(f"teacher epoch {epoch + 1} loss {loss.item():.4f}")


def distill(teacher, student, loader, epochs, temperature, alpha):
    teacher.eval()
    for p in teacher.parameters():
        p.requires_grad_(False)
    optimizer = torch.optim.Adam(student.parameters(), lr=3e-3)
    for epoch in range(epochs):
        student.train()
        total = 0.0
        for x, y in loader:
            soft_targets = F.softmax(teacher(x) / temperature, dim=-1)
            logits = student(x)
            soft_prob = F.log_softmax(logits / temperature, dim=-1)
            distill_loss = F.kl_div(soft_prob, soft_targets, reduction="batchmean") * temperature**2
            loss = alpha * distill_loss + (1 - alpha) * F.cross_entropy(logits, y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        print(f"student epoch {epoch + 1} loss {total / len(loader):.4f}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", type=int, nargs="?", default=0)
    parser.add_argument("--temperature", type=float, default=3.0)
    parser.add_argument("--alpha", type=float, default=0.7)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    x, y = load_digits(return_X_y=True)
    x, y = torch.tensor(x, dtype=torch.float32) / 16, torch.tensor(y)
    order = torch.randperm(len(x))
    x, y = x[order], y[order]
    train_loader = DataLoader(TensorDataset(x[:1300], y[:1300]), batch_size=64, shuffle=True)
    test_loader = DataLoader(TensorDataset(x[1300:], y[1300:]), batch_size=256)

    teacher = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Dropout(0.3), nn.Linear(256, 128), nn.ReLU())
    teacher.append(nn.Linear(128, 10))
    student = nn.Sequential(nn.Linear(64, 24), nn.ReLU(), nn.Linear(24, 10))
    train_teacher(teacher, train_loader, 10)
    print(f"teacher accuracy {evaluate(teacher, test_loader):.4f}")
    distill(teacher, student, train_loader, 15, args.temperature, args.alpha)
    print(f"score: {evaluate(student, test_loader):.4f}")


if __name__ == "__main__":
    main()
