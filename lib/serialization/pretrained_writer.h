/* pretrained_writer.h: what writing a Hugging Face folder and writing a folder of adapters share. */
#ifndef TCI_SERIALIZATION_PRETRAINED_WRITER_H
#define TCI_SERIALIZATION_PRETRAINED_WRITER_H

#include "model/classifier.h"

typedef struct tci_folder_writer {
    tci_memory memory;
    const tc_model *model;
    const char *folder;
    bool whole;      /* of ...ForSequenceClassification */
    tci_buffer text; /* of the file that is being written */
} tci_folder_writer;

/* Makes the folder where it is not there. A folder that has the file `other` is one of the other kind, whose
 * textclf.json would be lost: TC_ERROR_UNSUPPORTED. */
tc_status tci_folder_writer_begin(tci_folder_writer *writer, const tc_model *model, const char *folder,
                                  const char *other);
void tci_folder_writer_end(tci_folder_writer *writer);

/* One file, with the text or with pieces. */
tc_status tci_folder_write_text(tci_folder_writer *writer, const char *name);
tc_status tci_folder_replace(tci_folder_writer *writer, const char *name, const tci_file_piece *pieces, size_t count);

/* The parameters as a safetensors file. `name` gives the name that one has there, in room for TCI_TENSOR_NAME + 32, or
 * false where it is left out. TC_ERROR_NUMERIC for a value that is not finite. */
typedef bool (*tci_tensor_namer)(const tci_folder_writer *writer, const tci_tensor_info *tensor, char *name);
tc_status tci_folder_write_weights(tci_folder_writer *writer, const char *file, tci_tensor_namer name);

#endif
