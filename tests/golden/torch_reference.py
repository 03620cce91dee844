"""The library's classifier trained by PyTorch as a careful user would: Adam, cross-entropy, length buckets.

What bench/ compares the library with. Rows are 1-d tensors of ids that the library encoded, labels are numbers. The
model is a torch_model.TextClassifier with packed=False: in one direction plain padding is PyTorch's faster way on a
CPU.
"""
import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence

BUCKET_BATCHES = 50     # texts are sorted by length within so many batches' worth of them
EVALUATION_ROWS = 256


def padded(rows):
    """-> ids (rows, longest), lengths (rows); nothing at a padded place reaches the loss or a gradient"""
    return pad_sequence(rows, batch_first=True), torch.tensor([len(row) for row in rows])


def train_step(model, optimizer, rows, labels):
    """-> the loss before the step"""
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(*padded(rows)), torch.tensor(labels))
    loss.backward()
    optimizer.step()
    return loss.item()


def bucketed_batches(lengths, members, batch_rows):
    """Shuffles by torch's generator, sorts by length within buckets, shuffles the batches -> lists of row numbers"""
    members = [members[i] for i in torch.randperm(len(members)).tolist()]
    batches, bucket_rows = [], batch_rows * BUCKET_BATCHES
    for start in range(0, len(members), bucket_rows):
        bucket = sorted(members[start:start + bucket_rows], key=lambda row: lengths[row])
        batches += [bucket[i:i + batch_rows] for i in range(0, len(bucket), batch_rows)]
    return [batches[i] for i in torch.randperm(len(batches)).tolist()]


def evaluate(model, rows, labels):
    """-> (mean loss, accuracy)"""
    loss, right = 0.0, 0
    order = sorted(range(len(rows)), key=lambda row: len(rows[row]))
    with torch.inference_mode():
        for start in range(0, len(order), EVALUATION_ROWS):
            members = order[start:start + EVALUATION_ROWS]
            logits, truth = model(*padded([rows[i] for i in members])), torch.tensor([labels[i] for i in members])
            loss += nn.functional.cross_entropy(logits, truth, reduction="sum").item()
            right += (logits.argmax(dim=1) == truth).sum().item()
    return loss / len(rows), right / len(rows)


def train_epochs(model, rows, labels, held_out_rows, held_out_labels, epochs, batch_rows, learning_rate):
    """Leaves the best epoch's weights in the model; -> (its number, accuracy on the held-out rows after each epoch).

    Best: higher held-out accuracy, ties by lower loss, then earlier.
    """
    optimizer = torch.optim.Adam(model.parameters(), learning_rate)
    lengths, members = [len(row) for row in rows], list(range(len(rows)))
    best_score, best_epoch, best_state, accuracies = None, 0, None, []
    for epoch in range(1, epochs + 1):
        for batch in bucketed_batches(lengths, members, batch_rows):
            train_step(model, optimizer, [rows[i] for i in batch], [labels[i] for i in batch])
        loss, accuracy = evaluate(model, held_out_rows, held_out_labels)
        accuracies.append(accuracy)
        if best_score is None or (accuracy, -loss) > best_score:
            best_score, best_epoch = (accuracy, -loss), epoch
            best_state = {name: value.clone() for name, value in model.state_dict().items()}
    model.load_state_dict(best_state)
    return best_epoch, accuracies
