"""Six toy traffic signs (disc / triangle / square, red or blue) on noisy 3x20x20 pictures.
Conv-BN-ReLU blocks, SGD with momentum, StepLR."""

import sys

import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader, TensorDataset


def draw_signs(n, generator):
    label = torch.randint(0, 6, (n,), generator=generator)
    shape, colour = label // 2, label % 2
    grid = torch.arange(20.0)
    yy, xx = torch.meshgrid(grid, grid, indexing="ij")
    cx, cy = (8 + 4 * torch.rand(2, n, 1, 1, generator=generator)).unbind(0)
    r = 5 + 2.5 * torch.rand(n, 1, 1, generator=generator)
    dx, dy = xx - cx, yy - cy
    disc = dx**2 + dy**2 < r**2
    square = (dx.abs() < 0.85 * r) & (dy.abs() < 0.85 * r)
    triangle = (dy.abs() < r) & (dx.abs() < (dy + r) / 2)
    mask = torch.where(
        (shape == 0).view(-1, 1, 1), disc, torch.where((shape == 1).view(-1, 1, 1), triangle, square)
    ).float()
    background = 0.2 + 0.4 * torch.rand(n, 3, 1, 1, generator=generator)
    paint = torch.tensor([[0.85, 0.15, 0.15], [0.15, 0.2, 0.85]])[colour].view(n, 3, 1, 1)
    brightness = 0.6 + 0.4 * torch.rand(n, 1, 1, 1, generator=generator)
    images = background * (1 - mask[:, None]) + paint * brightness * mask[:, None]
    images = images + 0.07 * torch.randn(images.shape, generator=generator)
    return (images - 0.4) / 0.25, label


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 12, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(12)
        self.conv2 = nn.Conv2d(12, 24, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(24)
        self.fc1 = nn.Linear(24 * 5 * 5, 48)
        self.fc2 = nn.Linear(48, 6)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 2)
        x = F.max_pool2d(F.relu(self.bn2(self.conv2(x))), 2)
        x = torch.flatten(x, 1)
        x = F.relu(self.fc1(x))
        return F.log_softmax(self.fc2(x), dim=1)


def train(model, loader, optimizer, epoch):
    model.train()
    for batch_idx, (data, target) in enumerate(loader):
        optimizer.zero_grad()
        output = model(data)
        loss = F.nll_loss(output, target)
        loss.backward()
        optimizer.step()
        if batch_idx % 10 == 0:
            print(f"Train Epoch: {epoch} [{batch_idx}/{len(loader)}]\tLoss: {loss.item():.6f}")


def test(model, loader):
    model.eval()
    test_loss, correct = 0, 0
    with torch.no_grad():
        for data, target in loader:
            output = model(data)
            test_loss += F.nll_loss(output, target, reduction="sum").item()
            correct += output.argmax(dim=1).eq(target).sum().item()
    n = len(loader.dataset)
    print(f"Test set: Average loss: {test_loss / n:.4f}, Accuracy: {correct}/{n}")
    return correct / n


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    g = torch.Generator().manual_seed(seed)
    train_loader = DataLoader(TensorDataset(*draw_signs(1280, g)), batch_size=40, shuffle=True)
    test_loader = DataLoader(TensorDataset(*draw_signs(400, g)), batch_size=200)
    model = Net()
    optimizer = optim.SGD(model.parameters(), lr=0.02, momentum=0.9, weight_decay=5e-4)
    scheduler = StepLR(optimizer, step_size=3, gamma=0.3)
    for epoch in range(1, 10):
        train(model, train_loader, optimizer, epoch)
        accuracy = test(model, test_loader)
        scheduler.step()
    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main()
