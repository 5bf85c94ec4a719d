"""Softmax with center loss on the digits: two optimizers, the one of the centers with its gradients rescaled.

After https://github.com/KaiyangZhou/pytorch-center-loss (Wen et al. 2016).
"""

import sys
from types import SimpleNamespace

import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.optim import lr_scheduler
from torch.utils.data import DataLoader, TensorDataset


class AverageMeter:
    def __init__(self):
        self.sum = self.count = 0

    def update(self, val, n=1):
        self.sum += val * n
        self.count += n

    @property
    def avg(self):
        return self.sum / self.count


class CenterLoss(nn.Module):
    """Half the squared distance of each feature to the center of its class."""

    def __init__(self, num_classes, feat_dim):
        super().__init__()
        self.centers = nn.Parameter(torch.randn(num_classes, feat_dim))

    def forward(self, features, labels):
        return 0.5 * (features - self.centers[labels]).pow(2).sum(1).mean()


class Net(nn.Module):
    def __init__(self, feat_dim=16, num_classes=10):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(64, 128), nn.PReLU(), nn.Linear(128, 64), nn.PReLU())
        self.feat = nn.Linear(64, feat_dim)
        self.act = nn.PReLU()
        self.cls = nn.Linear(feat_dim, num_classes)

    def forward(self, x):
        features = self.act(self.feat(self.body(x)))
        return features, self.cls(features)


def train(args, model, xent, cent, opt_model, opt_cent, loader):
    model.train()
    xent_losses, cent_losses = AverageMeter(), AverageMeter()
    for data, labels in loader:
        features, outputs = model(data)
        loss_xent = xent(outputs, labels)
        loss_cent = cent(features, labels)
        loss = loss_xent + args.weight_cent * loss_cent
        opt_model.zero_grad()
        opt_cent.zero_grad()
        loss.backward()
        opt_model.step()
        for p in cent.parameters():  # the weight must not slow the centers down
            p.grad.data *= 1.0 / args.weight_cent
        opt_cent.step()
        xent_losses.update(loss_xent.item(), len(labels))
        cent_losses.update(loss_cent.item(), len(labels))
    return xent_losses.avg, cent_losses.avg


@torch.no_grad()
def test(model, loader):
    model.eval()
    correct = total = 0
    for data, labels in loader:
        correct += (model(data)[1].argmax(1) == labels).sum().item()
        total += len(labels)
    return correct / total


def main(seed):
    args = SimpleNamespace(
        batch_size=64, lr_model=1e-3, lr_cent=0.5, weight_cent=0.02, max_epoch=24, stepsize=10, gamma=0.5
    )
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    x, y = load_digits(return_X_y=True)
    x = torch.tensor(x / 8.0 - 1.0, dtype=torch.float32)
    y = torch.tensor(y)
    tr, te = train_test_split(range(len(y)), test_size=0.25, stratify=y, random_state=seed)
    trainloader = DataLoader(TensorDataset(x[tr], y[tr]), batch_size=args.batch_size, shuffle=True)
    testloader = DataLoader(TensorDataset(x[te], y[te]), batch_size=256)

    model = Net()
    xent, cent = nn.CrossEntropyLoss(), CenterLoss(10, 16)
    opt_model = torch.optim.RMSprop(model.parameters(), lr=args.lr_model)
    opt_cent = torch.optim.SGD(cent.parameters(), lr=args.lr_cent)
    scheduler = lr_scheduler.StepLR(opt_model, step_size=args.stepsize, gamma=args.gamma)
    for epoch in range(args.max_epoch):
        loss_x, loss_c = train(args, model, xent, cent, opt_model, opt_cent, trainloader)
        scheduler.step()
        if (epoch + 1) % 4 == 0:
            print(f"==> Epoch {epoch + 1}/{args.max_epoch}  XentLoss {loss_x:.4f}  CenterLoss {loss_c:.4f}")
    acc = test(model, testloader)
    print(f"Accuracy (%): {100 * acc:.2f}\t Error rate (%): {100 - 100 * acc:.2f}")
    print(f"score: {acc:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
