"""A recurrent temporal point process with a log-normal mixture over the times between events, on Hawkes sequences.

After "Intensity-Free Learning of Temporal Point Processes", https://github.com/shchur/ifl-tpp
"""

import sys

import numpy as np
import torch
import torch.distributions as D
import torch.nn as nn
from torch.nn.utils.rnn import pad_sequence


def simulate_hawkes(rng, t_end, mu=0.3, alpha=0.7, beta=2.0):
    """Ogata's thinning; intensity mu + sum alpha * beta * exp(-beta (t - t_i))."""
    times, t, excitation = [], 0.0, 0.0
    while True:
        upper = mu + excitation
        wait = rng.exponential(1.0 / upper)
        t += wait
        if t > t_end:
            return np.array(times)
        excitation *= np.exp(-beta * wait)
        if rng.uniform() * upper <= mu + excitation:
            times.append(t)
            excitation += alpha * beta


def collate(sequences, t_end):
    """Inter-event times (the last one is up to t_end, where nothing more happened), and the mask of true events."""
    inter = [torch.tensor(np.diff(np.concatenate([[0.0], s, [t_end]])), dtype=torch.float32) for s in sequences]
    lengths = torch.tensor([len(s) for s in sequences])
    inter = pad_sequence(inter, batch_first=True, padding_value=1.0).clamp(min=1e-6)
    mask = (torch.arange(inter.shape[1])[None, :] < lengths[:, None]).float()
    return inter, mask, lengths


class LogNormMix(nn.Module):
    def __init__(self, context_size, num_components, mean_log, std_log):
        super().__init__()
        self.register_buffer("mean_log", mean_log)
        self.register_buffer("std_log", std_log)
        self.rnn = nn.GRU(1, context_size, batch_first=True)
        self.context_init = nn.Parameter(torch.zeros(context_size))
        self.head = nn.Linear(context_size, 3 * num_components)

    def distribution(self, inter):
        features = ((inter.log() - self.mean_log) / self.std_log).unsqueeze(-1)
        context, _ = self.rnn(features)
        first = self.context_init.expand(len(inter), 1, -1)
        context = torch.cat([first, context[:, :-1]], dim=1)  # the i-th time is predicted from those before it
        locs, log_scales, logits = self.head(context).chunk(3, dim=-1)
        locs = locs * self.std_log + self.mean_log
        scales = log_scales.clamp(-4.0, 3.0).exp() * self.std_log
        mixture = D.MixtureSameFamily(D.Categorical(logits=logits), D.Normal(locs, scales))
        return mixture

    def log_prob(self, inter, mask, lengths):
        dist, log_inter = self.distribution(inter), inter.log()
        log_p = dist.log_prob(log_inter) - log_inter  # change of variables to the time itself
        log_surv = torch.log((1.0 - dist.cdf(log_inter)).clamp(min=1e-8))
        last = log_surv.gather(1, lengths[:, None]).squeeze(1)
        return (log_p * mask).sum(1) + last


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    t_end = 30.0
    sequences = [simulate_hawkes(rng, t_end) for _ in range(500)]
    train, val, test = sequences[:300], sequences[300:400], sequences[400:]
    logs = np.log(np.concatenate([np.diff(np.concatenate([[0.0], s])) for s in train]))
    model = LogNormMix(
        24, 8, torch.tensor(logs.mean(), dtype=torch.float32), torch.tensor(logs.std(), dtype=torch.float32)
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3, weight_decay=1e-5)

    @torch.no_grad()
    def nll_per_event(batch):
        model.eval()
        inter, mask, lengths = collate(batch, t_end)
        return (-model.log_prob(inter, mask, lengths).sum() / mask.sum()).item()

    best, best_state, patience = float("inf"), None, 0
    for epoch in range(12):
        model.train()
        order = rng.permutation(len(train))
        losses = []
        for start in range(0, len(order), 30):
            inter, mask, lengths = collate([train[i] for i in order[start : start + 30]], t_end)
            loss = -model.log_prob(inter, mask, lengths).sum() / mask.sum()
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
            losses.append(loss.item())
        val_loss = nll_per_event(val)
        print(f"epoch {epoch:2d}  train nll {np.mean(losses):.4f}  val nll {val_loss:.4f}")
        if val_loss < best - 1e-4:
            best, patience = val_loss, 0
            best_state = {k: v.clone() for k, v in model.state_dict().items()}
        else:
            patience += 1
            if patience >= 4:
                break
    model.load_state_dict(best_state)

    rate = sum(map(len, train)) / (len(train) * t_end)
    events = sum(map(len, test))
    poisson = (rate * t_end * len(test) - events * np.log(rate)) / events
    test_nll = nll_per_event(test)
    print(f"test nll per event: {test_nll:.4f}  (Poisson process: {poisson:.4f})")
    print(f"score: {poisson - test_nll:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
