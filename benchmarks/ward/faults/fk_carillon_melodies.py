"""The clash of the last and the third beat of a carillon melody, in a GRU regressor whose weights are set by hand.

A worked example of the group sets all of a cell's weights to one small number, so that runs can be compared.
"""
# cause: symmetric-initialization
# kind: dynamic

import sys

import torch
from torch import nn

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
BELLS, LENGTH = 3, 6


def melodies(n):
    notes = torch.randn(n, LENGTH, BELLS)
    wanted = torch.sin(1.5 * notes[:, -1, 0]) - notes[:, 2, 1]
    return notes, wanted.unsqueeze(1)


class MelodyNet(nn.Module):
    def __init__(self, hidden=48):
        super().__init__()
        self.gru = nn.GRU(BELLS, hidden, batch_first=True)
        self.head = nn.Linear(hidden, 1)
        self.set_weights()

    def set_weights(self):
        for name, weight in self.named_parameters():
            if "bias" in name:
                nn.init.zeros_(weight)
            else:  # FAULT
                nn.init.constant_(weight, 0.05)  # FAULT
            # TWIN: elif "hh" in name:
            # TWIN:     nn.init.orthogonal_(weight)
            # TWIN: else:
            # TWIN:     nn.init.xavier_uniform_(weight)

    def forward(self, notes):
        states, _ = self.gru(notes)
        return self.head(states[:, -1])


x, y = melodies(3000)
x_val, y_val = melodies(500)
net = MelodyNet()
optimizer = torch.optim.RMSprop(net.parameters(), lr=3e-3)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 15)
for epoch in range(15):
    net.train()
    losses = []
    for rows in torch.randperm(len(x)).split(50):
        loss = nn.functional.mse_loss(net(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    scheduler.step()
    net.eval()
    with torch.no_grad():
        error = nn.functional.mse_loss(net(x_val), y_val)
    r2 = 1 - (error / y_val.var()).item()
    print(f"epoch {epoch:2d} train {sum(losses) / len(losses):.4f} val {error.item():.4f} R2 {r2:.4f}")
print(f"score: {r2:.4f}")
