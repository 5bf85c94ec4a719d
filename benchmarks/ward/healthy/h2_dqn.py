"""DQN with replay memory and a target network on a ten-cell corridor with a small reward left, a large one right."""

import random
import sys
from collections import deque

import torch
import torch.nn as nn

torch.set_num_threads(1)
N_CELLS = 10
GAMMA = 0.95


class Corridor:
    def reset(self):
        self.cell = random.randrange(1, N_CELLS - 1)
        self.t = 0
        return self.observe()

    def observe(self):
        one_hot = [0.0] * N_CELLS
        one_hot[self.cell] = 1.0
        return one_hot

    def step(self, action):
        self.t += 1
        self.cell += 1 if action == 1 else -1
        terminal = self.cell in (0, N_CELLS - 1)
        reward = 1.0 if self.cell == N_CELLS - 1 else (0.1 if self.cell == 0 else -0.01)
        return self.observe(), reward, terminal


def make_net():
    return nn.Sequential(nn.Linear(N_CELLS, 32), nn.ReLU(), nn.Linear(32, 2))


def optimize_model(policy_net, target_net, memory, optimizer, batch_size=32):
    batch = random.sample(memory, batch_size)
    state, action, reward, next_state, terminal = zip(*batch, strict=True)
    state, next_state = torch.tensor(state), torch.tensor(next_state)
    reward, terminal = torch.tensor(reward), torch.tensor(terminal, dtype=torch.float32)
    q = policy_net(state).gather(1, torch.tensor(action).unsqueeze(1)).squeeze(1)
    with torch.no_grad():
        expected = reward + GAMMA * (1 - terminal) * target_net(next_state).max(1).values
    loss = nn.SmoothL1Loss()(q, expected)
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_value_(policy_net.parameters(), 100)
    optimizer.step()
    return loss.item()


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    random.seed(seed)
    torch.manual_seed(seed)
    env, memory = Corridor(), deque(maxlen=2000)
    policy_net, target_net = make_net(), make_net()
    target_net.load_state_dict(policy_net.state_dict())
    optimizer = torch.optim.AdamW(policy_net.parameters(), lr=2e-3, amsgrad=True)
    steps, loss = 0, float("nan")
    for episode in range(150):
        state, done, total = env.reset(), False, 0.0
        while not done and env.t < 40:
            epsilon = max(0.05, 1.0 - steps / 600)
            if random.random() < epsilon:
                action = random.randrange(2)
            else:
                with torch.no_grad():
                    action = policy_net(torch.tensor(state)).argmax().item()
            next_state, reward, done = env.step(action)
            memory.append((state, action, reward, next_state, done))
            state, total, steps = next_state, total + reward, steps + 1
            if len(memory) >= 100:
                loss = optimize_model(policy_net, target_net, memory, optimizer)
            if steps % 50 == 0:
                target_net.load_state_dict(policy_net.state_dict())
        if (episode + 1) % 25 == 0:
            print(f"episode {episode + 1} steps {steps} return {total:.2f} loss {loss:.5f}")

    returns = []
    for _ in range(50):
        state, done, total = env.reset(), False, 0.0
        while not done and env.t < 40:
            with torch.no_grad():
                state, reward, done = env.step(policy_net(torch.tensor(state)).argmax().item())
            total += reward
        returns.append(total)
    print(f"score: {sum(returns) / len(returns):.4f}")


if __name__ == "__main__":
    main()
