"""A tiny residual network (two blocks, batch norm) on the 8x8 digits with Adam and OneCycleLR."""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.conv1 = nn.Conv2d(c, c, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(c)
        self.conv2 = nn.Conv2d(c, c, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(c)

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(x + self.bn2(self.conv2(y)))


class ResNet(nn.Module):
    def __init__(self, c=12):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, c, 3, padding=1, bias=False), nn.BatchNorm2d(c), nn.ReLU())
        self.blocks = nn.Sequential(Block(c), nn.MaxPool2d(2), Block(c))
        self.fc = nn.Linear(c * 16, 10)

    def forward(self, x):
        return self.fc(self.blocks(self.stem(x)).flatten(1))


X, y = load_digits(return_X_y=True)
X = X.reshape(-1, 1, 8, 8).astype("float32") / 8 - 1
X_tr, X_va, y_tr, y_va = train_test_split(X, y, test_size=400, random_state=seed, stratify=y)
X_tr, X_va, y_tr, y_va = map(torch.from_numpy, (X_tr, X_va, y_tr, y_va))

EPOCHS, BS = 8, 64
steps = (len(X_tr) + BS - 1) // BS
model = ResNet()
opt = torch.optim.Adam(model.parameters())
sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=1e-2, epochs=EPOCHS, steps_per_epoch=steps)

for epoch in range(EPOCHS):
    model.train()
    for idx in torch.randperm(len(X_tr)).split(BS):
        loss = F.cross_entropy(model(X_tr[idx]), y_tr[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
        sched.step()
    model.eval()
    with torch.no_grad():
        acc = model(X_va).argmax(1).eq(y_va).float().mean().item()
    print(f"epoch {epoch}: last loss {loss.item():.4f}, valid acc {acc:.4f}")

print(f"score: {acc:.4f}")
