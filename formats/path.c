/*
 * Paths below the spool root. text always ends in NUL, length never passes SPR_PATH_MAX.
 */
#include "formats/path.h"

#include <string.h>

bool spr_path_add(struct spr_path *path, struct spr_text component)
{
    if (component.length == 0) {
        return true;
    }
    size_t slash = path->length > 0 ? 1 : 0;
    if (component.length > SPR_PATH_MAX || component.length + slash > SPR_PATH_MAX - path->length ||
        memchr(component.bytes, '\0', component.length) != NULL) {
        return false;
    }
    if (slash > 0) {
        path->text[path->length] = '/';
    }
    memcpy(path->text + path->length + slash, component.bytes, component.length);
    path->length += slash + component.length;
    path->text[path->length] = '\0';
    return true;
}
