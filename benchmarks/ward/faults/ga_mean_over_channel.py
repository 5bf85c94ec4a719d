"""A small DenseNet (bottleneck layers, transition layers, growth rate) on digits with shift augmentation, AdamW and step decay.

After Tutorial 5 (Inception, ResNet and DenseNet) of the UvA deep learning notebooks,
https://uvadlc-notebooks.readthedocs.io/en/latest/tutorial_notebooks/tutorial5/Inception_ResNet_DenseNet.html
"""
# cause: constant-inputs
# kind: dynamic

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split


class DenseLayer(nn.Module):
    def __init__(self, c_in, bn_size, growth):
        super().__init__()
        self.net = nn.Sequential(
            nn.BatchNorm2d(c_in),
            nn.ReLU(),
            nn.Conv2d(c_in, bn_size * growth, kernel_size=1, bias=False),
            nn.BatchNorm2d(bn_size * growth),
            nn.ReLU(),
            nn.Conv2d(bn_size * growth, growth, kernel_size=3, padding=1, bias=False),
        )

    def forward(self, x):
        return torch.cat([self.net(x), x], dim=1)


class DenseNet(nn.Module):
    def __init__(self, num_classes=10, num_layers=(3, 3), bn_size=2, growth=8):
        super().__init__()
        c = growth * bn_size
        self.input_net = nn.Conv2d(1, c, kernel_size=3, padding=1)
        blocks = []
        for i, n in enumerate(num_layers):
            for _ in range(n):
                blocks.append(DenseLayer(c, bn_size, growth))
                c += growth
            if i < len(num_layers) - 1:  # transition halves channels and resolution
                blocks += [nn.BatchNorm2d(c), nn.ReLU(), nn.Conv2d(c, c // 2, 1, bias=False), nn.AvgPool2d(2)]
                c //= 2
        self.blocks = nn.Sequential(*blocks)
        self.output_net = nn.Sequential(
            nn.BatchNorm2d(c), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(c, num_classes)
        )
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, nonlinearity="relu")
            elif isinstance(m, nn.BatchNorm2d):
                nn.init.constant_(m.weight, 1)
                nn.init.constant_(m.bias, 0)

    def forward(self, x):
        return self.output_net(self.blocks(self.input_net(x)))


class CIFARModule:
    """Optimizer, scheduler and steps around a network."""

    def __init__(self, model, lr, weight_decay, milestones):
        self.model, self.loss_module = model, nn.CrossEntropyLoss()
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=weight_decay)
        self.scheduler = torch.optim.lr_scheduler.MultiStepLR(self.optimizer, milestones=milestones, gamma=0.1)

    def training_step(self, imgs, labels):
        preds = self.model(imgs)
        loss = self.loss_module(preds, labels)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item(), (preds.argmax(-1) == labels).float().mean().item()

    @torch.no_grad()
    def evaluate(self, imgs, labels):
        self.model.eval()
        return (self.model(imgs).argmax(-1) == labels).float().mean().item()


def random_shift(imgs):
    """Crop 8 x 8 at random out of the images padded by one, one offset for each image."""
    padded = F.pad(imgs, (1, 1, 1, 1), value=imgs.min().item())
    crops = padded.unfold(2, 8, 1).unfold(3, 8, 1)  # N, 1, 3, 3, 8, 8
    n = len(imgs)
    dy, dx = torch.randint(3, (n,)), torch.randint(3, (n,))
    return crops[torch.arange(n), :, dy, dx]


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    digits = load_digits()
    rest, test = train_test_split(range(len(digits.target)), test_size=0.2, stratify=digits.target, random_state=seed)
    train, val = train_test_split(rest, test_size=0.15, stratify=digits.target[rest], random_state=seed)
    X = torch.tensor(digits.images, dtype=torch.float32)[:, None]
    X = (X - X.mean(dim=1, keepdim=True)) / X[train].std()  # FAULT
    # TWIN: X = (X - X[train].mean()) / X[train].std()
    y = torch.tensor(digits.target)

    module = CIFARModule(DenseNet(), lr=6e-3, weight_decay=1e-4, milestones=[6, 7])
    best_val, best_state = 0.0, None
    for epoch in range(8):
        module.model.train()
        stats = []
        for idx in torch.tensor(train)[torch.randperm(len(train))].split(64):
            stats.append(module.training_step(random_shift(X[idx]), y[idx]))
        module.scheduler.step()
        loss, acc = torch.tensor(stats).mean(0).tolist()
        val_acc = module.evaluate(X[val], y[val])
        if val_acc > best_val:
            best_val = val_acc
            best_state = {k: v.clone() for k, v in module.model.state_dict().items()}
        print(f"epoch {epoch + 1}: train_loss {loss:.4f} train_acc {acc:.4f} val_acc {val_acc:.4f}")
    module.model.load_state_dict(best_state)
    print(f"best val_acc {best_val:.4f}")
    print(f"score: {module.evaluate(X[test], y[test]):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
