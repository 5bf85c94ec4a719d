"""Volleyball league: one strength rating per team plus home advantage, fitted to set-point differences.

Later rounds are predicted from earlier ones; the score is the R2 of the point difference on the later rounds.
"""

import sys

import torch
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

N_TEAMS, ROUNDS = 28, 12

# season: every pair meets once per round at a random venue
true_attack = torch.randn(N_TEAMS) * 3.0
true_defence = torch.randn(N_TEAMS) * 3.0
games = []
for round_no in range(ROUNDS):
    for a in range(N_TEAMS):
        for b in range(a + 1, N_TEAMS):
            home, away = (a, b) if torch.rand(()) < 0.5 else (b, a)
            edge = true_attack[home] - true_defence[away] - (true_attack[away] - true_defence[home]) + 2.0
            games.append((round_no, home, away, (edge + 4.0 * torch.randn(())).item()))
rounds = torch.tensor([g[0] for g in games])
home = torch.tensor([g[1] for g in games])
away = torch.tensor([g[2] for g in games])
margin = torch.tensor([g[3] for g in games])
past, future = rounds < 9, rounds >= 9


class Ratings(nn.Module):
    def __init__(self, n_teams, spread):
        super().__init__()
        self.strength = nn.Embedding(n_teams, 1)
        nn.init.zeros_(self.strength.weight)
        self.home_advantage = nn.Parameter(torch.zeros(()))
        self.spread = spread

    def forward(self, home, away):
        gap = self.strength(home) - self.strength(away)
        return self.spread * (gap.squeeze(1) + self.home_advantage)


h_past, a_past, m_past = home[past], away[past], margin[past]
model = Ratings(N_TEAMS, spread=m_past.std().item())
opt = torch.optim.SGD(model.parameters(), lr=0.004, momentum=0.9)
step = 0
for epoch in range(25):
    for batch in torch.randperm(len(m_past)).split(64):
        opt.zero_grad()
        residual = (model(h_past[batch], a_past[batch]) - m_past[batch]) / model.spread
        loss = residual.pow(2).mean()
        loss.backward()
        opt.step()
        step += 1
    if epoch % 5 == 4:
        with torch.no_grad():
            fit = ((model(h_past, a_past) - m_past) / model.spread).pow(2).mean().item()
        print(f"epoch {epoch + 1}, step {step}: normalised squared error {fit:.4f}")

with torch.no_grad():
    predicted = model(home[future], away[future])
    actual = margin[future]
    table = model.strength.weight.squeeze(1).argsort(descending=True)[:3].tolist()
    r2 = 1 - (predicted - actual).pow(2).sum() / (actual - actual.mean()).pow(2).sum()
print(f"home advantage {model.home_advantage.item() * model.spread:.2f} points, top three teams {table}")
print(f"winner right in {((predicted > 0) == (actual > 0)).float().mean().item():.3f} of the later games")
print(f"score: {r2.item():.4f}")
