"""LSTM word language model, after word_language_model of pytorch/examples, on text from a small grammar.

Plain SGD by hand with a large rate, clipping, hidden state carried over; the rate falls when validation stalls.
"""

import argparse
import math
import random

import torch
import torch.nn as nn

torch.set_num_threads(1)
parser = argparse.ArgumentParser(description="PyTorch word language model")
parser.add_argument("seed", type=int, nargs="?", default=0, help="random seed")
parser.add_argument("--emsize", type=int, default=48, help="size of word embeddings")
parser.add_argument("--nhid", type=int, default=64, help="number of hidden units per layer")
parser.add_argument("--lr", type=float, default=10, help="initial learning rate")
parser.add_argument("--clip", type=float, default=0.25, help="gradient clipping")
parser.add_argument("--epochs", type=int, default=8, help="upper epoch limit")
parser.add_argument("--batch_size", type=int, default=16, help="batch size")
parser.add_argument("--bptt", type=int, default=20, help="sequence length")
parser.add_argument("--dropout", type=float, default=0.2, help="dropout applied to layers (0 = no dropout)")
parser.add_argument("--log-interval", type=int, default=15, help="report interval")
args = parser.parse_args()
torch.manual_seed(args.seed)
random.seed(args.seed)

SINGULAR = {"cat": "sleeps", "dog": "barks", "farmer": "works", "child": "plays", "bird": "sings"}
PLURAL = {"cats": "sleep", "dogs": "bark", "farmers": "work", "children": "play", "birds": "sing"}


def make_text(n_sentences):
    words = []
    for _ in range(n_sentences):
        noun, verb = random.choice(list((SINGULAR | PLURAL).items()))
        words += [random.choice(["the", "some", "every"] if noun in SINGULAR else ["the", "some", "all"])]
        words += [random.choice(["old", "young"])] if random.random() < 0.5 else []
        words += [noun, verb, random.choice(["today", "outside", "often"]), "<eos>"]
    return words


def batchify(data, bsz):
    nbatch = data.size(0) // bsz
    data = data.narrow(0, 0, nbatch * bsz)
    return data.view(bsz, -1).t().contiguous()


class RNNModel(nn.Module):
    """Container module with an encoder, a recurrent module, and a decoder."""

    def __init__(self, ntoken, ninp, nhid, nlayers, dropout=0.5):
        super().__init__()
        self.ntoken, self.nhid, self.nlayers = ntoken, nhid, nlayers
        self.drop = nn.Dropout(dropout)
        self.encoder = nn.Embedding(ntoken, ninp)
        self.rnn = nn.LSTM(ninp, nhid, nlayers)
        self.decoder = nn.Linear(nhid, ntoken)
        self.init_weights()

    def init_weights(self):
        initrange = 0.1
        nn.init.uniform_(self.encoder.weight, -initrange, initrange)
        nn.init.zeros_(self.decoder.bias)
        nn.init.uniform_(self.decoder.weight, -initrange, initrange)

    def forward(self, input, hidden):
        emb = self.drop(self.encoder(input))
        output, hidden = self.rnn(emb, hidden)
        decoded = self.decoder(self.drop(output)).view(-1, self.ntoken)
        return nn.functional.log_softmax(decoded, dim=1), hidden

    def init_hidden(self, bsz):
        weight = next(self.parameters())
        return (weight.new_zeros(self.nlayers, bsz, self.nhid), weight.new_zeros(self.nlayers, bsz, self.nhid))


def repackage_hidden(h):
    """Wraps hidden states in new Tensors, to detach them from their history."""
    if isinstance(h, torch.Tensor):
        return h.detach()
    return tuple(repackage_hidden(v) for v in h)


def get_batch(source, i):
    seq_len = min(args.bptt, len(source) - 1 - i)
    return source[i : i + seq_len], source[i + 1 : i + 1 + seq_len].view(-1)


words = make_text(4000)
dictionary = {w: i for i, w in enumerate(sorted(set(words)))}
corpus = torch.tensor([dictionary[w] for w in words])
n_train, n_valid = int(0.8 * len(corpus)), int(0.1 * len(corpus))
train_data = batchify(corpus[:n_train], args.batch_size)
val_data = batchify(corpus[n_train : n_train + n_valid], 10)
test_data = batchify(corpus[n_train + n_valid :], 10)
model = RNNModel(len(dictionary), args.emsize, args.nhid, 1, args.dropout)
criterion = nn.NLLLoss()


def evaluate(data_source):
    model.eval()
    total_loss = 0.0
    hidden = model.init_hidden(10)
    with torch.no_grad():
        for i in range(0, data_source.size(0) - 1, args.bptt):
            data, targets = get_batch(data_source, i)
            output, hidden = model(data, hidden)
            hidden = repackage_hidden(hidden)
            total_loss += len(data) * criterion(output, targets).item()
    return total_loss / (len(data_source) - 1)


def train():
    model.train()
    total_loss = 0.0
    hidden = model.init_hidden(args.batch_size)
    for batch, i in enumerate(range(0, train_data.size(0) - 1, args.bptt)):
        data, targets = get_batch(train_data, i)
        model.zero_grad()
        hidden = repackage_hidden(hidden)
        output, hidden = model(data, hidden)
        loss = criterion(output, targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), args.clip)
        for p in model.parameters():
            p.data.add_(p.grad, alpha=-lr)
        total_loss += loss.item()
        if batch % args.log_interval == 0 and batch > 0:
            cur_loss = total_loss / args.log_interval
            print(f"| epoch {epoch:3d} | {batch:5d} batches | lr {lr:02.2f} | loss {cur_loss:5.2f}")
            total_loss = 0.0


lr = args.lr
best_val_loss = None
for epoch in range(1, args.epochs + 1):
    train()
    val_loss = evaluate(val_data)
    print(f"| end of epoch {epoch:3d} | valid loss {val_loss:5.3f} | valid ppl {math.exp(val_loss):8.3f}")
    if not best_val_loss or val_loss < best_val_loss:
        best_val_loss = val_loss
    else:
        lr /= 4.0

test_loss = evaluate(test_data)
print(f"| End of training | test loss {test_loss:5.3f} | test ppl {math.exp(test_loss):8.3f}")
print(f"score: {-test_loss:.4f}")
