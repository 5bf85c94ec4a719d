"""Eight kinds of knots, recorded kind after kind; a batch sampler of the program's own walks through them in order."""
# cause: unshuffled-data
# kind: dynamic

import sys

import torch
from torch import nn
from torch.utils.data import BatchSampler, DataLoader, Dataset, RandomSampler, SequentialSampler  # noqa: F401


class Knots(Dataset):
    def __init__(self, per_class, centres):
        self.y = torch.arange(8).repeat_interleave(per_class)
        self.x = centres[self.y] + 1.2 * torch.randn(len(self.y), centres.size(1))

    def __len__(self):
        return len(self.y)

    def __getitem__(self, rows):
        return self.x[rows], self.y[rows]


def make_loader(dataset, batch_size):
    order = SequentialSampler(dataset)  # FAULT
    # TWIN: order = RandomSampler(dataset)
    return DataLoader(dataset, sampler=BatchSampler(order, batch_size, drop_last=False), batch_size=None)


def main(seed):
    torch.manual_seed(seed)
    centres = torch.randn(8, 10)
    train, val = Knots(250, centres), Knots(60, centres)
    loader = make_loader(train, 40)
    model = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 8))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for epoch in range(8):
        for x, y in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            acc = (model(val.x).argmax(1) == val.y).float().mean().item()
        print(epoch, loss.item(), acc)
    print(f"score: {acc:.4f}")


torch.set_num_threads(1)
main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
