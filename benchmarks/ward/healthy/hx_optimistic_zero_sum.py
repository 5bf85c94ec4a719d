"""Two agents play a random zero-sum matrix game with mixed strategies (softmax of logits). Plain simultaneous
gradient play circles around the equilibrium, so each player takes optimistic steps (twice the new gradient minus
the previous one) by editing .grad before step(); the second player ascends via maximize=True.
Score: minus the exploitability of the final pair of strategies (0 is a Nash equilibrium)."""

import sys

import torch

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
torch.set_default_dtype(torch.float64)

# a generalised rock-paper-scissors with five moves and uneven stakes
MOVES = 5
stakes = torch.zeros(MOVES, MOVES)
for i in range(MOVES):
    for gap in (1, 2):
        stakes[i, (i + gap) % MOVES] = 0.5 + torch.rand(1).item()
payoff = stakes - stakes.T  # what the row player pays to the column player


class Player:
    def __init__(self, maximize):
        self.logits = (0.5 * torch.randn(MOVES)).requires_grad_()
        self.optimizer = torch.optim.SGD([self.logits], lr=2.0, maximize=maximize)
        self.previous = torch.zeros(MOVES)

    def strategy(self):
        return torch.softmax(self.logits, dim=0)

    def optimistic_step(self):
        gradient = self.logits.grad.clone()
        self.logits.grad.mul_(2).sub_(self.previous)
        self.previous = gradient
        self.optimizer.step()


def exploitability(row, column):
    return ((row @ payoff).max() - (payoff @ column).min()).item()


row, column = Player(maximize=False), Player(maximize=True)
with torch.no_grad():
    print(f"exploitability at the start: {exploitability(row.strategy(), column.strategy()):.4f}")

for step in range(1, 8001):
    row.optimizer.zero_grad()
    column.optimizer.zero_grad()
    value = row.strategy() @ payoff @ column.strategy()
    value.backward()
    row.optimistic_step()
    column.optimistic_step()
    if step % 1000 == 0:
        with torch.no_grad():
            gap = exploitability(row.strategy(), column.strategy())
        print(f"step {step}: value {value.item():+.5f}  exploitability {gap:.5f}")

print("row mix   ", [round(p, 3) for p in row.strategy().tolist()])
print("column mix", [round(p, 3) for p in column.strategy().tolist()])
print(f"score: {-gap:.6f}")
