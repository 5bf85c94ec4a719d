"""Character language model with a GRU, sequential partitioning, detached state, SGD with clipping, perplexity.

After Dive into Deep Learning, chapter on recurrent neural networks (train_ch8), https://d2l.ai/chapter_recurrent-neural-networks/
"""

import math
import random
import sys

import torch
from torch import nn

torch.set_num_threads(1)


def make_book(n_sentences, rng):
    people = ["the time traveller", "the psychologist", "the medical man", "the editor"]
    verbs = ["looked at", "spoke of", "thought of", "turned to"]
    things = ["the machine", "the lamp", "the fourth dimension", "the garden", "the little wheel"]
    ends = ["in silence", "and smiled", "for a minute", "without a word"]
    return " ".join(
        f"{rng.choice(people)} {rng.choice(verbs)} {rng.choice(things)} {rng.choice(ends)}" for _ in range(n_sentences)
    )


def seq_data_iter_sequential(corpus, batch_size, num_steps, rng):
    """Neighbouring subsequences in neighbouring minibatches, from a random offset."""
    offset = rng.randrange(num_steps)
    num_tokens = (len(corpus) - offset - 1) // batch_size * batch_size
    Xs = corpus[offset : offset + num_tokens].view(batch_size, -1)
    Ys = corpus[offset + 1 : offset + 1 + num_tokens].view(batch_size, -1)
    for i in range(0, Xs.shape[1] // num_steps * num_steps, num_steps):
        yield Xs[:, i : i + num_steps], Ys[:, i : i + num_steps]


class RNNModel(nn.Module):
    def __init__(self, vocab_size, num_hiddens):
        super().__init__()
        self.vocab_size = vocab_size
        self.rnn = nn.GRU(vocab_size, num_hiddens)
        self.linear = nn.Linear(num_hiddens, vocab_size)

    def forward(self, inputs, state):
        X = nn.functional.one_hot(inputs.T.long(), self.vocab_size).float()
        Y, state = self.rnn(X, state)
        return self.linear(Y), state


def train_epoch(net, data_iter, loss, updater):
    net.train()
    state, total, count = None, 0.0, 0
    for X, Y in data_iter:
        if state is not None:
            state = state.detach()
        y_hat, state = net(X, state)
        l = loss(y_hat.reshape(-1, net.vocab_size), Y.T.reshape(-1))
        updater.zero_grad()
        l.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        updater.step()
        total += l.item() * Y.numel()
        count += Y.numel()
    return math.exp(total / count)


@torch.no_grad()
def evaluate(net, data_iter, loss):
    net.eval()
    state, total, count = None, 0.0, 0
    for X, Y in data_iter:
        y_hat, state = net(X, state)
        total += loss(y_hat.reshape(-1, net.vocab_size), Y.T.reshape(-1)).item() * Y.numel()
        count += Y.numel()
    return math.exp(total / count)


@torch.no_grad()
def predict(prefix, num_preds, net, chars):
    net.eval()
    out, state = net(torch.tensor([[chars.index(c) for c in prefix]]), None)
    text = prefix
    for _ in range(num_preds):
        token = out[-1].argmax(1)
        text += chars[token.item()]
        out, state = net(token.view(1, 1), state)
    return text


def main(seed):
    torch.manual_seed(seed)
    rng = random.Random(seed)
    text = make_book(1000, rng)
    chars = sorted(set(text))
    corpus = torch.tensor([chars.index(c) for c in text])
    n = int(0.9 * len(corpus))
    train, held_out = corpus[:n], corpus[n:]
    batch_size, num_steps = 32, 30

    net = RNNModel(len(chars), 64)
    loss = nn.CrossEntropyLoss()
    updater = torch.optim.SGD(net.parameters(), lr=1.0, momentum=0.9)
    num_epochs = 5
    scheduler = torch.optim.lr_scheduler.ExponentialLR(updater, gamma=0.7)
    for epoch in range(num_epochs):
        ppl = train_epoch(net, seq_data_iter_sequential(train, batch_size, num_steps, rng), loss, updater)
        scheduler.step()
        print(f"epoch {epoch + 1}, train perplexity {ppl:.2f}")
    print(predict("the time ", 60, net, chars))
    held = evaluate(net, seq_data_iter_sequential(held_out, 8, num_steps, rng), loss)
    print(f"held-out perplexity {held:.3f} of {len(chars)} characters")
    print(f"score: {-held:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
