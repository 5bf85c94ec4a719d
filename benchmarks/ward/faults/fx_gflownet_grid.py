"""Trains a GFlowNet with trajectory balance on a small grid, so that it samples cells in proportion to their reward.

After https://github.com/alexhernandezgarcia/gflownet/pull/251
"""
# cause: detached-graph
# kind: dynamic

import sys

import torch
import torch.nn as nn

H = 6  # cells per side
EOS = 2  # actions: 0 moves along x, 1 moves along y, 2 ends


class Grid:
    """Starts in (0, 0); every action adds one to a coordinate, or ends the trajectory."""

    def __init__(self):
        c = torch.stack(torch.meshgrid(torch.arange(H), torch.arange(H), indexing="ij"), -1).float()
        d = (c / (H - 1) - 0.5).abs()
        self.rewards = 0.05 + 1.0 * (d > 0.25).all(-1).float() + 2.0 * ((d > 0.25) & (d < 0.4)).all(-1).float()

    def state2policy(self, states):
        return nn.functional.one_hot(states, H).flatten(-2).float()

    def get_mask_invalid(self, states):
        stop = torch.zeros(len(states), 1, dtype=torch.bool)
        return torch.cat((states == H - 1, stop), dim=1)

    def get_logprobs(self, policy_outputs, actions, mask_invalid):
        """Log-probabilities of the actions, after the invalid ones are masked out."""
        logits = policy_outputs.clone().detach()  # FAULT
        # TWIN: logits = policy_outputs.clone()
        logits[mask_invalid] = -1e9
        logprobs = torch.log_softmax(logits, dim=1)
        return logprobs[torch.arange(len(actions)), actions]

    def log_backward(self, states):
        """Uniform backward policy: a cell has as many parents as coordinates above zero."""
        return -(states > 0).sum(-1).clamp(min=1).float().log()


class GFlowNetAgent:
    def __init__(self, env, lr=2e-3, lr_z=0.05):
        self.env = env
        self.forward_policy = nn.Sequential(
            nn.Linear(2 * H, 64), nn.LeakyReLU(), nn.Linear(64, 64), nn.LeakyReLU(), nn.Linear(64, 3)
        )
        self.log_z = nn.Parameter(torch.zeros(1))
        self.opt = torch.optim.Adam(
            [{"params": self.forward_policy.parameters(), "lr": lr}, {"params": [self.log_z], "lr": lr_z}]
        )

    def sample_batch(self, n):
        states = torch.zeros(n, 2, dtype=torch.long)
        done = torch.zeros(n, dtype=torch.bool)
        steps = []
        while not done.all():
            alive = (~done).nonzero().squeeze(1)
            cur = states[alive].clone()
            mask = self.env.get_mask_invalid(cur)
            with torch.no_grad():
                logits = self.forward_policy(self.env.state2policy(cur)).masked_fill(mask, -1e9)
            actions = torch.distributions.Categorical(logits=logits).sample()
            steps.append((alive, cur, actions, mask))
            moving = actions != EOS
            states[alive[moving], actions[moving]] += 1
            done[alive[~moving]] = True
        return states, [torch.cat(x) for x in zip(*steps)]

    def trajectorybalance_loss(self, n):
        final, (traj, states, actions, mask) = self.sample_batch(n)
        outputs = self.forward_policy(self.env.state2policy(states))
        logprobs_f = self.env.get_logprobs(outputs, actions, mask)
        logprobs_b = torch.where(
            actions == EOS,
            torch.zeros(len(actions)),
            self.env.log_backward(states + nn.functional.one_hot(actions, 3)[:, :2]),
        )
        balance = torch.zeros(n).index_add(0, traj, logprobs_f - logprobs_b)
        log_rewards = self.env.rewards[final[:, 0], final[:, 1]].log()
        return (self.log_z + balance - log_rewards).pow(2).mean()

    def train(self, n_steps, batch_size=32):
        for it in range(n_steps):
            self.opt.zero_grad()
            loss = self.trajectorybalance_loss(batch_size)
            loss.backward()
            self.opt.step()
            if (it + 1) % 100 == 0:
                print(f"iter {it + 1}: TB loss {loss.item():.4f}  logZ {self.log_z.item():.3f}  l1 {self.l1():.3f}")

    @torch.no_grad()
    def l1(self):
        """Distance between the true distribution and the exact one of the sampler."""
        reach, ends = torch.zeros(H, H), torch.zeros(H, H)
        reach[0, 0] = 1.0
        for x in range(H):
            for y in range(H):
                s = torch.tensor([[x, y]])
                logits = self.forward_policy(self.env.state2policy(s))
                p = logits.masked_fill(self.env.get_mask_invalid(s), -1e9).softmax(1)[0] * reach[x, y]
                ends[x, y] = p[EOS]
                if x < H - 1:
                    reach[x + 1, y] += p[0]
                if y < H - 1:
                    reach[x, y + 1] += p[1]
        return (ends - self.env.rewards / self.env.rewards.sum()).abs().sum().item()


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    agent = GFlowNetAgent(Grid())
    agent.train(400)
    print("true logZ", round(agent.env.rewards.sum().log().item(), 3))
    print(f"score: {1 - agent.l1() / 2:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
