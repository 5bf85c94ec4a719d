"""Plain SGD at learning rate 0.5, which batch norm makes comfortable: a digits CNN with batch norm after every
convolution and a step decay by five after epochs 4 and 7.
"""
# cause: nonlinear-logits
# kind: dynamic

import sys

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def conv_bn(c_in, c_out, stride=1):
    return nn.Sequential(
        nn.Conv2d(c_in, c_out, kernel_size=3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(c_out),
        nn.ReLU(inplace=True),
    )


def accuracy(model, loader):
    model.eval()
    correct = total = 0
    with torch.no_grad():
        for images, labels in loader:
            _, predicted = torch.max(model(images), 1)
            total += labels.size(0)
            correct += (predicted == labels).sum().item()
    return correct / total


def main():
    torch.set_num_threads(1)
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    digits = load_digits()
    tr_x, te_x, tr_y, te_y = train_test_split(digits.images, digits.target, test_size=0.2, random_state=seed)
    mean, std = tr_x.mean(), tr_x.std()
    tr_x = torch.tensor((tr_x - mean) / std, dtype=torch.float32).unsqueeze(1)
    te_x = torch.tensor((te_x - mean) / std, dtype=torch.float32).unsqueeze(1)
    train_loader = DataLoader(TensorDataset(tr_x, torch.tensor(tr_y)), batch_size=64, shuffle=True)
    test_loader = DataLoader(TensorDataset(te_x, torch.tensor(te_y)), batch_size=180)

    model = nn.Sequential(
        conv_bn(1, 12),
        conv_bn(12, 24, stride=2),
        conv_bn(24, 32),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(32, 10),
        nn.ReLU(inplace=True),  # FAULT
    )
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[4, 7], gamma=0.2)
    for epoch in range(9):
        model.train()
        running_loss = 0.0
        for images, labels in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(images), labels)
            loss.backward()
            optimizer.step()
            running_loss += loss.item()
        scheduler.step()
        acc = accuracy(model, test_loader)
        print(f"[epoch {epoch + 1}] loss: {running_loss / len(train_loader):.3f}, test accuracy: {100 * acc:.2f} %")
    print(f"score: {acc:.4f}")


if __name__ == "__main__":
    main()
