/* arrays.h: a function of one vector as a kernel over arrays: whole vectors, then the rest of one. An element has the
 * same bits wherever it stands, and nothing outside the arrays is touched. The file that includes it has a lanes_*.h
 * before. */
#ifndef TCI_KERNEL_ARRAYS_H
#define TCI_KERNEL_ARRAYS_H

#define ARRAY_FUNCTION(name, function)                                                                                 \
    void name(size_t count, const float *src, float *dst)                                                              \
    {                                                                                                                  \
        size_t i = 0;                                                                                                  \
        for (; count - i >= LANES; i += LANES)                                                                         \
            lanes_store(dst + i, function(lanes_load(src + i)));                                                       \
        if (i < count)                                                                                                 \
            lanes_store_some(dst + i, function(lanes_load_some(src + i, count - i)), count - i);                       \
    }

#endif
