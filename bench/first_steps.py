"""first_steps.py: the same weights, ids and batches in the library and in PyTorch give the same losses, step by step.

usage: first_steps.py [--steps 200] [--threads 2] [--seed 1] [--set imdb] [--trace]
PyTorch makes the initial weights (float32) and the order of the batches (32 texts, length buckets); the library takes
the weights through tc_model_load_weights and makes the ids. Both take Adam steps of 1e-3. Prints the largest relative
difference of the two losses of one step and ends with status 1 where it passes 1e-3.
"""
import argparse
import tempfile
from pathlib import Path

import common
import save_from_torch
import textclf
import torch
import torch_reference

BAR = 1e-3


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--set", default="imdb")
    parser.add_argument("--trace", action="store_true", help="print every step")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.set_num_interop_threads(1)
    torch.manual_seed(options.seed)

    train, _, names = common.read_set(options.set)
    config = textclf.Config(**common.SEED_MODEL, threads=options.threads)
    model = textclf.Model(config, textclf.Vocabulary(config, train.texts), names)
    encoded = common.examples(model, train)
    lengths = [encoded.tokens(row) for row in range(len(encoded))]
    module = common.torch_model_for(model)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "initial.safetensors"
        save_from_torch.save(module, path)
        model.load_weights(path)
    trainer, optimizer = textclf.Trainer(model, config), torch.optim.Adam(module.parameters(), 1e-3)

    batches, worst, worst_step, losses = [], 0.0, 0, []
    while len(batches) < options.steps:
        batches += torch_reference.bucketed_batches(lengths, range(len(lengths)), common.SEED_MODEL["batch_size"])
    for step, batch in enumerate(batches[:options.steps], 1):
        part = train.part(batch)
        theirs = torch_reference.train_step(module, optimizer, common.id_tensors(model, part.texts), part.labels)
        ours = trainer.step(encoded, batch).loss
        difference = abs(ours - theirs) / abs(theirs)
        losses.append((ours, theirs))
        if difference > worst:
            worst, worst_step = difference, step
        if options.trace or step % 20 == 0:
            print(f"step {step:4}  ours {ours:.7f}  PyTorch {theirs:.7f}  relative difference {difference:.1e}  "
                  f"largest so far {worst:.1e}", flush=True)
    for side, position in (("ours", 0), ("PyTorch", 1)):
        last = [loss[position] for loss in losses[-20:]]
        print(f"mean loss of the last {len(last)} steps, {side}: {sum(last) / len(last):.6f}")
    print(f"largest relative difference over {options.steps} steps: {worst:.2e} (step {worst_step}); bar {BAR:.0e}: "
          f"{'met' if worst <= BAR else 'NOT MET'}")
    return 0 if worst <= BAR else 1


if __name__ == "__main__":
    raise SystemExit(main())
