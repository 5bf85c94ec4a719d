"""Deep multilayer perceptron with skip connections on digits, He initialisation and no normalisation in the blocks:
each addition about doubles the variance, so that after 30 of them the gradients are huge."""
# cause: exploding-gradient
# kind: dynamic

import argparse

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.Identity()  # FAULT
        # TWIN: self.norm = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, width)
        self.fc2 = nn.Linear(width, width)
        for fc in (self.fc1, self.fc2):
            nn.init.kaiming_normal_(fc.weight, nonlinearity="relu")
            nn.init.zeros_(fc.bias)

    def forward(self, x):
        out = torch.relu(self.fc1(self.norm(x)))
        return x + self.fc2(out)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", type=int, nargs="?", default=0)
    parser.add_argument("--epochs", type=int, default=10)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)

    digits = load_digits()
    images = torch.tensor(digits.data / 8.0 - 1.0, dtype=torch.float32)
    labels = torch.tensor(digits.target)
    tr, te = train_test_split(range(len(labels)), test_size=0.25, stratify=digits.target, random_state=args.seed)
    train_loader = DataLoader(TensorDataset(images[tr], labels[tr]), batch_size=64, shuffle=True)

    blocks = [Block(48) for _ in range(30)]
    model = nn.Sequential(nn.Linear(64, 48), *blocks, nn.Linear(48, 10))
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.003, momentum=0.9)
    for epoch in range(args.epochs):
        model.train()
        for xb, yb in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(xb), yb)
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            out = model(images[te])
            correct = out.argmax(1).eq(labels[te]).sum().item()
        print(f"[{epoch + 1}/{args.epochs}] last batch loss {loss.item():.4f} test {correct}/{len(te)}")
    print(f"score: {correct / len(te):.4f}")


if __name__ == "__main__":
    main()
