/*
 * What a measurement was made on, in words.
 */
#ifndef SPR_TOOLS_MACHINE_H
#define SPR_TOOLS_MACHINE_H

struct spr_machine {
    char text[256];       /* 2 cores, AMD EPYC, 24 GiB, Linux 6.18.44 */
    char file_system[32]; /* ext4; its number where the name is not known */
};
void spr_machine_describe(struct spr_machine *ret_machine, const char *path);

#endif
