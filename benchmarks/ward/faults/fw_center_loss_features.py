"""Discriminative features for digits: softmax loss plus center loss on a low-dimensional embedding, used afterwards to recognise digits by their nearest center.

After https://github.com/KaiyangZhou/pytorch-center-loss/issues/11
"""
# cause: parameters-not-in-optimizer
# kind: dynamic

import sys

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.nn import functional as F


class CenterLoss(nn.Module):
    """Mean squared distance of the features to the (learned) center of their class."""

    def __init__(self, num_classes, feat_dim):
        super().__init__()
        self.centers = nn.Parameter(torch.randn(num_classes, feat_dim))

    def forward(self, features, labels):
        return (features - self.centers[labels]).pow(2).sum(1).clamp(1e-12, 1e12).mean()


class ConvNet(nn.Module):
    def __init__(self, num_classes, feat_dim):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.prelu1, self.prelu2, self.prelu3 = nn.PReLU(), nn.PReLU(), nn.PReLU()
        self.fc1 = nn.Linear(32 * 2 * 2, 64)
        self.fc2 = nn.Linear(64, feat_dim)
        self.fc3 = nn.Linear(feat_dim, num_classes)

    def forward(self, x):
        x = F.max_pool2d(self.prelu1(self.conv1(x)), 2)
        x = F.max_pool2d(self.prelu2(self.conv2(x)), 2)
        features = self.fc2(self.prelu3(self.fc1(x.flatten(1))))
        return features, self.fc3(features)


def nearest_center_accuracy(model, center_loss, images, labels):
    model.eval()
    with torch.no_grad():
        features, _ = model(images)
        nearest = torch.cdist(features, center_loss.centers).argmin(1)
    return (nearest == labels).float().mean().item()


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    digits = load_digits()
    train_x, test_x, train_y, test_y = train_test_split(
        digits.images / 16.0, digits.target, test_size=0.25, stratify=digits.target, random_state=seed
    )
    train_x = torch.tensor(train_x, dtype=torch.float32).unsqueeze(1)
    test_x = torch.tensor(test_x, dtype=torch.float32).unsqueeze(1)
    train_y, test_y = torch.tensor(train_y), torch.tensor(test_y)

    num_classes, feat_dim, weight_cent = 10, 2, 0.1
    model = ConvNet(num_classes, feat_dim)
    criterion_xent = nn.CrossEntropyLoss()
    criterion_cent = CenterLoss(num_classes, feat_dim)
    params = [{"params": model.parameters()}]  # FAULT
    # TWIN: params = [{"params": model.parameters()}, {"params": criterion_cent.parameters(), "lr": 0.03}]
    optimizer = torch.optim.Adam(params, lr=3e-3)

    for epoch in range(1, 19):
        model.train()
        xent_sum = cent_sum = 0.0
        for index in torch.randperm(len(train_x)).split(50):
            features, outputs = model(train_x[index])
            loss_xent = criterion_xent(outputs, train_y[index])
            loss_cent = criterion_cent(features, train_y[index])
            loss = loss_xent + weight_cent * loss_cent
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            xent_sum += loss_xent.item() * len(index)
            cent_sum += loss_cent.item() * len(index)
        if epoch % 3 == 0:
            print(
                f"==> Epoch {epoch}/18  XentLoss {xent_sum / len(train_x):.4f}  CenterLoss {cent_sum / len(train_x):.4f}"
                f"  test acc {nearest_center_accuracy(model, criterion_cent, test_x, test_y):.3f}"
            )
    print(f"score: {nearest_center_accuracy(model, criterion_cent, test_x, test_y):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
