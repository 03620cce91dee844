/**
 * @file export.h
 * @brief Visibility and linkage of every public symbol.
 */
#ifndef TEXTCLF_EXPORT_H
#define TEXTCLF_EXPORT_H

/**
 * @def TC_EXPORT
 * Stands before every declaration that the library shows. A host that links the static library on Windows defines
 * TEXTCLF_STATIC; elsewhere nothing needs to be defined.
 */
#if defined(TEXTCLF_STATIC)
#define TC_EXPORT
#elif defined(_WIN32)
#if defined(TEXTCLF_BUILDING)
#define TC_EXPORT __declspec(dllexport)
#else
#define TC_EXPORT __declspec(dllimport)
#endif
#elif defined(__GNUC__)
#define TC_EXPORT __attribute__((visibility("default")))
#else
#define TC_EXPORT
#endif

#endif
