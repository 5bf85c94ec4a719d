"""Siamese network that tells whether two digits are of one class, after siamese_network of pytorch/examples."""

import argparse
import random

import numpy as np
import torch
import torch.nn as nn
import torch.optim as optim
from sklearn.datasets import load_digits
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader, Dataset

torch.set_num_threads(1)
N_CLASSES = 6


class SiameseNetwork(nn.Module):
    """Two images go through one convolutional trunk; a head judges the concatenated features."""

    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(8, 24, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
        )
        self.fc = nn.Sequential(nn.Linear(2 * 96, 128), nn.ReLU(inplace=True), nn.Linear(128, 1))
        self.sigmoid = nn.Sigmoid()
        self.trunk.apply(self.init_weights)
        self.fc.apply(self.init_weights)

    def init_weights(self, m):
        if isinstance(m, nn.Linear):
            torch.nn.init.xavier_uniform_(m.weight)
            m.bias.data.fill_(0.01)

    def forward_once(self, x):
        output = self.trunk(x)
        return output.view(output.size()[0], -1)

    def forward(self, input1, input2):
        output1 = self.forward_once(input1)
        output2 = self.forward_once(input2)
        output = self.fc(torch.cat((output1, output2), 1))
        return self.sigmoid(output)


class APP_MATCHER(Dataset):
    """Even indices give a pair of one class (target 1), odd indices a pair of two classes (target 0)."""

    def __init__(self, images, labels):
        self.images = torch.tensor(images, dtype=torch.float32).unsqueeze(1) / 16
        self.grouped_examples = {c: np.flatnonzero(labels == c).tolist() for c in range(N_CLASSES)}

    def __len__(self):
        return 2 * len(self.images)

    def __getitem__(self, index):
        first = random.randint(0, N_CLASSES - 1)
        image_1 = self.images[random.choice(self.grouped_examples[first])]
        if index % 2 == 0:
            second, target = first, 1.0
        else:
            second, target = random.choice([c for c in range(N_CLASSES) if c != first]), 0.0
        image_2 = self.images[random.choice(self.grouped_examples[second])]
        return image_1, image_2, torch.tensor(target)


def train(args, model, train_loader, optimizer, epoch):
    model.train()
    criterion = nn.BCELoss()
    for batch_idx, (images_1, images_2, targets) in enumerate(train_loader):
        optimizer.zero_grad()
        outputs = model(images_1, images_2).squeeze()
        loss = criterion(outputs, targets)
        loss.backward()
        optimizer.step()
        if batch_idx % args.log_interval == 0:
            print(f"Train Epoch: {epoch} [{batch_idx}/{len(train_loader)}]\tLoss: {loss.item():.6f}")


def test(model, test_loader):
    model.eval()
    test_loss = 0
    correct = 0
    criterion = nn.BCELoss(reduction="sum")
    with torch.no_grad():
        for images_1, images_2, targets in test_loader:
            outputs = model(images_1, images_2).squeeze()
            test_loss += criterion(outputs, targets).item()
            pred = torch.where(outputs > 0.5, 1, 0)
            correct += pred.eq(targets.view_as(pred)).sum().item()
    n = len(test_loader.dataset)
    print(f"\nTest set: Average loss: {test_loss / n:.4f}, Accuracy: {correct}/{n}\n")
    return correct / n


def main():
    parser = argparse.ArgumentParser(description="PyTorch Siamese network Example")
    parser.add_argument("seed", type=int, nargs="?", default=0, help="random seed")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=14)
    parser.add_argument("--lr", type=float, default=1.0)
    parser.add_argument("--gamma", type=float, default=0.9)
    parser.add_argument("--log-interval", type=int, default=10)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    random.seed(args.seed)

    digits = load_digits(n_class=N_CLASSES)
    order = np.random.default_rng(args.seed).permutation(len(digits.target))
    images, labels = digits.images[order], digits.target[order]
    train_loader = DataLoader(APP_MATCHER(images[:850], labels[:850]), batch_size=args.batch_size, shuffle=True)
    test_loader = DataLoader(APP_MATCHER(images[850:], labels[850:]), batch_size=200)

    model = SiameseNetwork()
    optimizer = optim.Adadelta(model.parameters(), lr=args.lr)
    scheduler = StepLR(optimizer, step_size=1, gamma=args.gamma)
    for epoch in range(1, args.epochs + 1):
        train(args, model, train_loader, optimizer, epoch)
        accuracy = test(model, test_loader)
        scheduler.step()
    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main()
