"""PPO on a contextual bandit: actions are drawn from the current policy, then four epochs of minibatches maximize the
clipped surrogate with an entropy bonus while a value head fits the reward. Scored by the greedy policy's mean reward on
new contexts as a share of the best possible.
"""

import sys

import torch
import torch.nn as nn
from torch.distributions import Categorical

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
ACTIONS, CONTEXT, CLIP = 4, 6, 0.2

weights = torch.randn(ACTIONS, CONTEXT)


def mean_reward(context):
    return torch.sigmoid(context @ weights.T)  # one column per action


class Agent(nn.Module):
    def __init__(self, hidden=64):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(CONTEXT, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh())
        self.policy = nn.Linear(hidden, ACTIONS)
        self.value = nn.Linear(hidden, 1)
        for layer, gain in ((self.trunk[0], 1.4), (self.trunk[2], 1.4), (self.policy, 0.01), (self.value, 1.0)):
            nn.init.orthogonal_(layer.weight, gain)
            nn.init.zeros_(layer.bias)

    def forward(self, context):
        h = self.trunk(context)
        return Categorical(logits=self.policy(h)), self.value(h).squeeze(1)


agent = Agent()
optimizer = torch.optim.Adam(agent.parameters(), lr=3e-3, eps=1e-5)
test = torch.randn(2000, CONTEXT)
ceiling = mean_reward(test).max(1).values.mean()
ITERATIONS = 25
for iteration in range(ITERATIONS):
    for group in optimizer.param_groups:
        group["lr"] = 3e-3 * (1 - iteration / ITERATIONS)
    with torch.no_grad():
        context = torch.randn(512, CONTEXT)
        pi, value = agent(context)
        action = pi.sample()
        old_log_prob = pi.log_prob(action)
        reward = torch.bernoulli(mean_reward(context).gather(1, action[:, None]).squeeze(1))
        advantage = reward - value
        advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
    for _ in range(4):
        for i in torch.randperm(512).split(64):
            pi, value = agent(context[i])
            ratio = (pi.log_prob(action[i]) - old_log_prob[i]).exp()
            surrogate = torch.min(ratio * advantage[i], ratio.clamp(1 - CLIP, 1 + CLIP) * advantage[i])
            value_loss = (value - reward[i]).pow(2).mean()
            loss = -surrogate.mean() + 0.5 * value_loss - 0.01 * pi.entropy().mean()
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(agent.parameters(), 0.5)
            optimizer.step()
    if (iteration + 1) % 5 == 0:
        with torch.no_grad():
            greedy = agent(test)[0].logits.argmax(1, keepdim=True)
            result = mean_reward(test).gather(1, greedy).mean() / ceiling
        print(f"iteration {iteration + 1}: reward {reward.mean():.3f} value loss {value_loss:.3f} greedy {result:.3f}")
print(f"score: {result:.4f}")
