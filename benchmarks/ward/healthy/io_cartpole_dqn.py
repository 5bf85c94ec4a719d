"""DQN on a hand-written CartPole: replay memory, epsilon decay, Huber loss, a soft-updated target net, as in tutorials,
eight environments stepped at once. Score: mean length (of at most 200) of 50 greedy test episodes.
"""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
LIMIT = 200


class CartPoles:
    def __init__(self, n):
        self.n = n
        self.state = torch.empty(n, 4).uniform_(-0.05, 0.05)
        self.age = torch.zeros(n)

    def step(self, action):
        x, v, th, w = self.state.unbind(1)
        force = 20.0 * action.float() - 10.0
        sin, cos = th.sin(), th.cos()
        temp = (force + 0.05 * w**2 * sin) / 1.1
        acc = (9.8 * sin - cos * temp) / (0.5 * (4 / 3 - 0.1 * cos**2 / 1.1))
        push = temp - 0.05 * acc * cos / 1.1
        self.state = torch.stack([x + 0.02 * v, v + 0.02 * push, th + 0.02 * w, w + 0.02 * acc], 1)
        self.age += 1
        fell = (self.state[:, 0].abs() > 2.4) | (self.state[:, 2].abs() > 0.2095)
        return self.state.clone(), fell

    def reset(self, where):
        self.state[where] = torch.empty(int(where.sum()), 4).uniform_(-0.05, 0.05)
        self.age[where] = 0


class Memory:
    def __init__(self, size):
        self.size, self.count = size, 0
        self.s, self.s2 = torch.zeros(size, 4), torch.zeros(size, 4)
        self.a, self.fell = torch.zeros(size, dtype=torch.long), torch.zeros(size)

    def push(self, s, a, s2, fell):
        where = torch.arange(self.count, self.count + len(s)) % self.size
        self.s[where], self.a[where], self.s2[where], self.fell[where] = s, a, s2, fell.float()
        self.count += len(s)

    def sample(self, n):
        i = torch.randint(min(self.count, self.size), (n,))
        return self.s[i], self.a[i], self.s2[i], self.fell[i]


def make_net():
    return nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))


@torch.no_grad()
def play(net, scale, n=50):
    env, alive, length = CartPoles(n), torch.ones(n, dtype=torch.bool), torch.zeros(n)
    for _ in range(LIMIT):
        length += alive
        _, fell = env.step(net(env.state * scale).argmax(1))
        alive &= ~fell
    return length.mean().item()


def main(seed):
    torch.manual_seed(seed)
    scale = torch.tensor([1.0, 1.0, 5.0, 1.0])
    env, memory = CartPoles(8), Memory(10000)
    policy, target = make_net(), make_net()
    target.load_state_dict(policy.state_dict())
    optimizer = torch.optim.AdamW(policy.parameters(), lr=1e-3, amsgrad=True)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.1, total_iters=3500)
    losses = []
    for t in range(1, 3801):
        epsilon = max(0.05, 1 - t / 1000)
        state = env.state.clone()
        with torch.no_grad():
            action = policy(state * scale).argmax(1)
        action = torch.where(torch.rand(8) < epsilon, torch.randint(2, (8,)), action)
        after, fell = env.step(action)
        memory.push(state, action, after, fell)
        env.reset(fell | (env.age >= LIMIT))
        if memory.count < 800:
            continue
        s, a, s2, end = memory.sample(128)
        with torch.no_grad():
            best = target(s2 * scale).max(1).values
        q = policy(s * scale).gather(1, a[:, None]).squeeze(1)
        loss = F.smooth_l1_loss(q, 0.1 + 0.98 * best * (1 - end))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_value_(policy.parameters(), 100)
        optimizer.step()
        schedule.step()
        with torch.no_grad():
            for p, q_ in zip(target.parameters(), policy.parameters()):
                p.lerp_(q_, 0.01)
        losses.append(loss.item())
        if t % 380 == 0:
            print(
                f"step {t}: loss {sum(losses[-300:]) / 300:.5f} eps {epsilon:.2f} greedy {play(policy, scale, 20):.1f}"
            )
    print(f"score: {play(policy, scale):.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
