"""Advantage actor-critic (synchronous, 16 copies of a 5x5 grid world with a pit): entropy bonus, one optimizer for
both heads, RMSprop, returns bootstrapped over 8 steps. Score: mean return of the greedy policy from random starts.
"""

import sys

import torch
import torch.nn as nn
from torch.distributions import Categorical

torch.set_num_threads(1)
SIZE, GOAL, PIT = 5, torch.tensor([4, 4]), torch.tensor([2, 2])
MOVES = torch.tensor([[-1, 0], [1, 0], [0, -1], [0, 1]])


class Grid:
    def __init__(self, n):
        self.n = n
        self.pos = torch.randint(0, SIZE - 1, (n, 2))
        self.age = torch.zeros(n, dtype=torch.long)

    def observe(self):
        return nn.functional.one_hot(self.pos[:, 0] * SIZE + self.pos[:, 1], SIZE * SIZE).float()

    def step(self, action):
        self.pos = (self.pos + MOVES[action]).clamp(0, SIZE - 1)
        self.age += 1
        goal, pit = (self.pos == GOAL).all(1), (self.pos == PIT).all(1)
        done = goal | pit | (self.age >= 30)
        reward = goal.float() - pit.float() - 0.02
        self.pos[done] = torch.randint(0, SIZE - 1, (int(done.sum()), 2))
        self.age[done] = 0
        return reward, done


class ActorCritic(nn.Module):
    def __init__(self):
        super().__init__()
        self.shared = nn.Sequential(nn.Linear(SIZE * SIZE, 48), nn.Tanh())
        self.policy, self.value = nn.Linear(48, 4), nn.Linear(48, 1)

    def forward(self, obs):
        h = self.shared(obs)
        return self.policy(h), self.value(h).squeeze(1)


def greedy_return(net, n=200):
    env = Grid(n)
    total, alive = torch.zeros(n), torch.ones(n, dtype=torch.bool)
    with torch.no_grad():
        for _ in range(30):
            reward, done = env.step(net(env.observe())[0].argmax(1))
            total += reward * alive
            alive &= ~done
    return total.mean().item()


def main(seed):
    torch.manual_seed(seed)
    env, net = Grid(16), ActorCritic()
    optimizer = torch.optim.RMSprop(net.parameters(), lr=3e-3, alpha=0.99, eps=1e-5)
    for update in range(1, 501):
        steps = []
        for _ in range(8):
            logits, value = net(env.observe())
            dist = Categorical(logits=logits)
            action = dist.sample()
            steps.append((dist.log_prob(action), dist.entropy(), value, *env.step(action)))
        logps, entropies, values, rewards, dones = zip(*steps, strict=True)
        ret, returns = net(env.observe())[1].detach(), []
        for reward, done in zip(reversed(rewards), reversed(dones), strict=True):
            ret = reward + 0.97 * ret * (~done)
            returns.insert(0, ret)
        advantage = torch.stack(returns) - torch.stack(values)
        actor_loss, critic_loss = -(torch.stack(logps) * advantage.detach()).mean(), advantage.pow(2).mean()
        entropy = torch.stack(entropies).mean()
        loss = actor_loss + 0.5 * critic_loss - 0.01 * entropy
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 0.5)
        optimizer.step()
        if update % 50 == 0:
            print(
                f"update {update}: actor {actor_loss.item():+.4f} critic {critic_loss.item():.4f} "
                f"entropy {entropy.item():.3f} greedy return {greedy_return(net):+.3f}"
            )
    print(f"score: {greedy_return(net, 500):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
