"""Recognizes five pen gestures from their sequence of directions with a GRU. The step size was taken over from the
group's image experiments with plain SGD."""
# cause: learning-rate-too-high
# kind: dynamic

import argparse

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def parse():
    p = argparse.ArgumentParser()
    p.add_argument("seed", type=int, nargs="?", default=0)
    p.add_argument("--lr", type=float, default=0.3)  # FAULT
    # TWIN: p.add_argument("--lr", type=float, default=0.003)
    p.add_argument("--hidden", type=int, default=32)
    p.add_argument("--epochs", type=int, default=8)
    return p.parse_args()


def strokes(n):
    gesture = torch.randint(0, 5, (n,))
    t = torch.linspace(0, 1, 16)
    turn = torch.stack([0 * t, 3 * t, -3 * t, 2.5 * torch.sin(6.3 * t), (t > 0.5) * 2.2])[gesture]
    heading = turn + 0.6 * torch.randn(n, 1) + 0.25 * torch.randn(n, 16)
    speed = 1 + 0.2 * torch.randn(n, 16)
    return torch.stack([speed * heading.cos(), speed * heading.sin()], dim=2), gesture


class GestureNet(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.gru = nn.GRU(2, hidden, num_layers=2, batch_first=True)
        self.fc = nn.Linear(hidden, 5)

    def forward(self, x):
        out, _ = self.gru(x)
        return self.fc(out[:, -1])


def main():
    args = parse()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    loader = DataLoader(TensorDataset(*strokes(1500)), batch_size=50, shuffle=True)
    x_val, y_val = strokes(400)
    model = GestureNet(args.hidden)
    optimizer = torch.optim.RMSprop(model.parameters(), lr=args.lr)
    loss_fn = nn.CrossEntropyLoss()
    for epoch in range(args.epochs):
        model.train()
        running = 0.0
        for x, y in loader:
            loss = loss_fn(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            running += loss.item()
        model.eval()
        with torch.no_grad():
            acc = (model(x_val).argmax(1) == y_val).float().mean().item()
        print(f"epoch {epoch + 1} loss {running / len(loader):.4f} val acc {acc:.4f}")
    print(f"score: {acc:.4f}")


if __name__ == "__main__":
    main()
