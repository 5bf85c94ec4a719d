"""Which of six invented languages is this word from? Character GRU over packed sequences, a Trainer class with
callbacks, label smoothing. Score: test accuracy, printed beside that of the true generating Markov chains.
"""

import sys

import torch
import torch.nn as nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence
from torch.utils.data import DataLoader

torch.set_num_threads(1)
LANGUAGES, LETTERS = 6, 26


def make_words(n, chains):
    lang = torch.randint(LANGUAGES, (n,))
    letters = [torch.randint(LETTERS, (n,))]
    for _ in range(9):
        letters.append(torch.multinomial(chains[lang, letters[-1]], 1).squeeze(1))
    words, lengths = torch.stack(letters, 1) + 1, torch.randint(5, 11, (n,))
    return [(w[:k], y) for w, k, y in zip(words, lengths.tolist(), lang.tolist())]


def collate(batch):
    words, langs = zip(*batch)
    return pad_sequence(words, batch_first=True), torch.tensor([len(w) for w in words]), torch.tensor(langs)


class WordClassifier(nn.Module):
    def __init__(self, emb=16, hidden=48):
        super().__init__()
        self.emb = nn.Embedding(LETTERS + 1, emb, padding_idx=0)
        self.gru = nn.GRU(emb, hidden, batch_first=True)
        self.drop = nn.Dropout(0.3)
        self.fc = nn.Linear(hidden, LANGUAGES)

    def forward(self, x, lengths):
        _, h = self.gru(pack_padded_sequence(self.emb(x), lengths, batch_first=True, enforce_sorted=False))
        return self.fc(self.drop(h[-1]))


class PrintCallback:
    def on_epoch_end(self, trainer):
        print(f"epoch {trainer.epoch}: {trainer.logs}")


class Trainer:
    def __init__(self, model, optimizer, criterion, callbacks=()):
        self.model, self.optimizer, self.criterion, self.callbacks = model, optimizer, criterion, callbacks
        self.epoch, self.logs = 0, {}

    def fit(self, train, valid, epochs):
        for self.epoch in range(1, epochs + 1):
            self.model.train()
            total = 0.0
            for x, lengths, y in train:
                self.optimizer.zero_grad()
                loss = self.criterion(self.model(x, lengths), y)
                loss.backward()
                nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
                self.optimizer.step()
                total += loss.item()
            self.logs = {"train_loss": round(total / len(train), 4), **self.evaluate(valid)}
            for callback in self.callbacks:
                callback.on_epoch_end(self)

    @torch.no_grad()
    def evaluate(self, loader):
        self.model.eval()
        logits, labels = zip(*((self.model(x, n), y) for x, n, y in loader))
        logits, labels = torch.cat(logits), torch.cat(labels)
        loss = self.criterion(logits, labels).item()
        return {"val_loss": round(loss, 4), "val_acc": round((logits.argmax(1) == labels).float().mean().item(), 4)}


def main(seed):
    torch.manual_seed(seed)
    chains = torch.softmax(2.0 * torch.randn(LANGUAGES, LETTERS, LETTERS), 2)
    train, test = make_words(12000, chains), make_words(1200, chains)
    best = sum(int(chains[:, w[:-1] - 1, w[1:] - 1].log().sum(1).argmax()) == lang for w, lang in test) / len(test)
    model = WordClassifier()
    trainer = Trainer(
        model,
        torch.optim.AdamW(model.parameters(), lr=5e-3),
        nn.CrossEntropyLoss(label_smoothing=0.05),
        [PrintCallback()],
    )
    trainer.fit(
        DataLoader(train, batch_size=128, shuffle=True, collate_fn=collate),
        DataLoader(test, batch_size=300, collate_fn=collate),
        10,
    )
    print(f"the true chains reach {best:.4f}")
    print(f"score: {trainer.logs['val_acc']:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
