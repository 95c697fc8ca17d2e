/*
 * Which class the strings of a text column belong to.
 */
#ifndef SPR_CORE_INDEX_CLASSES_H
#define SPR_CORE_INDEX_CLASSES_H

#include "core/index/layout.h"
#include "core/index/record.h"

static inline enum spr_string_class spr_class_of(enum spr_column column)
{
    switch (column) {
    case SPR_COLUMN_SENDER:
    case SPR_COLUMN_ACCOUNT:
    case SPR_COLUMN_LOCAL_USER:
        return SPR_CLASS_PEOPLE;
    case SPR_COLUMN_CLIENT:
        return SPR_CLASS_CLIENTS;
    case SPR_COLUMN_HELO:
        return SPR_CLASS_HELO;
    case SPR_COLUMN_SUBJECT:
        return SPR_CLASS_SUBJECT;
    case SPR_COLUMN_HEADER_FROM:
        return SPR_CLASS_HEADER_FROM;
    case SPR_COLUMN_MESSAGE_ID:
        return SPR_CLASS_MESSAGE_ID;
    case SPR_COLUMN_AUTH_METHOD:
    case SPR_COLUMN_QUEUE_NAME:
    case SPR_COLUMN_LAST_ERROR:
    case SPR_COLUMN_LOG_SESSION:
    case SPR_COLUMN_COUNT:
        break;
    }
    return SPR_CLASS_OTHER;
}

#endif
