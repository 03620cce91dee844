"""learned.py: test accuracy after training, the library beside PyTorch, over several seeds.

usage: learned.py --results FILE.jsonl [--sets trec mr ...] [--threads 1] [--json]    runs what FILE lacks, then the table
       learned.py --results FILE.jsonl --table [--json]                              the table of what is there

Both sides train the seed model (Embedding(10000, 128), LSTM(256), Linear) with batches of 32 and Adam 1e-3 on the same
ids, keep the epoch that is best on the same held-out tenth of train, and are tested once. Each side has its own random
initialization and shuffling, by seed. Each run is one line of FILE, and a run that was cut goes on where it stopped.
Nothing in FILE tells one library from another of its version: begin a new file for a changed library.
The bars are those of seeds.py.
"""
import common
import seeds

SETS = {  # in the order in which they run: the quick ones first
    "trec": {"tokenizer": "word", "epochs": 8, "seeds": 5},
    "mr": {"tokenizer": "word", "epochs": 8, "seeds": 5},
    "thucnews_title": {"tokenizer": "char", "epochs": 8, "seeds": 5},
    "imdb": {"tokenizer": "word", "epochs": 3, "seeds": 5},
}


class Prepared:
    """A set, split, and what both sides need of it; the words are those of the part that is trained on."""

    def __init__(self, name, threads):
        import textclf
        self.settings, self.threads = SETS[name], threads
        rows, self.test, self.names = common.read_set(name)
        kept, held_out = common.held_out_split(name, len(rows.texts))
        self.train, self.held_out = rows.part(kept), rows.part(held_out)
        self.words = textclf.Vocabulary(self.config(1), self.train.texts)
        model = self.model(1)
        self.ids = [common.id_tensors(model, part.texts) for part in (self.train, self.held_out, self.test)]

    def config(self, seed):
        import textclf
        return textclf.Config(**common.SEED_MODEL, tokenizer=self.settings["tokenizer"],
                              epochs=self.settings["epochs"], seed=seed, threads=self.threads)

    def model(self, seed):
        import textclf
        return textclf.Model(self.config(seed), self.words, self.names)


def run_ours(data, seed):
    import textclf
    config, model = data.config(seed), data.model(seed)
    train, held_out, test = (common.examples(model, part) for part in (data.train, data.held_out, data.test))
    trainer = textclf.Trainer(model, config)
    batcher, accuracies, finished = textclf.Batcher(trainer, train, held_out), [], False
    while not finished:
        for batch in batcher:
            trainer.step(train, batch.rows)
        epoch = batcher.finish_epoch()
        accuracies.append(epoch.validation_score)
        finished = epoch.finished
    batcher.restore_best()
    return {"accuracy": model.evaluate(test).accuracy, "best_epoch": epoch.best_epoch, "held_out": accuracies,
            "version": textclf.__version__}


def run_pytorch(data, seed):
    import torch
    import torch_reference
    torch.set_num_threads(data.threads)
    torch.manual_seed(seed)
    module = common.torch_model_for(data.model(1))
    train, held_out, test = data.ids
    best, accuracies = torch_reference.train_epochs(
        module, train, data.train.labels, held_out, data.held_out.labels, data.settings["epochs"],
        common.SEED_MODEL["batch_size"], common.SEED_MODEL["learning_rate"])
    return {"accuracy": torch_reference.evaluate(module, test, data.test.labels)[1], "best_epoch": best,
            "held_out": accuracies, "version": torch.__version__}


def main():
    parser = seeds.parser(__doc__, SETS)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    seeds.run_and_print(options, SETS, {"ours": run_ours, "pytorch": run_pytorch},
                        lambda name: Prepared(name, options.threads))


if __name__ == "__main__":
    main()
