"""A word-level LSTM language model with tied weights, truncated backpropagation, plain SGD steps and an annealed rate.

After word_language_model of pytorch/examples, https://github.com/pytorch/examples/tree/main/word_language_model
"""

import copy
import math
import sys

import numpy as np
import torch
import torch.nn as nn

DET = {"s": ["a", "the", "this", "every"], "p": ["the", "these", "some", "many"]}
NOUN = {
    "s": ["dog", "cat", "child", "teacher", "bird", "robot"],
    "p": ["dogs", "cats", "children", "teachers", "birds", "robots"],
}
VERB = {"s": ["sees", "likes", "follows", "finds"], "p": ["see", "like", "follow", "find"]}
ADJ = ["small", "old", "red", "quiet", "happy"]


def noun_phrase(rng, depth=0):
    number = "s" if rng.random() < 0.5 else "p"
    words = [rng.choice(DET[number])] + ([rng.choice(ADJ)] if rng.random() < 0.4 else []) + [rng.choice(NOUN[number])]
    if depth == 0 and rng.random() < 0.3:
        words += ["near"] + noun_phrase(rng, 1)[0]
    return words, number


def corpus(n_sentences, rng):
    words = []
    for _ in range(n_sentences):
        subject, number = noun_phrase(rng)
        words += subject + [rng.choice(VERB[number])] + noun_phrase(rng, 1)[0] + ["<eos>"]
    return words


def batchify(ids, bsz):
    nbatch = len(ids) // bsz
    return torch.tensor(ids[: nbatch * bsz]).view(bsz, -1).t().contiguous()


class RNNModel(nn.Module):
    def __init__(self, ntoken, ninp, dropout):
        super().__init__()
        self.drop = nn.Dropout(dropout)
        self.encoder = nn.Embedding(ntoken, ninp)
        self.rnn = nn.LSTM(ninp, ninp)
        self.decoder = nn.Linear(ninp, ntoken)
        self.decoder.weight = self.encoder.weight
        nn.init.uniform_(self.encoder.weight, -0.1, 0.1)
        nn.init.zeros_(self.decoder.bias)
        self.ninp = ninp

    def forward(self, tokens, hidden):
        output, hidden = self.rnn(self.drop(self.encoder(tokens)), hidden)
        return self.decoder(self.drop(output)).flatten(0, 1), hidden

    def init_hidden(self, bsz):
        weight = next(self.parameters())
        return weight.new_zeros(1, bsz, self.ninp), weight.new_zeros(1, bsz, self.ninp)


def get_batch(source, i, bptt):
    seq_len = min(bptt, len(source) - 1 - i)
    return source[i : i + seq_len], source[i + 1 : i + 1 + seq_len].view(-1)


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    texts = [corpus(n, rng) for n in (3000, 300, 300)]
    vocabulary = sorted(set(texts[0]))
    index = {w: i for i, w in enumerate(vocabulary)}
    train_data, val_data, test_data = (batchify([index[w] for w in t], b) for t, b in zip(texts, (20, 10, 10)))
    bptt, clip, lr = 16, 0.25, 10.0
    criterion = nn.CrossEntropyLoss()
    model = RNNModel(len(vocabulary), ninp=64, dropout=0.1)
    print(f"vocabulary {len(vocabulary)}, training words {len(texts[0])}")

    @torch.no_grad()
    def evaluate(source):
        model.eval()
        total, hidden = 0.0, model.init_hidden(source.shape[1])
        for i in range(0, len(source) - 1, bptt):
            data, targets = get_batch(source, i, bptt)
            output, hidden = model(data, hidden)
            total += len(data) * criterion(output, targets).item()
        return total / (len(source) - 1)

    best_val, best_state = None, None
    for epoch in range(1, 10):
        model.train()
        total, count, hidden = 0.0, 0, model.init_hidden(train_data.shape[1])
        for i in range(0, len(train_data) - 1, bptt):
            data, targets = get_batch(train_data, i, bptt)
            hidden = tuple(h.detach() for h in hidden)
            model.zero_grad()
            output, hidden = model(data, hidden)
            loss = criterion(output, targets)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), clip)
            with torch.no_grad():
                for p in model.parameters():
                    p.add_(p.grad, alpha=-lr)
            total, count = total + loss.item(), count + 1
        val_loss = evaluate(val_data)
        print(
            f"| end of epoch {epoch} | lr {lr:5.2f} | train loss {total / count:.3f} | valid loss {val_loss:.3f} | valid ppl {math.exp(val_loss):.2f}"
        )
        if best_val is None or val_loss < best_val:
            best_val, best_state = val_loss, copy.deepcopy(model.state_dict())
        else:
            lr /= 4.0

    model.load_state_dict(best_state)
    test_loss = evaluate(test_data)
    counts = np.bincount([index[w] for w in texts[0]], minlength=len(vocabulary)) / len(texts[0])
    unigram = -np.mean([np.log(counts[index[w]]) for w in texts[2]])
    print(f"| test loss {test_loss:.3f} | test ppl {math.exp(test_loss):.2f} | unigram ppl {math.exp(unigram):.2f}")
    print(f"score: {-test_loss:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
