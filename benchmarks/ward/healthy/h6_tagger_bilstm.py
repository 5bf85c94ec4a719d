"""Part-of-speech tagging with a bidirectional LSTM over packed sequences. The sentences come from a toy grammar in
which some words are ambiguous ("run", "light") and only their neighbours tell noun from verb from adjective.
"""

import random
import sys

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

torch.set_num_threads(1)
LEXICON = {
    "DET": ["the", "a", "this"],
    "ADJ": ["big", "red", "light", "calm", "open"],
    "NOUN": ["dog", "run", "light", "walk", "house", "calm", "girl"],
    "VERB": ["sees", "run", "light", "walk", "open", "likes"],
    "ADV": ["slowly", "often"],
}
TAGS = list(LEXICON)
WORDS = sorted({w for words in LEXICON.values() for w in words})
WORD_ID = {w: i + 1 for i, w in enumerate(WORDS)}
IGNORE = -100


def sentence(rng):
    def noun_phrase():
        return ["DET"] + ["ADJ"] * rng.choice([0, 0, 1, 2]) + ["NOUN"]

    tags = noun_phrase() + ["ADV"] * rng.choice([0, 1]) + ["VERB"]
    if rng.random() < 0.7:
        tags += noun_phrase()
    return [WORD_ID[rng.choice(LEXICON[t])] for t in tags], [TAGS.index(t) for t in tags]


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(len(WORDS) + 1, 16, padding_idx=0)
        self.lstm = nn.LSTM(16, 16, batch_first=True, bidirectional=True)
        self.out = nn.Linear(32, len(TAGS))

    def forward(self, words, lengths):
        packed = pack_padded_sequence(self.embed(words), lengths, batch_first=True, enforce_sorted=False)
        states, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True)
        return self.out(states)


def batchify(pairs):
    words = pad_sequence([torch.tensor(w) for w, _ in pairs], batch_first=True)
    tags = pad_sequence([torch.tensor(t) for _, t in pairs], batch_first=True, padding_value=IGNORE)
    return words, tags, torch.tensor([len(w) for w, _ in pairs])


def accuracy(model, pairs):
    model.eval()
    words, tags, lengths = batchify(pairs)
    with torch.no_grad():
        guess = model(words, lengths).argmax(-1)
    real = tags != IGNORE
    return (guess[real] == tags[real]).float().mean().item()


def main(seed):
    torch.manual_seed(seed)
    rng = random.Random(seed)
    data = [sentence(rng) for _ in range(1600)]
    train, dev = data[:1280], data[1280:]
    model = Tagger()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for epoch in range(6):
        model.train()
        rng.shuffle(train)
        total = 0.0
        for i in range(0, len(train), 32):
            words, tags, lengths = batchify(train[i : i + 32])
            scores = model(words, lengths)
            loss = nn.functional.cross_entropy(scores.flatten(0, 1), tags.flatten(), ignore_index=IGNORE)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        print(f"epoch {epoch + 1}: loss {total / 40:.4f} dev accuracy {accuracy(model, dev):.4f}")
    print(f"score: {accuracy(model, dev):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
