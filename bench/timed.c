/*
 * Runs one command and says what it took: wall time from fork to exit, processor time and peak
 * memory with all its children, and how busy others kept the processors meanwhile.
 *
 * usage: timed [-o FILE] [-r] COMMAND…
 *
 * -o: where its output goes (/dev/null). -r: the kernel refuses it every io_uring.
 * Prints: seconds,processor seconds,peak KiB,percent of the processors used by others,exit code
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Seconds that all processors together were busy since the start of the machine. */
static double busy_seconds(void)
{
    unsigned long long user = 0, nice = 0, system = 0, idle, wait, irq = 0, softirq = 0;
    FILE *file = fopen("/proc/stat", "re");
    if (file == NULL || fscanf(file, "cpu %llu %llu %llu %llu %llu %llu %llu", &user, &nice,
                               &system, &idle, &wait, &irq, &softirq) != 7) {
        user = nice = system = irq = softirq = 0;
    }
    if (file != NULL) {
        (void)fclose(file); /* read only */
    }
    return (double)(user + nice + system + irq + softirq) / (double)sysconf(_SC_CLK_TCK);
}

static int refuse_rings(void)
{
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog filter = { .len = sizeof(program) / sizeof(program[0]),
                                       .filter = program };
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
        return -errno;
    }
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) < 0 ? -errno : 0;
}

_Noreturn static void run(const char *output, bool without_rings, char **command)
{
    int fd = open(output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0) {
        perror(output);
        _exit(126);
    }
    if (without_rings && refuse_rings() < 0) {
        perror("seccomp");
        _exit(126);
    }
    execvp(command[0], command);
    perror(command[0]);
    _exit(127);
}

int main(int argc, char **argv)
{
    const char *output = "/dev/null";
    bool without_rings = false;
    int option;
    while ((option = getopt(argc, argv, "+o:r")) != -1) {
        if (option == 'o') {
            output = optarg;
        } else if (option == 'r') {
            without_rings = true;
        } else {
            return 2;
        }
    }
    if (optind == argc) {
        fputs("usage: timed [-o FILE] [-r] COMMAND...\n", stderr);
        return 2;
    }
    double busy = busy_seconds(), start = now();
    pid_t child = fork();
    if (child == 0) {
        run(output, without_rings, argv + optind);
    }
    int status;
    struct rusage usage;
    if (child < 0 || wait4(child, &status, 0, &usage) < 0) {
        perror("timed");
        return 1;
    }
    double wall = now() - start;
    busy = busy_seconds() - busy;
    double own = (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6 +
                 (double)usage.ru_stime.tv_sec + (double)usage.ru_stime.tv_usec / 1e6;
    double others = (busy - own) / (wall * (double)sysconf(_SC_NPROCESSORS_ONLN)) * 100;
    printf("%.6f,%.4f,%ld,%.0f,%d\n", wall, own, usage.ru_maxrss, others > 0 ? others : 0,
           WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    return 0;
}
