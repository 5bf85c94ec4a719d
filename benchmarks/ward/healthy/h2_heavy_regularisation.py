"""Dropout 0.5 and strong augmentation: training accuracy stays well below validation accuracy, as it should."""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, Dataset

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)


class AugmentedDigits(Dataset):
    """Images shifted by up to one pixel, with an erased 2x2 patch and noise."""

    def __init__(self, images, labels):
        self.images, self.labels = images, labels

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        dy, dx, r, c = torch.randint(0, 3, (2,)).tolist() + torch.randint(0, 7, (2,)).tolist()
        image = F.pad(self.images[i], (1, 1, 1, 1))[:, dy : dy + 8, dx : dx + 8].clone()
        image[:, r : r + 2, c : c + 2] = 0.0
        return image + 0.1 * torch.randn_like(image), self.labels[i]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 24, 3, padding=1)
        self.conv2 = nn.Conv2d(24, 48, 3, padding=1)
        self.fc1 = nn.Linear(192, 128)
        self.fc2 = nn.Linear(128, 10)
        self.drop = nn.Dropout(0.5)

    def forward(self, x):
        x = F.max_pool2d(torch.relu(self.conv1(x)), 2)
        x = F.max_pool2d(torch.relu(self.conv2(x)), 2)
        return self.fc2(self.drop(torch.relu(self.fc1(x.flatten(1)))))


digits = load_digits()
x = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16
y = torch.tensor(digits.target)
x_train, x_val, y_train, y_val = train_test_split(x, y, test_size=400, random_state=seed)
train_loader = DataLoader(AugmentedDigits(x_train, y_train), batch_size=64, shuffle=True)

model = Net()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(16):
    model.train()
    seen = correct = 0
    for xb, yb in train_loader:
        output = model(xb)
        loss = F.cross_entropy(output, yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        correct += output.argmax(1).eq(yb).sum().item()
        seen += len(yb)
    model.eval()
    with torch.no_grad():
        logits = model(x_val)
        val_loss, val_acc = F.cross_entropy(logits, y_val).item(), logits.argmax(1).eq(y_val).float().mean().item()
    print(f"epoch {epoch} train_acc {correct / seen:.4f} val_acc {val_acc:.4f} val_loss {val_loss:.4f}")

print(f"score: {val_acc:.4f}")
