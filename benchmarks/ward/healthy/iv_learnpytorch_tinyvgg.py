"""TinyVGG on three kinds of textured colour pictures, with train_step, test_step and train functions.

After "PyTorch Custom Datasets" and "PyTorch Going Modular" of https://www.learnpytorch.io/04_pytorch_custom_datasets/
"""

import sys
from timeit import default_timer as timer

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

CLASSES = ["pizza", "steak", "sushi"]


class FoodPictures(Dataset):
    """16 x 16 pictures: rings with dots, stripes, or blocks, in random colours, turned and noisy."""

    def __init__(self, n, seed, augment=False):
        rng = np.random.default_rng(seed)
        self.labels = np.tile(np.arange(3), n // 3)
        self.images = torch.from_numpy(np.stack([self.draw(c, rng) for c in self.labels]).astype(np.float32))
        self.augment = augment

    @staticmethod
    def draw(label, rng):
        y, x = np.mgrid[:16, :16] - 7.5
        cy, cx = rng.uniform(-2, 2, 2)
        if label == 0:
            pattern = (np.hypot(y - cy, x - cx) < rng.uniform(4.5, 6.5)) * (0.6 + 0.4 * (rng.random((16, 16)) < 0.8))
        elif label == 1:
            angle, freq = rng.uniform(0, np.pi), rng.uniform(1.0, 1.6)
            pattern = 0.5 + 0.5 * np.sin(freq * (np.cos(angle) * x + np.sin(angle) * y) + rng.uniform(0, 6))
        else:
            pattern = np.zeros((16, 16))
            for _ in range(3):
                r, c = rng.integers(0, 11, 2)
                pattern[r : r + 5, c : c + 5] = rng.uniform(0.6, 1.0)
        color = rng.uniform(0.4, 1.0, (3, 1, 1))
        return np.clip(color * pattern + rng.normal(0, 0.15, (3, 16, 16)), 0, 1)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        image = (self.images[i] - 0.3) / 0.3
        if self.augment and torch.rand(1).item() < 0.5:
            image = image.flip(-1)
        return image, int(self.labels[i])


class TinyVGG(nn.Module):
    def __init__(self, input_shape, hidden_units, output_shape):
        super().__init__()
        self.conv_block_1 = nn.Sequential(
            nn.Conv2d(input_shape, hidden_units, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.Conv2d(hidden_units, hidden_units, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
        )
        self.conv_block_2 = nn.Sequential(
            nn.Conv2d(hidden_units, hidden_units, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.Conv2d(hidden_units, hidden_units, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
        )
        self.classifier = nn.Sequential(nn.Flatten(), nn.Linear(hidden_units * 4 * 4, output_shape))

    def forward(self, x):
        return self.classifier(self.conv_block_2(self.conv_block_1(x)))


def train_step(model, dataloader, loss_fn, optimizer):
    model.train()
    train_loss, train_acc = 0, 0
    for X, y in dataloader:
        y_pred = model(X)
        loss = loss_fn(y_pred, y)
        train_loss += loss.item()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        train_acc += (y_pred.argmax(dim=1) == y).sum().item() / len(y_pred)
    return train_loss / len(dataloader), train_acc / len(dataloader)


def test_step(model, dataloader, loss_fn):
    model.eval()
    test_loss, test_acc = 0, 0
    with torch.inference_mode():
        for X, y in dataloader:
            logits = model(X)
            test_loss += loss_fn(logits, y).item()
            test_acc += (logits.argmax(dim=1) == y).sum().item() / len(logits)
    return test_loss / len(dataloader), test_acc / len(dataloader)


def train(model, train_dataloader, test_dataloader, optimizer, loss_fn, epochs):
    results = {"train_loss": [], "train_acc": [], "test_loss": [], "test_acc": []}
    for epoch in range(epochs):
        values = train_step(model, train_dataloader, loss_fn, optimizer) + test_step(model, test_dataloader, loss_fn)
        print(f"Epoch: {epoch + 1} | " + " | ".join(f"{k}: {v:.4f}" for k, v in zip(results, values)))
        for k, v in zip(results, values):
            results[k].append(v)
    return results


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    train_dataloader = DataLoader(FoodPictures(900, seed, augment=True), batch_size=32, shuffle=True)
    test_dataloader = DataLoader(FoodPictures(300, seed + 500), batch_size=50)
    model = TinyVGG(input_shape=3, hidden_units=10, output_shape=len(CLASSES))
    loss_fn = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(params=model.parameters(), lr=0.002)
    start_time = timer()
    results = train(model, train_dataloader, test_dataloader, optimizer, loss_fn, epochs=6)
    print(f"Total training time: {timer() - start_time:.1f} seconds")
    print(f"score: {results['test_acc'][-1]:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
