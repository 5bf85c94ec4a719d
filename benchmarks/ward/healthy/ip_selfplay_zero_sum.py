"""Two policies for a hidden-hand betting game (one card of six each, bet or check, call or fold) in self-play: the game
is zero-sum, so the losses are each other's negatives and go nowhere; magnetic mirror descent on the exact payoff
(relative entropy to a slowly moving average) makes them settle. Score: minus the exploitability of the average pair.
"""

import sys

import torch
import torch.nn as nn

torch.set_num_threads(1)
CARDS = 6


def policy_net():
    return nn.Sequential(nn.Embedding(CARDS, 24), nn.Tanh(), nn.Linear(24, 24), nn.Tanh(), nn.Linear(24, 1))


def payoff(bet, call):
    """First player's mean gain: antes of 1, a bet of 2 more; after a check the cards are shown."""
    a, b = torch.arange(CARDS)[:, None], torch.arange(CARDS)[None]
    deal = (a != b).float() / (CARDS * (CARDS - 1))
    wins = torch.sign(a - b).float()
    bet, call = bet[:, None], call[None]
    gain = (1 - bet) * wins + bet * (call * 3 * wins + (1 - call))
    return (deal * gain).sum()


def best_response_value(bet, call, first):
    """What an exact best response to the other side earns, one card at a time as the payoff is linear in each."""
    mine = (bet if first else call).clone().requires_grad_(True)
    value = payoff(mine, call) if first else -payoff(bet, mine)
    slope = torch.autograd.grad(value, mine)[0]
    return (value + (slope * ((slope > 0).float() - mine)).sum()).item()


def kl(p, q):
    p, q = p.clamp(1e-6, 1 - 1e-6), q.clamp(1e-6, 1 - 1e-6)
    return (p * (p / q).log() + (1 - p) * ((1 - p) / (1 - q)).log()).mean()


def main(seed):
    torch.manual_seed(seed)
    cards = torch.arange(CARDS)
    bettor, caller = policy_net(), policy_net()
    opt_b, opt_c = (torch.optim.Adam(n.parameters(), lr=3e-3, betas=(0.5, 0.99)) for n in (bettor, caller))
    slow_b = slow_c = torch.full((CARDS,), 0.5)
    for step in range(1, 2501):
        bet, call = bettor(cards).sigmoid().squeeze(1), caller(cards).sigmoid().squeeze(1)
        loss_b = -payoff(bet, call.detach()) + 0.1 * kl(bet, slow_b)
        loss_c = payoff(bet.detach(), call) + 0.1 * kl(call, slow_c)
        for opt, loss in ((opt_b, loss_b), (opt_c, loss_c)):
            opt.zero_grad()
            loss.backward()
            opt.step()
        slow_b, slow_c = slow_b.lerp(bet.detach(), 0.01), slow_c.lerp(call.detach(), 0.01)
        if step % 250 == 0:
            gap = best_response_value(slow_b, slow_c, True) + best_response_value(slow_b, slow_c, False)
            print(f"step {step}: bettor {loss_b.item():+.4f} caller {loss_c.item():+.4f} exploitability {gap:.4f}")
    gap = best_response_value(slow_b, slow_c, True) + best_response_value(slow_b, slow_c, False)
    print(f"score: {-gap:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
