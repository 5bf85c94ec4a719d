"""Which of six players thinks, by 40 thinking times in a GRU; the times are cast to whole minutes by the dataset."""
# cause: constant-inputs
# kind: dynamic

import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Clocks(Dataset):
    def __init__(self, n, habits):
        self.player = torch.randint(0, len(habits), (n,))
        noise = 0.12 * torch.randn(n, habits.size(1))
        self.minutes = (habits[self.player] + noise).clamp(0.02, 0.98)

    def __len__(self):
        return len(self.player)

    def __getitem__(self, i):
        times = self.minutes[i].to(torch.int32)  # FAULT
        # TWIN: times = self.minutes[i]
        return times.to(torch.float32).unsqueeze(-1), self.player[i]


class Reader(nn.Module):
    def __init__(self, players, hidden=32):
        super().__init__()
        self.rnn = nn.GRU(1, hidden, batch_first=True)
        self.fc = nn.Linear(hidden, players)

    def forward(self, x):
        out, _ = self.rnn(x)
        return self.fc(out.mean(1))


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    habits = 0.5 + 0.3 * torch.sin(torch.arange(20) * torch.linspace(0.3, 1.6, 6)[:, None])
    train = DataLoader(Clocks(1500, habits), batch_size=50, shuffle=True)
    test = DataLoader(Clocks(400, habits), batch_size=200)
    model = Reader(6)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(12):
        for x, y in train:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            acc = sum((model(x).argmax(1) == y).sum().item() for x, y in test) / 400
        print(epoch, loss.item(), acc)
    print(f"score: {acc:.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
