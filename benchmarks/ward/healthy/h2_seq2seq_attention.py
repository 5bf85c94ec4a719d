"""Sequence to sequence with dot-product attention: reverse a string of symbols; teacher forcing in training."""

import random
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
PAD, SOS, EOS, N_SYMBOLS, MAX_LEN = 0, 1, 2, 8, 6
VOCAB = N_SYMBOLS + 3


class Encoder(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.embedding = nn.Embedding(VOCAB, hidden, padding_idx=PAD)
        self.gru = nn.GRU(hidden, hidden, batch_first=True)

    def forward(self, src):
        return self.gru(self.embedding(src))


class AttnDecoder(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.embedding = nn.Embedding(VOCAB, hidden, padding_idx=PAD)
        self.gru = nn.GRU(hidden, hidden, batch_first=True)
        self.out = nn.Linear(2 * hidden, VOCAB)

    def forward(self, tokens, hidden, memory, mask):
        output, hidden = self.gru(self.embedding(tokens), hidden)
        scores = output @ memory.transpose(1, 2) / memory.size(-1) ** 0.5
        weights = F.softmax(scores.masked_fill(~mask[:, None, :], float("-inf")), dim=-1)
        return self.out(torch.cat([output, weights @ memory], dim=-1)), hidden


def make_batch(size):
    src = torch.full((size, MAX_LEN), PAD)
    tgt = torch.full((size, MAX_LEN + 1), PAD)
    for i in range(size):
        seq = [random.randrange(3, VOCAB) for _ in range(random.randint(3, MAX_LEN))]
        src[i, : len(seq)] = torch.tensor(seq)
        tgt[i, : len(seq) + 1] = torch.tensor([*reversed(seq), EOS])
    return src, tgt


def greedy_decode(encoder, decoder, src):
    memory, hidden = encoder(src)
    token, outputs = torch.full((len(src), 1), SOS), []
    for _ in range(MAX_LEN + 1):
        logits, hidden = decoder(token, hidden, memory, src != PAD)
        token = logits.argmax(-1)
        outputs.append(token)
    return torch.cat(outputs, dim=1)


seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
random.seed(seed)
torch.manual_seed(seed)
encoder, decoder = Encoder(48), AttnDecoder(48)
enc_optimizer = torch.optim.Adam(encoder.parameters(), lr=5e-3)
dec_optimizer = torch.optim.Adam(decoder.parameters(), lr=5e-3)
criterion = nn.CrossEntropyLoss(ignore_index=PAD)

for step in range(1, 401):
    src, tgt = make_batch(32)
    enc_optimizer.zero_grad()
    dec_optimizer.zero_grad()
    memory, hidden = encoder(src)
    decoder_input = torch.cat([torch.full((len(src), 1), SOS), tgt[:, :-1]], dim=1)
    logits, _ = decoder(decoder_input, hidden, memory, src != PAD)
    loss = criterion(logits.flatten(0, 1), tgt.flatten())
    loss.backward()
    enc_optimizer.step()
    dec_optimizer.step()
    if step % 50 == 0:
        print(f"step {step} loss {loss.item():.4f}")

with torch.no_grad():
    src, tgt = make_batch(200)
    predicted = greedy_decode(encoder, decoder, src)
token_accuracy = (predicted == tgt)[tgt != PAD].float().mean().item()
print(f"score: {token_accuracy:.4f}")
