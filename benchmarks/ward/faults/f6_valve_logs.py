"""Which of five kinds of event happened somewhere in the first half of a noisy log of 90 readings (tanh RNN).

Only the state after the last reading is used, and a plain RNN does not carry the event that far.
"""
# cause: vanishing-through-time
# accept: vanishing-gradient
# kind: dynamic

import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
KINDS, LENGTH = 5, 90


def logs(n):
    kind = torch.randint(0, KINDS, (n,))
    shapes = torch.tensor(
        [[1.0, 1, 1, 1], [1, -1, 1, -1], [-1, -1, -1, -1], [1, 1, -1, -1], [-1, -1, 1, 1]],
    )
    x = 0.3 * torch.randn(n, LENGTH)
    start = torch.randint(2, LENGTH // 2, (n,))
    for k in range(4):
        x[torch.arange(n), start + k] += 2 * shapes[kind, k]
    return x.unsqueeze(-1), kind


class LogNet(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.rnn = nn.RNN(1, hidden, batch_first=True)
        self.fc = nn.Linear(hidden, KINDS)

    def forward(self, x):
        states, _ = self.rnn(x)
        return self.fc(states[:, -1])  # FAULT
        # TWIN: return self.fc(states.max(dim=1).values)


train_loader = DataLoader(TensorDataset(*logs(1500)), batch_size=50, shuffle=True)
x_val, y_val = logs(400)
net = LogNet()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)

for epoch in range(8):
    for x, y in train_loader:
        loss = criterion(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
    with torch.no_grad():
        accuracy = net(x_val).argmax(1).eq(y_val).float().mean().item()
    print(f"epoch {epoch + 1}/8  last loss {loss.item():.4f}  val accuracy {accuracy:.4f}")

print(f"score: {accuracy:.4f}")
