"""A convolutional net with BatchNorm and in-place activations (ReLU6 and LeakyReLU), in the MobileNet manner."""

import sys

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)


def conv_bn(inp, oup, stride):
    return nn.Sequential(nn.Conv2d(inp, oup, 3, stride, 1, bias=False), nn.BatchNorm2d(oup), nn.ReLU6(inplace=True))


def depthwise(inp, oup, stride):
    return nn.Sequential(
        nn.Conv2d(inp, inp, 3, stride, 1, groups=inp, bias=False),
        nn.BatchNorm2d(inp),
        nn.LeakyReLU(0.1, inplace=True),
        nn.Conv2d(inp, oup, 1, bias=False),
        nn.BatchNorm2d(oup),
        nn.ReLU6(inplace=True),
    )


class TinyMobileNet(nn.Module):
    def __init__(self, num_classes=10):
        super().__init__()
        self.features = nn.Sequential(conv_bn(1, 16, 1), depthwise(16, 32, 2), depthwise(32, 64, 2))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(64, num_classes)

    def forward(self, x):
        return self.classifier(torch.flatten(self.pool(self.features(x)), 1))


def main(seed):
    torch.manual_seed(seed)
    digits = load_digits()
    x = torch.from_numpy(digits.images).float().unsqueeze(1).div(16).sub(0.5).div(0.5)
    y = torch.from_numpy(digits.target)
    train_idx, test_idx = train_test_split(range(len(y)), test_size=0.2, random_state=seed)
    train_loader = DataLoader(TensorDataset(x[train_idx], y[train_idx]), 64, shuffle=True)
    test_x, test_y = x[test_idx], y[test_idx]

    model = TinyMobileNet()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4, nesterov=True)
    epochs = 8
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(epochs):
        model.train()
        loss_sum = 0.0
        for images, target in train_loader:
            loss = criterion(model(images), target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            loss_sum += loss.item()
        scheduler.step()
        model.eval()
        with torch.no_grad():
            top1 = (model(test_x).argmax(dim=1) == test_y).float().mean().item()
        print(f"Epoch: {epoch} loss: {loss_sum / len(train_loader):.4f} top1: {100 * top1:.2f}")
    return top1


if __name__ == "__main__":
    print(f"score: {main(int(sys.argv[1]) if len(sys.argv) > 1 else 0):.4f}")
