/*
 * Temporary folders for tests.
 */
#ifndef SPR_TESTS_SUPPORT_TEMPORARY_H
#define SPR_TESTS_SUPPORT_TEMPORARY_H

#define TEMPORARY_PATH_MAX 256

/* Aborts the test on failure. */
void make_temporary(char path[TEMPORARY_PATH_MAX]);
void remove_temporary(const char *path);

#endif
