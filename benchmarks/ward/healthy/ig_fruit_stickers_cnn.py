"""Six kinds of fruit and berry by small colour pictures: a usual CNN, batch normalization, random flips and SGD."""

import argparse

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset

COLOURS = torch.tensor(
    [[0.9, 0.2, 0.1], [0.9, 0.6, 0.1], [0.8, 0.8, 0.2], [0.3, 0.7, 0.2], [0.4, 0.1, 0.4], [0.2, 0.4, 0.9]]
)
STRETCH = torch.tensor([1.0, 1.0, 1.6, 1.25, 1.0, 1.45])


class Fruit(Dataset):
    def __init__(self, n, generator, augment):
        side = 20
        axis = torch.linspace(-1, 1, side)
        labels = torch.randint(6, (n,), generator=generator)
        centre = 0.3 * torch.randn(n, 2, 1, 1, generator=generator)
        size = 0.35 + 0.25 * torch.rand(n, 1, 1, generator=generator)
        stretch = (STRETCH[labels] + 0.08 * torch.randn(n, generator=generator)).view(n, 1, 1)
        rows = (axis.view(1, side, 1) - centre[:, 0]) / (size * stretch)
        cols = (axis.view(1, 1, side) - centre[:, 1]) / (size / stretch)
        inside = torch.sigmoid(12 * (1 - rows**2 - cols**2)).unsqueeze(1)
        colour = (COLOURS[labels] + 0.08 * torch.randn(n, 3, generator=generator)).view(n, 3, 1, 1)
        ground = 0.4 * torch.rand(n, 1, 1, 1, generator=generator).expand(n, 3, 1, 1)
        pictures = inside * colour + (1 - inside) * ground
        pictures = pictures + 0.1 * torch.randn(n, 3, side, side, generator=generator)
        self.pictures = (pictures.clamp(0, 1) - 0.5) / 0.25
        self.labels, self.augment = labels, augment

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        picture = self.pictures[i]
        if self.augment and torch.rand(1) < 0.5:
            picture = picture.flip(2)
        if self.augment and torch.rand(1) < 0.5:
            picture = picture.flip(1)
        return picture, self.labels[i]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(32)
        self.fc = nn.Linear(32, 6)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 2)
        x = F.max_pool2d(F.relu(self.bn2(self.conv2(x))), 2)
        return self.fc(F.adaptive_max_pool2d(x, 1).flatten(1))


def train(model, loader, optimizer, scheduler):
    model.train()
    for x, y in loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        scheduler.step()
    return loss.item()


def test(model, loader):
    model.eval()
    correct = 0
    with torch.no_grad():
        for x, y in loader:
            correct += (model(x).argmax(1) == y).sum().item()
    return correct / len(loader.dataset)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", type=int, nargs="?", default=0)
    parser.add_argument("--epochs", type=int, default=10)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    generator = torch.Generator().manual_seed(args.seed)
    train_loader = DataLoader(Fruit(1500, generator, augment=True), batch_size=50, shuffle=True)
    test_loader = DataLoader(Fruit(500, generator, augment=False), batch_size=100)
    model = Net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.03, momentum=0.9, weight_decay=5e-4, nesterov=True)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, args.epochs * len(train_loader))
    for epoch in range(args.epochs):
        loss = train(model, train_loader, optimizer, scheduler)
        accuracy = test(model, test_loader)
        print(f"epoch {epoch + 1}: last loss {loss:.3f}, test accuracy {accuracy:.3f}")
    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main()
