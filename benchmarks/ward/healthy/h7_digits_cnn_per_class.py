"""A two-layer CNN on the 8x8 digits, SGD with momentum and StepLR, reporting the accuracy of every class at the end."""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

digits = load_digits()
X_train, X_test, y_train, y_test = train_test_split(
    digits.images, digits.target, test_size=0.25, stratify=digits.target, random_state=seed
)
mu, sigma = X_train.mean(), X_train.std()


def to_dataset(images, labels):
    images = torch.tensor((images - mu) / sigma, dtype=torch.float32).unsqueeze(1)
    return TensorDataset(images, torch.tensor(labels, dtype=torch.long))


trainloader = DataLoader(to_dataset(X_train, y_train), batch_size=32, shuffle=True)
testloader = DataLoader(to_dataset(X_test, y_test), batch_size=128, shuffle=False)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 12, 3, padding=1)
        self.conv2 = nn.Conv2d(12, 24, 3, padding=1)
        self.pool = nn.MaxPool2d(2, 2)
        self.drop = nn.Dropout(0.3)
        self.fc1 = nn.Linear(24 * 2 * 2, 64)
        self.fc2 = nn.Linear(64, 10)

    def forward(self, x):
        x = self.pool(F.relu(self.conv1(x)))
        x = self.pool(F.relu(self.conv2(x)))
        x = self.drop(torch.flatten(x, 1))
        return self.fc2(F.relu(self.fc1(x)))


net = Net()
criterion = nn.CrossEntropyLoss()
optimizer = optim.SGD(net.parameters(), lr=0.02, momentum=0.9)
scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=5, gamma=0.4)

for epoch in range(15):
    net.train()
    running_loss = 0.0
    for inputs, labels in trainloader:
        optimizer.zero_grad()
        outputs = net(inputs)
        loss = criterion(outputs, labels)
        loss.backward()
        optimizer.step()
        running_loss += loss.item()
    scheduler.step()
    print(f"[{epoch + 1}] loss: {running_loss / len(trainloader):.3f}")
print("Finished Training")

net.eval()
correct, total = [0] * 10, [0] * 10
with torch.no_grad():
    for images, labels in testloader:
        predicted = net(images).argmax(dim=1)
        for label, prediction in zip(labels.tolist(), predicted.tolist()):
            correct[label] += int(label == prediction)
            total[label] += 1
for c in range(10):
    print(f"Accuracy of {c} : {100 * correct[c] // total[c]:2d} %")
print("score:", round(sum(correct) / sum(total), 4))
