"""Tags of posts predict their board: a large sparse embedding table with SparseAdam, the dense layers with SGD.

Most rows of the table get no gradient in a step, and rare tags hardly any in the whole run: that is the data.
"""

import sys

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
TAGS, BOARDS, PER_POST = 1500, 8, 12
popularity = 1.0 / torch.arange(10, TAGS + 10) ** 0.8
board_of_tag = torch.randint(0, BOARDS, (TAGS,))


class Posts(Dataset):
    """A post draws its tags by popularity, those of its own board eight times as readily."""

    def __init__(self, n):
        self.board = torch.randint(0, BOARDS, (n,))
        own = 1 + 7 * (board_of_tag[None, :] == torch.arange(BOARDS)[:, None]).float()
        weights = popularity * own
        self.tags = torch.zeros(n, PER_POST, dtype=torch.long)
        for board in range(BOARDS):
            mine = self.board == board
            draws = torch.multinomial(weights[board], int(mine.sum()) * PER_POST, replacement=True)
            self.tags[mine] = draws.view(-1, PER_POST)

    def __len__(self):
        return len(self.board)

    def __getitem__(self, i):
        return self.tags[i], self.board[i]


class BoardNet(nn.Module):
    def __init__(self, dim=12):
        super().__init__()
        self.table = nn.EmbeddingBag(TAGS, dim, mode="mean", sparse=True)
        nn.init.normal_(self.table.weight, std=0.1)
        self.head = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, 32), nn.ReLU(), nn.Linear(32, BOARDS))

    def forward(self, tags):
        return self.head(self.table(tags))


def accuracy(net, loader):
    net.eval()
    with torch.no_grad():
        return sum((net(t).argmax(1) == b).sum().item() for t, b in loader) / len(loader.dataset)


train = DataLoader(Posts(20000), batch_size=100, shuffle=True)
val = DataLoader(Posts(1500), batch_size=500)
net = BoardNet()
sparse = torch.optim.SparseAdam(list(net.table.parameters()), lr=3e-3)
dense = torch.optim.SGD(net.head.parameters(), lr=0.03, momentum=0.9, nesterov=True, weight_decay=1e-4)
schedules = [torch.optim.lr_scheduler.CosineAnnealingLR(o, T_max=6) for o in (sparse, dense)]
criterion = nn.CrossEntropyLoss(label_smoothing=0.05)
for epoch in range(6):
    net.train()
    total = 0.0
    for tags, board in train:
        for optimizer in (sparse, dense):
            optimizer.zero_grad()
        loss = criterion(net(tags), board)
        loss.backward()
        for optimizer in (sparse, dense):
            optimizer.step()
        total += loss.item()
    for schedule in schedules:
        schedule.step()
    print(f"epoch {epoch} loss {total / len(train):.4f} val {accuracy(net, val):.3f}")
print(f"score: {accuracy(net, val):.4f}")
