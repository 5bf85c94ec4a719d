"""What a committee decides: of nine opinions, that of the most senior member counts. A pooling by learned attention."""
# cause: softmax-single-unit
# accept: softmax-wrong-axis
# kind: dynamic

import sys

import torch
from torch import nn

torch.set_num_threads(1)
MEMBERS, OPINION, CHOICES = 9, 8, 4


def sessions(n, meaning, generator):
    seniority = torch.randn(n, MEMBERS, generator=generator)
    choice = torch.randint(0, CHOICES, (n, MEMBERS), generator=generator)
    opinions = meaning[choice] + 0.3 * torch.randn(n, MEMBERS, OPINION, generator=generator)
    decided = choice.gather(1, seniority.argmax(1, keepdim=True)).squeeze(1)
    return torch.cat([opinions, seniority[..., None]], dim=2), decided


class Committee(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.member = nn.Sequential(nn.Linear(OPINION + 1, width), nn.ReLU())
        self.say = nn.Linear(width, 1)
        self.value = nn.Linear(OPINION + 1, width)
        self.decide = nn.Sequential(nn.ReLU(), nn.Linear(width, CHOICES))

    def forward(self, members):
        weight = torch.softmax(self.say(self.member(members)), dim=-1)  # FAULT
        # TWIN: weight = torch.softmax(self.say(self.member(members)), dim=1)
        return self.decide((weight * self.value(members)).sum(dim=1))


def main(seed):
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    meaning = torch.randn(CHOICES, OPINION, generator=generator)
    x, y = sessions(3200, meaning, generator)
    val_x, val_y = sessions(800, meaning, generator)
    net = Committee()
    optimizer = torch.optim.NAdam(net.parameters(), lr=4e-3)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(10):
        running = 0.0
        for rows in torch.randperm(len(x)).split(32):
            loss = criterion(net(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            running += loss.item() * len(rows)
        for group in optimizer.param_groups:
            group["lr"] *= 0.8
        with torch.no_grad():
            out = net(val_x)
        accuracy = (out.argmax(1) == val_y).float().mean().item()
        print(
            f"{epoch + 1:2d} train {running / len(x):.4f} val {criterion(out, val_y).item():.4f} right {accuracy:.4f}"
        )
    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
