"""The adding problem: sum the two marked numbers of a sequence of 20 with an LSTM; new data are drawn at every step."""

import sys

import torch

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
T = 20


def get_batch(batch_size):
    values = torch.rand(batch_size, T)
    marks = torch.zeros(batch_size, T)
    first = torch.randint(0, T // 2, (batch_size, 1))
    second = torch.randint(T // 2, T, (batch_size, 1))
    marks.scatter_(1, first, 1.0)
    marks.scatter_(1, second, 1.0)
    targets = (values * marks).sum(dim=1, keepdim=True)
    return torch.stack([values, marks], dim=2), targets


class Adder(torch.nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.rnn = torch.nn.LSTM(2, hidden, batch_first=True)
        self.linear = torch.nn.Linear(hidden, 1)

    def forward(self, x):
        _, (h, _) = self.rnn(x)
        return self.linear(h[-1])


x_test, y_test = get_batch(1000)
baseline = ((y_test - 1.0) ** 2).mean().item()
print(f"always answering 1.0 gives an mse of {baseline:.4f}")

model = Adder(32)
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
mse = torch.nn.MSELoss()
for step in range(1, 601):
    x, y = get_batch(64)
    loss = mse(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    if step % 100 == 0:
        model.eval()
        with torch.no_grad():
            test_mse = mse(model(x_test), y_test).item()
        model.train()
        print(f"{step:4d}  batch {loss.item():.5f}  test {test_mse:.5f}")

print(f"score: {1 - test_mse / baseline:.4f}")
