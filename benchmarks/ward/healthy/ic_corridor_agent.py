"""Actor and critic (one-step advantage over short rollouts) on a 5x5 room with a pit: find the goal in few steps."""

import sys

import torch
import torch.nn as nn

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
SIDE, GOAL, PIT, LIMIT = 5, 24, 12, 30
MOVES = torch.tensor([[-1, 0], [1, 0], [0, -1], [0, 1]])


class Rooms:
    """Many rooms at once; an episode starts anywhere but at the goal or in the pit."""

    def __init__(self, n):
        self.place, self.age = torch.zeros(n, dtype=torch.long), torch.zeros(n, dtype=torch.long)
        self.restart(torch.ones(n, dtype=torch.bool))

    def restart(self, which):
        start = torch.randint(0, SIDE * SIDE - 1, (len(which),))
        start = torch.where(start == PIT, 0, start)
        self.place = torch.where(which, start, self.place)
        self.age = torch.where(which, 0, self.age)

    def step(self, action):
        row = (self.place // SIDE + MOVES[action, 0]).clamp(0, SIDE - 1)
        column = (self.place % SIDE + MOVES[action, 1]).clamp(0, SIDE - 1)
        self.place = row * SIDE + column
        self.age += 1
        reward = (self.place == GOAL).float() - (self.place == PIT).float() - 0.02
        ended = (self.place == GOAL) | (self.place == PIT)
        late = (self.age >= LIMIT) & ~ended
        return reward, ended, late


class Agent(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(SIDE * SIDE, 48), nn.Tanh())
        self.policy = nn.Linear(48, 4)
        self.value = nn.Linear(48, 1)

    def forward(self, place):
        h = self.body(nn.functional.one_hot(place, SIDE * SIDE).float())
        return torch.distributions.Categorical(logits=self.policy(h)), self.value(h).squeeze(-1)


agent = Agent()
optimizer = torch.optim.Adam(agent.parameters(), lr=4e-3)
rooms, gamma = Rooms(32), 0.97
for update in range(1, 501):
    policy_losses, value_losses, entropies, rewards, steps = [], [], [], 0.0, []
    for _ in range(8):
        policy, value = agent(rooms.place)
        action = policy.sample()
        reward, ended, late = rooms.step(action)
        with torch.no_grad():
            follow = agent(rooms.place)[1]
        steps.append((policy.log_prob(action), value, policy.entropy(), reward, follow, ended, ended | late))
        rooms.restart(ended | late)
        rewards += reward.mean().item() / 8
    future = steps[-1][4]
    for log_prob, value, entropy, reward, follow, ended, over in reversed(steps):
        future = reward + gamma * torch.where(ended, 0.0, torch.where(over, follow, future))
        advantage = future - value
        policy_losses.append(-(log_prob * advantage.detach()).mean())
        value_losses.append(advantage.pow(2).mean())
        entropies.append(entropy.mean())
    loss = sum(policy_losses) / 8 + 0.5 * sum(value_losses) / 8 - 0.01 * sum(entropies) / 8
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(agent.parameters(), 0.5)
    optimizer.step()
    if update % 50 == 0:
        print(f"update {update}: reward per step {rewards:.3f}, entropy {entropies[-1].item():.3f}")

rooms = Rooms(400)
arrived = torch.zeros(400, dtype=torch.bool)
alive = torch.ones(400, dtype=torch.bool)
with torch.no_grad():
    for _ in range(10):
        policy, _ = agent(rooms.place)
        rooms.step(policy.probs.argmax(1))
        arrived |= alive & (rooms.place == GOAL)
        alive &= (rooms.place != GOAL) & (rooms.place != PIT)
print(f"score: {arrived.float().mean().item():.4f}")
