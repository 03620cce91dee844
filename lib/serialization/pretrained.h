/* pretrained.h: Hugging Face folders: a model from one, a model to one.
 *
 * Read: config.json, model.safetensors (or the shards of its index), tokenizer.json (or vocab.txt, or vocab.json and
 * merges.txt, with tokenizer_config.json), and of sentence-transformers modules.json and the pooling's config.json. All
 * of it is foreign: numbers are bounded, names cannot lead out of the folder, only regular files are read. */
#ifndef TCI_SERIALIZATION_PRETRAINED_H
#define TCI_SERIALIZATION_PRETRAINED_H

#include "base/file.h"
#include "model/classifier.h"

#define TCI_PRETRAINED_FORMAT "huggingface"

typedef struct tci_pretrained_request {
    const tci_options *given; /* of class run; with `create` also what is set of the other classes */
    const tc_allocator *host;
    const tci_file_operations *files;
    bool create;               /* a model that is going to be trained: options and labels may be other ones */
    const char *const *labels; /* NULL: the folder's */
    size_t label_count;
    bool mapped; /* weights that can be are read from maps of the files */
} tci_pretrained_request;

/* TC_ERROR_IO, _FORMAT, _UNSUPPORTED, _MISMATCH, _OPTION, _NUMERIC, _LIMIT, _MEMORY; the sentence says the folder, the
 * file, and the key, tensor or byte. After a failure nothing is held. */
tc_status tci_pretrained_read(const char *folder, const tci_pretrained_request *request, tc_model **model);

/* Writes a folder from which transformers makes the same network: of ...ForSequenceClassification where the model has
 * that head, else the body, the head's tensors beside it, and modules.json for sentence-transformers. The folder is
 * made where it is not there; each file replaces an old one only when it is whole. TC_ERROR_UNSUPPORTED for what the
 * format has no place for. */
tc_status tci_pretrained_save(const tc_model *model, const char *folder);

#endif
