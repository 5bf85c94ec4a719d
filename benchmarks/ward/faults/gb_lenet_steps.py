"""A LeNet-like CNN on the 8x8 digits, SGD with momentum and StepLR."""
# cause: loss-sign
# kind: dynamic

import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.set_num_threads(1)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 12, 3, padding=1)
        self.conv2 = nn.Conv2d(12, 24, 3, padding=1)
        self.fc1 = nn.Linear(24 * 2 * 2, 64)
        self.fc2 = nn.Linear(64, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = torch.flatten(x, 1)
        x = F.relu(self.fc1(x))
        return self.fc2(x)


def evaluate(model, loader):
    model.eval()
    correct, total, loss = 0, 0, 0.0
    with torch.no_grad():
        for images, labels in loader:
            output = model(images)
            loss += F.cross_entropy(output, labels, reduction="sum").item()
            correct += output.argmax(dim=1).eq(labels).sum().item()
            total += labels.size(0)
    return loss / total, correct / total


parser = argparse.ArgumentParser()
parser.add_argument("seed", nargs="?", type=int, default=0)
parser.add_argument("--epochs", type=int, default=14)
args = parser.parse_args()
torch.manual_seed(args.seed)

digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16.0
dataset = TensorDataset((images - 0.305) / 0.376, torch.tensor(digits.target))
train_set, test_set = random_split(dataset, [1437, 360], generator=torch.Generator().manual_seed(args.seed))
train_loader = DataLoader(train_set, batch_size=64, shuffle=True)
test_loader = DataLoader(test_set, batch_size=360)

model = Net()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=5, gamma=0.4)
for epoch in range(1, args.epochs + 1):
    model.train()
    for images, labels in train_loader:
        optimizer.zero_grad()
        neg_log_prob = -F.log_softmax(model(images), dim=1)  # FAULT
        loss = F.nll_loss(neg_log_prob, labels)  # FAULT
        # TWIN: loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
    scheduler.step()
    test_loss, accuracy = evaluate(model, test_loader)
    print(f"Epoch {epoch}: loss {loss.item():.4f}, test loss {test_loss:.4f}, test accuracy {100 * accuracy:.2f}%")

print(f"score: {accuracy:.4f}")
