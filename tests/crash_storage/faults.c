/* Makes calls on a store's files fail, or the process die in the middle of them. Loaded with LD_PRELOAD; told what to
 * do, while the process runs, through a file that both sides map (tests/crash_storage/faults.py has the same layout).
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

enum { QUIET, COUNT, FAIL, KILL, TEAR };
/* Bytes that reach a disk together or not at all. */
enum { SECTOR = 512 };
enum { WRITES = 1, SYNCS = 2, OPENS = 4 };

struct orders {
    int32_t action;
    int32_t calls; /* which kinds of calls count */
    int32_t error; /* errno for FAIL */
    int32_t from;  /* the first call that is hit, from 1 */
    int32_t count; /* calls so far */
    char match[44]; /* part of the file's name */
};

static struct orders *orders;

__attribute__((constructor)) static void map_orders(void) {
    const char *path = getenv("FAULTS");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *mapped = mmap(NULL, sizeof(struct orders), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (mapped != MAP_FAILED)
        orders = mapped;
}

static int32_t hit(const char *path) {
    const char *name = strrchr(path, '/');
    if (!strstr(name ? name : path, orders->match))
        return QUIET;
    int32_t number = __atomic_add_fetch(&orders->count, 1, __ATOMIC_SEQ_CST);
    return number >= orders->from ? orders->action : QUIET;
}

static int32_t hit_file(int32_t kind, int fd) {
    char link[32], path[4096];
    if (!orders || orders->action == QUIET || !(orders->calls & kind))
        return QUIET;
    char digits[12], *at = digits + sizeof digits;
    *--at = 0;
    for (int rest = fd; at == digits + sizeof digits - 1 || rest; rest /= 10)
        *--at = (char)('0' + rest % 10);
    strcpy(link, "/proc/self/fd/");
    strcat(link, at);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return QUIET;
    path[length] = 0;
    return hit(path);
}

static int failed(int32_t action) {
    if (action == KILL || action == TEAR)
        kill(getpid(), SIGKILL);
    if (action != FAIL)
        return 0;
    errno = orders->error;
    return 1;
}

#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) \
        real = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

#define WRITE_AT(name) \
    ssize_t name(int fd, const void *data, size_t size, off_t at) { \
        REAL(ssize_t, name, int, const void *, size_t, off_t); \
        int32_t action = hit_file(WRITES, fd); \
        if (action == TEAR) \
            real(fd, data, size / 2 / SECTOR * SECTOR, at); \
        return failed(action) ? -1 : real(fd, data, size, at); \
    }

WRITE_AT(pwrite)
WRITE_AT(pwrite64)

ssize_t write(int fd, const void *data, size_t size) {
    REAL(ssize_t, write, int, const void *, size_t);
    int32_t action = hit_file(WRITES, fd);
    if (action == TEAR)
        real(fd, data, size / 2 / SECTOR * SECTOR);
    return failed(action) ? -1 : real(fd, data, size);
}

#define ON_FILE(name, kind) \
    int name(int fd) { \
        REAL(int, name, int); \
        return failed(hit_file(kind, fd)) ? -1 : real(fd); \
    }

ON_FILE(fsync, SYNCS)
ON_FILE(fdatasync, SYNCS)

static int hit_open(const char *path, int flags) {
    if (!orders || orders->action == QUIET || !(orders->calls & OPENS) || (flags & O_ACCMODE) == O_RDONLY)
        return 0;
    return failed(hit(path));
}

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        REAL(int, name, const char *, int, ...); \
        va_list rest; \
        va_start(rest, flags); \
        mode_t mode = va_arg(rest, mode_t); \
        va_end(rest); \
        return hit_open(path, flags) ? -1 : real(path, flags, mode); \
    }

OPEN(open)
OPEN(open64)

#define OPEN_AT(name) \
    int name(int folder, const char *path, int flags, ...) { \
        REAL(int, name, int, const char *, int, ...); \
        va_list rest; \
        va_start(rest, flags); \
        mode_t mode = va_arg(rest, mode_t); \
        va_end(rest); \
        return hit_open(path, flags) ? -1 : real(folder, path, flags, mode); \
    }

OPEN_AT(openat)
OPEN_AT(openat64)
