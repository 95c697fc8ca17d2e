/* Describes the machine, see machine.h. */
#include "tools/machine.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

/* From the kernel's magic.h, and of OpenZFS. */
static const struct {
    unsigned long magic;
    const char *name;
} FILE_SYSTEMS[] = {
    { 0xef53, "ext4" },      { 0x58465342, "xfs" },     { 0x9123683e, "btrfs" },
    { 0x01021994, "tmpfs" }, { 0x2fc12fc1, "zfs" },     { 0xf2f52010, "f2fs" },
    { 0x6969, "nfs" },       { 0x794c7630, "overlay" }, { 0x65735546, "fuse" },
};

static void read_processor(char *text, size_t size)
{
    char line[256];
    FILE *file = fopen("/proc/cpuinfo", "re");
    (void)snprintf(text, size, "unknown processor");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) == 0 && colon != NULL) {
            line[strcspn(line, "\n")] = '\0';
            (void)snprintf(text, size, "%s", colon + 2);
            break;
        }
    }
    if (file != NULL) {
        (void)fclose(file); /* read only */
    }
}

void spr_machine_describe(struct spr_machine *ret_machine, const char *path)
{
    char processor[128];
    struct utsname kernel = { .release = "" };
    struct statfs status;
    read_processor(processor, sizeof(processor));
    (void)uname(&kernel); /* without it the release stays empty */
    const double pages = (double)sysconf(_SC_PHYS_PAGES);
    (void)snprintf(ret_machine->text, sizeof(ret_machine->text),
                   "%ld cores, %s, %.0f GiB, Linux %.60s", sysconf(_SC_NPROCESSORS_ONLN), processor,
                   pages * (double)sysconf(_SC_PAGESIZE) / (1u << 30), kernel.release);
    (void)snprintf(ret_machine->file_system, sizeof(ret_machine->file_system), "unknown");
    if (statfs(path, &status) == 0) {
        const unsigned long magic = (unsigned long)status.f_type;
        (void)snprintf(ret_machine->file_system, sizeof(ret_machine->file_system), "0x%lx", magic);
        for (size_t i = 0; i < sizeof(FILE_SYSTEMS) / sizeof(FILE_SYSTEMS[0]); i++) {
            if (FILE_SYSTEMS[i].magic == magic) {
                (void)snprintf(ret_machine->file_system, sizeof(ret_machine->file_system), "%s",
                               FILE_SYSTEMS[i].name);
            }
        }
    }
}
