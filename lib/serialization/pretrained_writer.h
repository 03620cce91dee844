/* pretrained_writer.h: what writing a Hugging Face folder and writing a folder of adapters share. */
#ifndef TCI_SERIALIZATION_PRETRAINED_WRITER_H
#define TCI_SERIALIZATION_PRETRAINED_WRITER_H

#include "model/classifier.h"

#define TCI_FOLDER_FILES 8 /* the most that are written */

/* All files are written beside those of that name before the first takes its place: a call that fails before that, on a
 * full disk for one, leaves the folder as it was. */
typedef struct tci_folder_writer {
    tci_memory memory;
    const tc_model *model;
    const char *folder;
    bool whole;      /* of ...ForSequenceClassification */
    tci_buffer text; /* of the file that is being written */
    tci_prepared_file files[TCI_FOLDER_FILES];
    size_t file_count;
    char *removed[TCI_FOLDER_FILES]; /* paths of old files that must not stay */
    size_t removed_count;
} tci_folder_writer;

/* Makes the folder where it is not there. A folder that has the file `other` is one of the other kind, whose
 * textclf.json would be lost: TC_ERROR_UNSUPPORTED. */
tc_status tci_folder_writer_begin(tci_folder_writer *writer, const tc_model *model, const char *folder,
                                  const char *other);
/* With TC_OK what was written takes its place, else it is removed. Gives the status, or what went wrong at last. */
tc_status tci_folder_writer_end(tci_folder_writer *writer, tc_status status);

/* One file, with the text or with pieces. */
tc_status tci_folder_write_text(tci_folder_writer *writer, const char *name);
tc_status tci_folder_write(tci_folder_writer *writer, const char *name, const tci_file_piece *pieces, size_t count);
/* An old file of this name is of another model, and goes when the new ones come. */
tc_status tci_folder_remove(tci_folder_writer *writer, const char *name);

/* The parameters as a safetensors file. `name` gives the name that one has there, in room for TCI_TENSOR_NAME + 32, or
 * false where it is left out. TC_ERROR_NUMERIC for a value that is not finite. */
typedef bool (*tci_tensor_namer)(const tci_folder_writer *writer, const tci_tensor_info *tensor, char *name);
tc_status tci_folder_write_weights(tci_folder_writer *writer, const char *file, tci_tensor_namer name);

#endif
