/* Keeps, for every regular file that the process made durable, how many of its bytes outlive a power loss: its
 * length when the last fsync or fdatasync that succeeded began.  Files are told apart by inode, so that a rename
 * changes nothing; a file that is not in the table was never made durable at all.
 *
 * The table is in the file that BLACKBOARD_SHIM_FSYNC names: SLOTS times {inode, durable length}.  It is shared
 * with children, and it is there after a SIGKILL.  sync_file_range is no promise and is not counted. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdarg.h>
#include <sys/stat.h>
#include "control.h"

#define SLOTS 256

struct slot {
    uint64_t inode;
    int64_t durable;
};

static struct slot *table;
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_ftruncate)(int, off_t);
static int (*real_open)(const char *, int, ...);

__attribute__((constructor)) static void start(void) {
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    real_ftruncate = dlsym(RTLD_NEXT, "ftruncate");
    real_open = dlsym(RTLD_NEXT, "open");
    table = control_map("BLACKBOARD_SHIM_FSYNC", SLOTS * sizeof(struct slot));
}

static struct slot *slot_of(uint64_t inode, int make) {
    for (struct slot *slot = table; slot < table + SLOTS; slot++) {
        uint64_t owner = __atomic_load_n(&slot->inode, __ATOMIC_ACQUIRE);
        if (owner == 0) {
            if (!make)
                return NULL;
            /* on failure another thread took it, perhaps for the same file: owner is then that file's */
            if (__atomic_compare_exchange_n(&slot->inode, &owner, inode, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
                return slot;
        }
        if (owner == inode)
            return slot;
    }
    abort(); /* more files than slots: nothing that follows would be true */
}

static int regular(int fd, struct stat *file) {
    return table != NULL && fstat(fd, file) == 0 && S_ISREG(file->st_mode);
}

static int made_durable(int (*sync)(int), int fd) {
    struct stat before;
    int counts = regular(fd, &before); /* what is written while the disk works may come too late */
    int result = sync(fd);
    if (result == 0 && counts) {
        struct slot *slot = slot_of(before.st_ino, 1);
        int64_t known = __atomic_load_n(&slot->durable, __ATOMIC_ACQUIRE);
        while (known < before.st_size &&
               !__atomic_compare_exchange_n(&slot->durable, &known, before.st_size, 0, __ATOMIC_ACQ_REL,
                                            __ATOMIC_ACQUIRE))
            ;
    }
    return result;
}

int fsync(int fd) { return made_durable(real_fsync, fd); }

int fdatasync(int fd) { return made_durable(real_fdatasync, fd); }

static void shrink(int fd) {
    struct stat file;
    if (!regular(fd, &file))
        return;
    struct slot *slot = slot_of(file.st_ino, 0);
    if (slot != NULL && slot->durable > file.st_size)
        __atomic_store_n(&slot->durable, file.st_size, __ATOMIC_RELEASE);
}

int ftruncate(int fd, off_t length) {
    int result = real_ftruncate(fd, length);
    if (result == 0)
        shrink(fd);
    return result;
}

int ftruncate64(int fd, off_t length) __attribute__((alias("ftruncate")));

int open(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    if (real_open == NULL) /* another library opens a file before this one was started */
        real_open = dlsym(RTLD_NEXT, "open");
    int fd = real_open(path, flags, mode);
    if (fd >= 0)
        shrink(fd); /* an inode that is used again begins empty */
    return fd;
}

int open64(const char *path, int flags, ...) __attribute__((alias("open")));
