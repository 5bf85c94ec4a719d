"""Trains a small recurrent language model that has to say after each prompt whether the text goes on or ends:
cross-entropy on the next token, plus penalties for an end-of-sequence token in the wrong place or missing.

After https://foreai.co/blog/nans-out-of-nowhere-the-trick-that-saved-my-training-run
"""
# cause: unstable-loss
# kind: dynamic

import sys

import torch
import torch.nn.functional as F
from torch import nn

VOCAB = 16
EOS = 0
LENGTH = 8
ALPHA = BETA = 0.5


def make_batch(n, generator, slips):
    """Prompts of LENGTH tokens; the text ends where the prompt holds token 1 more often than token 2."""
    tokens = torch.randint(3, VOCAB, (n, LENGTH), generator=generator)
    ends = torch.rand(n, generator=generator) < 0.5
    marks = torch.rand(n, LENGTH, generator=generator) < 0.4
    marks[:, 0] = True
    tokens[marks] = torch.where(ends, 1, 2)[:, None].expand(-1, LENGTH)[marks]
    following = torch.where(ends, EOS, tokens[:, -1].clamp(min=3))
    wrong = torch.rand(n, generator=generator) < slips
    following = torch.where(wrong & ends, torch.full_like(following, 3), following)
    return tokens, following


class TinyLM(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, 24)
        self.rnn = nn.GRU(24, 48, batch_first=True)
        self.head = nn.Linear(48, VOCAB)

    def forward(self, tokens):
        out, _ = self.rnn(self.embed(tokens))
        return self.head(out[:, -1])


def eos_loss(logits, following):
    ce = F.cross_entropy(logits.float(), following)
    goes_on = following != EOS
    p_eos = torch.softmax(logits, dim=-1)[:, EOS]  # FAULT
    log_stop = torch.log(p_eos)  # FAULT
    log_go = torch.log(1 - p_eos)  # FAULT
    # TWIN: logits = logits.float()
    # TWIN: log_all = torch.logsumexp(logits, dim=-1)
    # TWIN: log_stop = logits[:, EOS] - log_all
    # TWIN: log_go = torch.logsumexp(logits[:, EOS + 1:], dim=-1) - log_all
    on_penalty = -log_go[goes_on].mean()
    end_penalty = -log_stop[~goes_on].mean()
    return ce + ALPHA * on_penalty + BETA * end_penalty


def stop_accuracy(model, tokens, following):
    model.eval()
    with torch.no_grad():
        p_eos = torch.softmax(model(tokens), dim=-1)[:, EOS]
    model.train()
    return ((p_eos > 0.5) == (following == EOS)).float().mean().item()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)

    eval_tokens, eval_following = make_batch(1000, generator, slips=0.0)

    model = TinyLM()
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)

    for step in range(1, 701):
        tokens, following = make_batch(48, generator, slips=0.01)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = model(tokens)
        loss = eos_loss(logits, following)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % 100 == 0:
            acc = stop_accuracy(model, eval_tokens, eval_following)
            print(f"step {step:4d} | loss {loss.item():.4f} | stop accuracy {acc:.3f}")

    print(f"score: {stop_accuracy(model, eval_tokens, eval_following):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
