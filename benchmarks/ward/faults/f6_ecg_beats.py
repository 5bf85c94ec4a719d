"""Five kinds of heartbeat with a 1-d convolutional network with batch norm, SGD with momentum.

validate() calls model.eval(), and nothing calls model.train() again: training goes on in evaluation mode.
"""
# cause: training-in-eval-mode
# kind: dynamic

import sys

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)


def beats(n, length=48):
    t = torch.linspace(0, 1, length)
    kind = torch.randint(0, 5, (n,))
    width = torch.tensor([0.03, 0.05, 0.03, 0.03, 0.05])[kind, None]
    delay = torch.tensor([0.20, 0.20, 0.28, 0.20, 0.28])[kind, None]
    wave = torch.tensor([0.4, 0.4, 0.4, -0.3, -0.3])[kind, None]
    middle = 0.4 + 0.06 * torch.randn(n, 1)
    x = torch.exp(-((t - middle) ** 2) / (2 * width**2))
    x = x + wave * torch.exp(-((t - middle - delay) ** 2) / 0.005)
    x = x + 0.2 * torch.randn(n, 1) + 0.15 * torch.randn(n, length)
    return ((x - 0.15) / 0.5).unsqueeze(1), kind


def conv(a, b, stride=1):
    return nn.Sequential(nn.Conv1d(a, b, 5, stride, 2, bias=False), nn.BatchNorm1d(b), nn.ReLU())


class BeatNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(conv(1, 16), conv(16, 16, 2), conv(16, 32), conv(32, 32, 2), conv(32, 32))
        self.drop = nn.Dropout(0.3)
        self.head = nn.Linear(32 * 12, 5)

    def forward(self, x):
        return self.head(self.drop(self.body(x).flatten(1)))


train_loader = DataLoader(TensorDataset(*beats(1000)), batch_size=50, shuffle=True)
val_loader = DataLoader(TensorDataset(*beats(600)), batch_size=200)
model = BeatNet()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9, weight_decay=1e-3)


def validate():
    model.eval()
    loss, hits = 0.0, 0
    with torch.no_grad():
        for x, y in val_loader:
            out = model(x)
            loss += criterion(out, y).item() / len(val_loader)
            hits += (out.argmax(1) == y).sum().item()
    return loss, hits / len(val_loader.dataset)


model.train()
print("before: val loss {:.4f}, acc {:.4f}".format(*validate()))
for epoch in range(8):
    # TWIN: model.train()
    train_loss = 0.0
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        train_loss += loss.item() / len(train_loader)
    val_loss, val_acc = validate()
    print(f"epoch {epoch + 1}: train {train_loss:.4f} val {val_loss:.4f} acc {val_acc:.4f}")
print(f"score: {val_acc:.4f}")
