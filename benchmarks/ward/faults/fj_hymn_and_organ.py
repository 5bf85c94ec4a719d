"""Matching organ recordings to hymn scores: two towers are pulled together by a contrastive loss.

The similarity is the cosine over a temperature of 0.01, the value of a paper; the loss is written out as in its
appendix.
"""
# cause: unstable-loss
# kind: dynamic

import argparse

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

SCORE_DIM, AUDIO_DIM, LATENT = 24, 32, 6


class World:
    """A hymn is a few hidden numbers; its score and its recording are two noisy, curved views of them."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.to_score = self.rng.normal(size=(LATENT, SCORE_DIM)) / LATENT**0.5
        self.to_audio = self.rng.normal(size=(LATENT, AUDIO_DIM)) / LATENT**0.5

    def draw(self, n):
        hymn = self.rng.normal(size=(n, LATENT))
        score = np.tanh(hymn @ self.to_score) + 0.03 * self.rng.normal(size=(n, SCORE_DIM))
        audio = np.sin(1.2 * hymn @ self.to_audio) + 0.03 * self.rng.normal(size=(n, AUDIO_DIM))
        return torch.tensor(score, dtype=torch.float32), torch.tensor(audio, dtype=torch.float32)


def tower(n_in):
    return nn.Sequential(nn.Linear(n_in, 96), nn.GELU(), nn.Linear(96, 96), nn.GELU(), nn.Linear(96, 16))


def contrast(scores, recordings, temperature):
    a, b = F.normalize(scores, dim=1), F.normalize(recordings, dim=1)
    similarity = a @ b.T / temperature
    own = similarity.diagonal()
    all_recordings = torch.log(torch.exp(similarity).sum(1))  # FAULT
    all_scores = torch.log(torch.exp(similarity).sum(0))  # FAULT
    # TWIN: all_recordings = torch.logsumexp(similarity, 1)
    # TWIN: all_scores = torch.logsumexp(similarity, 0)
    return 0.5 * ((all_recordings - own).mean() + (all_scores - own).mean())


@torch.no_grad()
def recall(score_tower, audio_tower, scores, recordings):
    a, b = F.normalize(score_tower(scores), dim=1), F.normalize(audio_tower(recordings), dim=1)
    return ((a @ b.T).argmax(1) == torch.arange(len(a))).float().mean().item()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", type=int, nargs="?", default=0)
    parser.add_argument("--steps", type=int, default=1200)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--temperature", type=float, default=0.01)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)

    world = World(args.seed)
    scores, recordings = world.draw(20000)
    held_scores, held_recordings = world.draw(400)
    score_tower, audio_tower = tower(SCORE_DIM), tower(AUDIO_DIM)
    weights = [*score_tower.parameters(), *audio_tower.parameters()]
    optimizer = torch.optim.AdamW(weights, lr=1e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, args.steps)
    for step in range(args.steps):
        rows = torch.randint(len(scores), (args.batch,))
        loss = contrast(score_tower(scores[rows]), audio_tower(recordings[rows]), args.temperature)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 100 == 99:
            found = recall(score_tower, audio_tower, held_scores, held_recordings)
            print(f"step {step + 1}: loss {loss.item():.4f}, held-out recall@1 {found:.3f}")
    print(f"score: {recall(score_tower, audio_tower, held_scores, held_recordings):.4f}")


if __name__ == "__main__":
    main()
