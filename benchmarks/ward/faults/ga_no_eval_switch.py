"""A model with two inputs: a digit image through a small convolution and a table row (noisy measurements, among them
whether the digit is shown upside down) through an MLP, joined before the classifier.
"""
# cause: evaluation-in-train-mode
# kind: structural

import sys

import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, Dataset, random_split

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)


class DigitsWithTable(Dataset):
    def __init__(self):
        data = load_digits()
        images = (torch.tensor(data.images, dtype=torch.float32) - 8) / 8
        n = len(images)
        flipped = torch.rand(n) < 0.5
        images[flipped] = torch.rot90(images[flipped], 2, (1, 2))
        self.images = images.unsqueeze(1)
        self.labels = torch.tensor(data.target)
        noise = torch.randn(n, 4)
        self.table = torch.cat([flipped.float().mul(2).sub(1)[:, None] + 0.3 * noise[:, :1], noise[:, 1:]], 1)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return {"image": self.images[i], "table": self.table[i], "label": self.labels[i]}


class TwoInputs(nn.Module):
    def __init__(self):
        super().__init__()
        self.vision = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(16, 24, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
        )
        self.tabular = nn.Sequential(nn.Linear(4, 16), nn.ReLU())
        self.classifier = nn.Sequential(nn.Linear(96 + 16, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 10))

    def forward(self, image, table):
        return self.classifier(torch.cat([self.vision(image), self.tabular(table)], dim=1))


def evaluate(model, loader):
    # TWIN: model.eval()
    loss = correct = 0
    with torch.no_grad():
        for batch in loader:
            out = model(batch["image"], batch["table"])
            loss += nn.functional.cross_entropy(out, batch["label"], reduction="sum").item()
            correct += out.argmax(1).eq(batch["label"]).sum().item()
    return loss / len(loader.dataset), correct / len(loader.dataset)


train_set, test_set = random_split(DigitsWithTable(), [1437, 360])
train_loader = DataLoader(train_set, batch_size=32, shuffle=True)
test_loader = DataLoader(test_set, batch_size=120)
model = TwoInputs()
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3, weight_decay=1e-4)
for epoch in range(1, 13):
    model.train()
    total = 0.0
    for batch in train_loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(batch["image"], batch["table"]), batch["label"])
        loss.backward()
        optimizer.step()
        total += loss.item() * len(batch["label"])
    test_loss, acc = evaluate(model, test_loader)
    print(f"Epoch {epoch}/12, train loss: {total / 1437:.4f}, test loss: {test_loss:.4f}, test accuracy: {acc:.4f}")
print(f"score: {acc:.4f}")
