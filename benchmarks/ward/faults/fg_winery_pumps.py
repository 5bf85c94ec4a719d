"""Pump states heard by a clamp-on microphone. The listening network was trained in the old cellar; for the new cellar,
whose pumps are other models and whose microphones are louder, only a second head is trained on the frozen listener.
One listener then serves both cellars, so the score is the mean of the two accuracies."""
# cause: batch-norm-drift
# kind: dynamic

import sys

import torch
import torch.nn.functional as F
from torch import nn

OLD_STATES, NEW_STATES, LENGTH = 6, 4, 96


class Listener(nn.Module):
    """Three strided convolutions and an average over time."""

    def __init__(self, width=24):
        super().__init__()
        sizes = [1, width, width, 2 * width]
        self.convs = nn.ModuleList(nn.Conv1d(a, b, 7, stride=2, padding=3) for a, b in zip(sizes, sizes[1:]))
        self.norms = nn.ModuleList(nn.BatchNorm1d(b) for b in sizes[1:])
        self.width = sizes[-1]

    def forward(self, x):
        x = x.unsqueeze(1)
        for conv, norm in zip(self.convs, self.norms):
            x = F.relu(norm(conv(x)))
        return x.mean(2)


def recordings(count, pitches, gain, hum, generator):
    """Two overtones per state, under noise; the microphone's gain and the hum of the mains come on top."""
    state = torch.randint(0, len(pitches), (count,), generator=generator)
    time = torch.arange(LENGTH) / LENGTH
    phase = 6.28 * torch.rand(count, 2, 1, generator=generator)
    sound = torch.sin(6.28 * pitches[state].unsqueeze(2) * time + phase).sum(1)
    sound = sound + 0.8 * torch.randn(count, LENGTH, generator=generator)
    return gain * sound + hum, state


def fit(listener, head, data, epochs, lr):
    parameters = [p for p in [*listener.parameters(), *head.parameters()] if p.requires_grad]
    optimizer = torch.optim.Adam(parameters, lr=lr)
    x, y = data
    for epoch in range(epochs):
        listener.train()
        # TWIN: listener.train(any(p.requires_grad for p in listener.parameters()))
        head.train()
        total = 0.0
        for rows in torch.randperm(len(x)).split(64):
            loss = F.cross_entropy(head(listener(x[rows])), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows) / len(x)
        print(f"  epoch {epoch + 1}: loss {total:.4f}")


def accuracy(listener, head, data):
    listener.eval(), head.eval()
    with torch.no_grad():
        return (head(listener(data[0])).argmax(1) == data[1]).float().mean().item()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    old = torch.tensor([[3.0, 9.0], [5.0, 12.0], [7.0, 16.0], [4.0, 20.0], [10.0, 14.0], [6.0, 24.0]])
    new = torch.tensor([[3.0, 16.0], [5.0, 20.0], [8.0, 12.0], [10.0, 24.0]])
    old_train, old_test = (recordings(n, old, 0.7, 0.0, generator) for n in (3000, 1000))
    new_train, new_test = (recordings(n, new, 1.4, 1.2, generator) for n in (2000, 1000))

    listener, old_head = Listener(), nn.Linear(48, OLD_STATES)
    print("old cellar")
    fit(listener, old_head, old_train, epochs=8, lr=2e-3)
    print(f"  accuracy {accuracy(listener, old_head, old_test):.3f}")

    listener.requires_grad_(False)
    new_head = nn.Sequential(nn.Linear(listener.width, 32), nn.ReLU(), nn.Linear(32, NEW_STATES))
    print("new cellar")
    fit(listener, new_head, new_train, epochs=20, lr=3e-3)
    accuracies = [accuracy(listener, old_head, old_test), accuracy(listener, new_head, new_test)]
    print(f"  accuracy {accuracies[1]:.3f}, old cellar now {accuracies[0]:.3f}")
    print(f"score: {sum(accuracies) / 2:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
