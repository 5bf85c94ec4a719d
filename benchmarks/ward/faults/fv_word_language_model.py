"""Word-level language model with a small Transformer encoder, trained like the library's example (plain SGD by hand, clipped
gradients, learning rate quartered when validation stalls); the score is the accuracy of the most likely next word.

After https://github.com/pytorch/examples/issues/846
"""
# cause: learning-rate-too-high
# kind: dynamic

import math
import sys

import numpy as np
import torch
import torch.nn as nn

NTOKENS, BPTT = 40, 20


def make_corpus(seed, words):
    """Text from a small grammar: a comma now and then, else the next word depends on the word before."""
    table = np.random.default_rng(99).integers(1, NTOKENS, (NTOKENS, 2))
    rng = np.random.default_rng(seed)
    text = [1]
    previous = 1
    for _ in range(words):
        if text[-1] != 0 and rng.random() < 0.2:
            text.append(0)
        else:
            previous = table[previous, 0] if rng.random() < 0.85 else rng.integers(1, NTOKENS)
            text.append(int(previous))
    return torch.tensor(text)


def batchify(data, bsz):
    nbatch = data.size(0) // bsz
    return data[: nbatch * bsz].view(bsz, -1)


class TransformerModel(nn.Module):
    def __init__(self, ninp=32, nhead=2, nhid=64, nlayers=2, dropout=0.1):
        super().__init__()
        self.encoder = nn.Embedding(NTOKENS, ninp)
        position = torch.arange(BPTT).unsqueeze(1)
        div_term = torch.exp(torch.arange(0, ninp, 2) * (-math.log(10000.0) / ninp))
        pe = torch.zeros(BPTT, ninp)
        pe[:, 0::2], pe[:, 1::2] = torch.sin(position * div_term), torch.cos(position * div_term)
        self.register_buffer("pe", pe)
        layer = nn.TransformerEncoderLayer(ninp, nhead, nhid, dropout, batch_first=True)
        self.transformer = nn.TransformerEncoder(layer, nlayers, enable_nested_tensor=False)
        self.decoder = nn.Linear(ninp, NTOKENS)
        self.ninp = ninp
        nn.init.uniform_(self.encoder.weight, -0.1, 0.1)

    def forward(self, src):
        length = src.size(1)
        mask = torch.triu(torch.full((length, length), float("-inf")), diagonal=1)
        x = self.encoder(src) * math.sqrt(self.ninp) + self.pe[:length]
        return self.decoder(self.transformer(x, mask=mask))


def evaluate(model, source, criterion):
    model.eval()
    loss, right, count = 0.0, 0, 0
    with torch.no_grad():
        for i in range(0, source.size(1) - 1 - BPTT, BPTT):
            data, targets = source[:, i : i + BPTT], source[:, i + 1 : i + 1 + BPTT]
            output = model(data)
            loss += criterion(output.reshape(-1, NTOKENS), targets.reshape(-1)).item() * targets.numel()
            right += (output.argmax(-1) == targets).sum().item()
            count += targets.numel()
    return loss / count, right / count


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    train_data = batchify(make_corpus(seed + 1, 32000), 20)
    val_data = batchify(make_corpus(seed + 1001, 4000), 10)
    model = TransformerModel()
    criterion = nn.CrossEntropyLoss()
    clip, best_val_loss = 0.25, None
    lr = 20.0  # FAULT
    # TWIN: lr = 1.0

    for epoch in range(1, 6):
        model.train()
        total_loss, batches = 0.0, 0
        for i in range(0, train_data.size(1) - 1 - BPTT, BPTT):
            data, targets = train_data[:, i : i + BPTT], train_data[:, i + 1 : i + 1 + BPTT]
            model.zero_grad()
            loss = criterion(model(data).reshape(-1, NTOKENS), targets.reshape(-1))
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
            with torch.no_grad():
                for p in model.parameters():
                    p.add_(p.grad, alpha=-lr)
            total_loss, batches = total_loss + loss.item(), batches + 1
        val_loss, accuracy = evaluate(model, val_data, criterion)
        print(
            f"| epoch {epoch} | lr {lr:.2f} | loss {total_loss / batches:.3f} | valid loss {val_loss:.3f} | right {accuracy:.3f}"
        )
        if best_val_loss is None or val_loss < best_val_loss:
            best_val_loss = val_loss
        else:
            lr /= 4.0

    print(f"score: {evaluate(model, val_data, criterion)[1]:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
