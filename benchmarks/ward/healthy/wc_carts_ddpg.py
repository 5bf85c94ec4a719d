"""DDPG: 64 carts on a line are to be brought to rest at the origin. Actor with a tanh at its end, critic of state and
action side by side, target copies by Polyak averages, replay. Score: mean cost of the greedy policy, negative.
"""

import copy
import sys

import torch
import torch.nn as nn

torch.set_num_threads(1)


def net(n, m, *last):
    return nn.Sequential(nn.Linear(n, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, m), *last)


def move(state, push):
    place, speed = state.unbind(1)
    speed = (speed + 0.2 * push[:, 0]).clamp(-1, 1)
    place = (place + 0.2 * speed).clamp(-2, 2)
    cost = place.abs() + 0.1 * speed.abs()
    return torch.stack([place, speed], 1), -cost


def greedy(actor, n=256):
    gen = torch.Generator().manual_seed(5)
    state, total = torch.rand(n, 2, generator=gen) * torch.tensor([4.0, 0]) - torch.tensor([2.0, 0]), 0.0
    with torch.no_grad():
        for _ in range(40):
            state, reward = move(state, actor(state))
            total += reward.mean().item() / 40
    return total


def main(seed):
    torch.manual_seed(seed)
    actor, critic = net(2, 1, nn.Tanh()), net(3, 1)
    actor_t, critic_t = copy.deepcopy(actor), copy.deepcopy(critic)
    opt_a, opt_c = torch.optim.Adam(actor.parameters(), 1e-3), torch.optim.Adam(critic.parameters(), 1e-3)
    replay, state, age = [], torch.rand(64, 2) * 4 - 2, 0
    for step in range(1, 801):
        with torch.no_grad():
            push = (actor(state) + 0.3 * torch.randn(64, 1)).clamp(-1, 1)
        after, reward = move(state, push)
        replay = (replay + [(state, push, reward, after)])[-200:]
        state, age = after, age + 1
        if age == 40:
            state, age = torch.rand(64, 2) * 4 - 2, 0
        some = [replay[i] for i in torch.randint(len(replay), (4,))]
        s, a, r, s2 = (torch.cat(each) for each in zip(*some, strict=True))
        with torch.no_grad():
            target = r[:, None] + 0.95 * critic_t(torch.cat([s2, actor_t(s2)], 1))
        loss_c = nn.functional.mse_loss(critic(torch.cat([s, a], 1)), target)
        opt_c.zero_grad()
        loss_c.backward()
        opt_c.step()
        loss_a = -critic(torch.cat([s, actor(s)], 1)).mean()
        opt_a.zero_grad()
        loss_a.backward()
        opt_a.step()
        with torch.no_grad():
            for own, other in ((actor, actor_t), (critic, critic_t)):
                for p, q in zip(own.parameters(), other.parameters(), strict=True):
                    q.lerp_(p, 0.01)
        if step % 200 == 0:
            print(f"step {step}: critic {loss_c.item():.4f} actor {loss_a.item():.4f} greedy {greedy(actor):.4f}")
    print(f"score: {greedy(actor):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
