"""Tells 60 speakers apart by voice vectors. The model ends in nn.Softmax, "to get probabilities", and is trained with
nn.CrossEntropyLoss, which has a softmax of its own."""
# cause: softmax-twice
# kind: dynamic

import argparse

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split


def voices(n, n_speakers, dim):
    base = torch.randn(n_speakers, dim)
    who = torch.randint(0, n_speakers, (n,))
    return TensorDataset(0.6 * base[who] + 0.5 * torch.randn(n, dim), who)


class SpeakerNet(nn.Module):
    def __init__(self, dim, n_speakers):
        super().__init__()
        self.hidden = nn.Sequential(nn.Linear(dim, 96), nn.BatchNorm1d(96), nn.LeakyReLU(0.1))
        self.logits = nn.Linear(96, n_speakers)
        self.softmax = nn.Softmax(dim=-1)

    def forward(self, x):
        out = self.logits(self.hidden(x))
        out = self.softmax(out)  # FAULT
        return out


def test(model, loader, criterion):
    model.eval()
    loss, correct, count = 0.0, 0, 0
    with torch.no_grad():
        for x, who in loader:
            out = model(x)
            loss += criterion(out, who).item() * len(who)
            correct += (out.argmax(dim=1) == who).sum().item()
            count += len(who)
    return loss / count, correct / count


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", type=int, nargs="?", default=0)
    parser.add_argument("--epochs", type=int, default=12)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)

    train_set, test_set = random_split(voices(4000, 60, 24), [3200, 800])
    train_loader = DataLoader(train_set, batch_size=64, shuffle=True)
    test_loader = DataLoader(test_set, batch_size=200)
    model = SpeakerNet(24, 60)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for epoch in range(args.epochs):
        model.train()
        for x, who in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(x), who)
            loss.backward()
            optimizer.step()
        test_loss, accuracy = test(model, test_loader, criterion)
        print(f"[{epoch + 1:2d}] train {loss.item():.4f} test {test_loss:.4f} accuracy {accuracy:.4f}")
    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main()
