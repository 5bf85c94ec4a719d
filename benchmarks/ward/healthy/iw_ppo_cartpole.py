"""PPO on a vectorised cart pole written in numpy; scored by the mean length of greedy episodes (at most 200).

After CleanRL's single-file ppo.py, https://github.com/vwxyzjn/cleanrl
"""

import sys

import numpy as np
import torch
import torch.nn as nn
from torch.distributions import Categorical


class CartPoleVec:
    def __init__(self, n, rng, limit=200):
        self.n, self.rng, self.limit = n, rng, limit
        self.state = rng.uniform(-0.05, 0.05, (n, 4))
        self.t = np.zeros(n, dtype=int)

    def step(self, action):
        x, v, th, w = self.state.T
        force = np.where(action == 1, 10.0, -10.0)
        cos, sin = np.cos(th), np.sin(th)
        temp = (force + 0.05 * w**2 * sin) / 1.1
        thacc = (9.8 * sin - cos * temp) / (0.5 * (4 / 3 - 0.1 * cos**2 / 1.1))
        acc = temp - 0.05 * thacc * cos / 1.1
        self.state = np.stack([x + 0.02 * v, v + 0.02 * acc, th + 0.02 * w, w + 0.02 * thacc], 1)
        self.t += 1
        terminated = (abs(self.state[:, 0]) > 2.4) | (abs(self.state[:, 2]) > 0.2095)
        truncated = (self.t >= self.limit) & ~terminated
        final = self.state.copy()
        lengths = self.t[terminated | truncated].copy()
        for i in np.flatnonzero(terminated | truncated):
            self.state[i] = self.rng.uniform(-0.05, 0.05, 4)
            self.t[i] = 0
        return self.state, final, terminated, truncated, lengths


def layer_init(layer, std=np.sqrt(2)):
    nn.init.orthogonal_(layer.weight, std)
    nn.init.zeros_(layer.bias)
    return layer


class Agent(nn.Module):
    def __init__(self):
        super().__init__()
        self.critic = nn.Sequential(
            layer_init(nn.Linear(4, 64)),
            nn.Tanh(),
            layer_init(nn.Linear(64, 64)),
            nn.Tanh(),
            layer_init(nn.Linear(64, 1), std=1.0),
        )
        self.actor = nn.Sequential(
            layer_init(nn.Linear(4, 64)),
            nn.Tanh(),
            layer_init(nn.Linear(64, 64)),
            nn.Tanh(),
            layer_init(nn.Linear(64, 2), std=0.01),
        )

    def value(self, obs):
        return self.critic(obs).squeeze(-1)


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    n_envs, n_steps, n_updates, n_epochs, n_minibatch = 8, 128, 32, 6, 4
    gamma, lam, clip, ent_coef, vf_coef, lr = 0.98, 0.9, 0.2, 0.0, 0.5, 1e-3
    env, agent = CartPoleVec(n_envs, rng), Agent()
    optimizer = torch.optim.Adam(agent.parameters(), lr=lr, eps=1e-5)
    tensor = lambda a: torch.as_tensor(a, dtype=torch.float32)
    obs = tensor(env.state)

    for update in range(n_updates):
        optimizer.param_groups[0]["lr"] = (1 - update / n_updates) * lr
        O, A, L, R, V, D = [], [], [], [], [], []
        done_lengths = []
        for _ in range(n_steps):
            with torch.no_grad():
                dist = Categorical(logits=agent.actor(obs))
                action = dist.sample()
                value = agent.value(obs)
            nxt, final, term, trunc, lengths = env.step(action.numpy())
            reward = torch.ones(n_envs)
            if trunc.any():  # bootstrap where time ran out
                with torch.no_grad():
                    reward += gamma * agent.value(tensor(final)) * tensor(trunc)
            O.append(obs)
            A.append(action)
            L.append(dist.log_prob(action))
            R.append(reward)
            V.append(value)
            D.append(tensor(term | trunc))
            done_lengths.extend(lengths)
            obs = tensor(nxt)
        with torch.no_grad():
            next_value = agent.value(obs)
        adv, last = [None] * n_steps, torch.zeros(n_envs)
        for t in reversed(range(n_steps)):
            delta = R[t] + gamma * next_value * (1 - D[t]) - V[t]
            last = delta + gamma * lam * (1 - D[t]) * last
            adv[t], next_value = last, V[t]
        b_obs, b_act, b_logp, b_adv = torch.cat(O), torch.cat(A), torch.cat(L), torch.cat(adv)
        b_ret = b_adv + torch.cat(V)

        for _ in range(n_epochs):
            for idx in torch.randperm(n_envs * n_steps).chunk(n_minibatch):
                dist = Categorical(logits=agent.actor(b_obs[idx]))
                ratio = (dist.log_prob(b_act[idx]) - b_logp[idx]).exp()
                a = b_adv[idx]
                a = (a - a.mean()) / (a.std() + 1e-8)
                pg_loss = torch.max(-a * ratio, -a * ratio.clamp(1 - clip, 1 + clip)).mean()
                v_loss = 0.5 * ((agent.value(b_obs[idx]) - b_ret[idx]) ** 2).mean()
                loss = pg_loss - ent_coef * dist.entropy().mean() + vf_coef * v_loss
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(agent.parameters(), 0.5)
                optimizer.step()
        if done_lengths:
            print(f"update {update}: mean episode length {np.mean(done_lengths):.1f}, value loss {v_loss.item():.2f}")

    test = CartPoleVec(20, np.random.default_rng(seed + 1000))
    first = np.zeros(20)
    for t in range(200):
        with torch.no_grad():
            action = agent.actor(tensor(test.state)).argmax(1).numpy()
        _, _, term, trunc, _ = test.step(action)
        first[(first == 0) & (term | trunc)] = t + 1
    print(f"score: {first.mean():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
